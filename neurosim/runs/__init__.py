"""One run folder: claimed, trained or measured, sealed, read back."""
