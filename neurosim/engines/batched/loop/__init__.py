"""The loop over time of a stretch that spikes, as text made from the circuit and compiled by Numba.

`eligible` says which stretches it takes, `expressions` turns array functions into scalar code, `neurons`, `wires`,
`junctions`, `strikes` and `spike_steps` write the parts of a step, `together` those in which trials change weights that
they share, `space` the arrays that it works in, `text` the whole. `compiled` compiles it and keeps it on disk,
`presented` runs it between two programs of XLA.
"""
