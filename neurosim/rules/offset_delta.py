"""Delta rule of biases past a normalisation: the error at the offset times the presynaptic rate.

Neurons that normalise their drive have two errors: that at the drive, from which weights learn (`delta`), and that
at the offset, which is added after the normalisation.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w -= learning_rate*offset_delta_held_post*r_held_pre",
    parameters={"learning_rate": None},
    name="offset_delta",
)
