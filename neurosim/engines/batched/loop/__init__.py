"""The loop over time of a stretch that spikes, as text made from the circuit and compiled by Numba.

`eligible` says which stretches it takes, `expressions` turns array functions into scalar code, `parts` and `text` write
the loop, `compiled` compiles it and keeps it on disk, `presented` runs it between two programs of XLA.
"""
