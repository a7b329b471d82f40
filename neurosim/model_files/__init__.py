"""Model files: TOML sections, checked and made into a model."""
