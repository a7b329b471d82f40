"""Readouts: how loss and error follow from the output, one file each."""
