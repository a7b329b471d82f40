"""A circuit in a file: populations, pathways, rules and phases as TOML, and how it is simulated."""
