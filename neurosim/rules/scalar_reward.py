"""Node perturbation proper: the neuron's own noise-based estimate of its gradient times the presynaptic rate.

No feedback pathway at all. Williams (1992), Machine Learning 8:229; Werfel, Xie & Seung (2005), Neural
Computation 17:2699.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w -= learning_rate*estimate_post*gain_held_post*r_held_pre",
    parameters={"learning_rate": None},
    name="scalar_reward",
)
