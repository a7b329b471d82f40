"""Feedback weights learned from injected noise and the change of the loss it causes (LMS).

The postsynaptic neuron's noise times the change of loss estimates the gradient of the loss at the neuron
(``estimate``); the synapse moves so that what the feedback delivers (``signal_held``) predicts it from the
error of the sender. Lansdell, Prakash & Kording (2020), ICLR, equation for the feedback weights, online form.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w += learning_rate*(estimate_post - signal_held_post)*delta_held_pre",
    parameters={"learning_rate": None},
    name="node_perturbation",
)
