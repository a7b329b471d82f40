"""What schemes build on: the topology of a network."""
