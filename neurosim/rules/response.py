"""Feedback weights learned from injected noise and the response of the neurons that send the feedback.

The postsynaptic neuron's noise over its standard deviation (``eligibility``) times the change of the drive that
the presynaptic neuron receives (``response``) is, on average, the weight between the two in the other direction:
the weight moves towards that average. The second pass takes the place of the mirror mode in Akrout, Wilson,
Humphreys, Lillicrap & Tweed (2019), NeurIPS, equation of the weight mirror; with direct feedback from the output
it is that of Bacho & Chu (2024), Neural Networks.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w += learning_rate*(eligibility_post*response_pre - w)",
    parameters={"learning_rate": None},
    name="response",
)
