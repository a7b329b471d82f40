"""Many configurations of one model: described in TOML, run on Dask, one labelled table of results."""
