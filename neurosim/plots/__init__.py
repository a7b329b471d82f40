"""Figures: every function takes and returns Axes, and shows nothing."""
