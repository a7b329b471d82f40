"""Engines that run circuits: Brian2, and JAX on batches of trials."""
