"""Feedback weights learned over time from noise and later changes of the loss (LMS).

The trace adds up what the noise of the neuron behind (``factor``, over its variance) did beside the error of the
sender, and keeps of it the share ``keep`` in each step. Times the loss less what was expected (``surprise``) it
estimates the gradient at the neuron, through all later steps within that horizon; without one, that of the same step
alone. The synapse moves so that what it delivers predicts it. ``duration`` brings errors, which are per second, to
numbers. The rule of Lansdell, Prakash & Kording (2020), ICLR, in time.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    """
    seen += (keep - 1)*seen + duration*factor_post*error_pre
    w += dt*learning_rate*surprise_post*(keep*seen + duration*factor_post*error_pre)
    w -= dt*learning_rate*duration*learning_signal_post*error_pre
    """,
    traces="seen : 1",
    parameters={"learning_rate": None, "keep": 0.0, "duration": None},
    timing="integral",
    name="integral_feedback",
)
