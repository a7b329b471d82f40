"""Delta rule with weight decay."""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w -= learning_rate*delta_held_post*r_held_pre + decay*w",
    parameters={"learning_rate": None, "decay": 0.0},
    name="decaying_delta",
)
