"""Weight mirror over time: feedback follows noise of the neuron behind times the response of the sender at that step.

Akrout, Wilson, Humphreys, Lillicrap & Tweed (2019), NeurIPS; within a presentation, at every step.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w += dt*learning_rate*(factor_post*response_pre - w)/duration",
    parameters={"learning_rate": None, "duration": None},
    timing="integral",
    name="integral_mirror",
)
