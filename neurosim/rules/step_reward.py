"""Node perturbation in continuous time: the neuron's running estimate of its gradient times the presynaptic rate.

No feedback pathway at all. The factor in the estimate is filtered in the neuron, so that the synapse needs no
trace of its own.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w -= dt*learning_rate*estimate_post*gain_now_post*rate_now_pre",
    parameters={"learning_rate": None},
    timing="step",
    name="step_reward",
)
