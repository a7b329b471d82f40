"""The loop over time of a stretch that spikes, as text made from the circuit and compiled by Numba.

`eligible` says which stretches it takes, `expressions` turns array functions into scalar code, `neurons`, `wires`,
`junctions` and `spike_steps` write the parts of a step, `text` the whole, `compiled` compiles it and keeps it on disk,
`presented` runs it between two programs of XLA.
"""
