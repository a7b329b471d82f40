"""Delta rule in continuous time: postsynaptic error times presynaptic rate, both as they are at each step."""

from neurosim.rules._rule import Rule

# learning_rate is per second: with delta the backpropagated error this is the gradient flow of the loss.
RULE = Rule(
    "w -= dt*learning_rate*error_now_post*rate_now_pre",
    parameters={"learning_rate": None},
    timing="step",
    name="step_delta",
)
