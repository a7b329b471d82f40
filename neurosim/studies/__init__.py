"""Studies of many runs: comparisons, sweeps, and reproduction of expected values."""
