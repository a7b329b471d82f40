"""What is measured, one file per number."""
