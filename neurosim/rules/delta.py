"""Delta rule: postsynaptic error times presynaptic rate, both as held at the end of the clean phase."""

from neurosim.rules._rule import Rule

# Widrow & Hoff (1960); with delta the backpropagated error this is gradient descent on the trial's loss.
RULE = Rule(
    "w -= learning_rate*delta_held_post*r_held_pre",
    parameters={"learning_rate": None},
    name="delta",
)
