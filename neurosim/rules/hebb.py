"""Hebb's rule: postsynaptic rate times presynaptic rate, with a decay that keeps weights finite.

What fires together is joined: Hebb (1949), The Organization of Behavior, as the product rule of Gerstner, Kistler, Naud
& Paninski (2014), Neuronal Dynamics, chapter 19, with its passive decay. Without decay (the default) weights grow
without end, unless the pathway has bounds.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w += learning_rate*(r_post*r_pre - decay*w)", parameters={"learning_rate": None, "decay": 0.0}, name="hebb"
)
