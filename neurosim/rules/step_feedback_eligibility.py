"""Feedback weights learned in continuous time, with an eligibility trace of noise times the sender's error.

As ``step_feedback``, but what meets the reward's deviation from its expectation (``surprise``) is the low-passed
product of postsynaptic factor and presynaptic error, kept in the synapse.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    """
    eligibility += dt*(factor_post*error_now_pre - eligibility)/tau_eligibility
    w += dt*learning_rate*(surprise_post*eligibility - signal_now_post*error_now_pre)
    """,
    traces="eligibility : 1",
    parameters={"learning_rate": None, "tau_eligibility": None},
    timing="step",
    name="step_feedback_eligibility",
)
