"""Simulations, recordings of variables over time, and weights, in memory and on disk."""
