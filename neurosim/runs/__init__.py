"""Run folders: one model with one seed, trained or measured, written to disk and read back."""
