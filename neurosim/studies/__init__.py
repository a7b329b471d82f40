"""Many runs: collected, compared, held against what is expected, swept."""
