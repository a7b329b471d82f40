"""Products of weights and activity, for each kind of connectivity and processor."""
