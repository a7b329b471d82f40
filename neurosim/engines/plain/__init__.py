"""The level steady in plain NumPy."""
