"""Learning schemes, one file each: the circuit that they make of a network."""
