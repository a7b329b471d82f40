"""Model files: TOML sections that become a checked model."""
