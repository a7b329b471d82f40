"""FORCE: the readout's error times the gain of the neuron that is read, at every step and with effect at once.

Sussillo & Abbott (2009), Neuron 63:544. The gain is that of `recursive_least_squares`, one for all outputs. The error
is divided by the mask, which says when it counts and not how much.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w -= share_post*error_post/(mask_post + smallest)*gained_pre",
    parameters={"smallest": "1e-30 Hz"},
    timing="step",
    reads=("population",),
    name="least_squares_readout",
)
