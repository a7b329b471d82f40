"""Measurements of a circuit that are no training: how well, how fast and at what price it finds the gradient."""
