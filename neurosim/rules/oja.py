"""Oja's rule: Hebb's, with a decay that keeps the weights of a linear neuron at length one along the first component.

Oja (1982), Journal of Mathematical Biology 15:267.
"""

from neurosim.rules._rule import Rule

RULE = Rule("w += learning_rate*r_post*(r_pre - r_post*w)", parameters={"learning_rate": None}, name="oja")
