"""Recursive least squares: the inverse of the summed correlation of rates, kept up to date by each sample.

Haykin (2002), Adaptive Filter Theory, chapter 9, with a forgetting factor of one. The synapse joins two neurons that
are read. What reaches a neuron by the weights that learn is its gain (``gained``), and ``share`` is one over one and
the power of the sample, a sum over the population. Weights of the readout learn by `least_squares_readout`.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w -= share_post*gained_post*gained_pre",
    timing="step",
    reads=("population",),
    name="recursive_least_squares",
)
