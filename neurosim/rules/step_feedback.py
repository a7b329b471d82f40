"""Feedback weights learned in continuous time from a running estimate of the gradient (LMS).

The online rule of Lansdell, Prakash & Kording (2020), ICLR, without phases: at each step the synapse moves so
that what the feedback delivers (``signal_now``) predicts the postsynaptic neuron's ``estimate`` from the error of
the sender.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w += dt*learning_rate*(estimate_post - signal_now_post)*error_now_pre",
    parameters={"learning_rate": None},
    timing="step",
    name="step_feedback",
)
