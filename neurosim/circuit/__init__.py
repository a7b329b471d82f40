"""Circuits: populations, pathways and phases, checked and planned, for any engine to run."""
