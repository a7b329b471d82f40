"""FORCE: the readout's error times the gain of the neuron that is read, at every step and with effect at once.

Sussillo & Abbott (2009), Neuron 63:544. The gain is that of `recursive_least_squares`, one for all outputs. The error
(``miss``) is that of the answer, whatever it counts in the loss.
"""

from neurosim.rules._rule import Rule

RULE = Rule("w -= share_post*miss_post*gained_pre", timing="step", reads=("population",), name="least_squares_readout")
