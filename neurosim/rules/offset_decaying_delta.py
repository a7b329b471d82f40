"""Delta rule with weight decay, of biases past a normalisation: the error is that at the offset."""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w -= learning_rate*offset_delta_held_post*r_held_pre + decay*w",
    parameters={"learning_rate": None, "decay": 0.0},
    name="offset_decaying_delta",
)
