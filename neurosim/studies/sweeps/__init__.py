"""Sweeps: many configurations of one model, described in TOML and run on Dask, in one labelled table."""
