"""Feedback weights learned over time from spikes that could not be foreseen, and later changes of the loss (LMS).

As `integral_feedback`, for neurons that spike: in place of noise over its variance stands what a spike (or its absence)
was beyond its probability (``factor``), and what feedback delivers counts with the variance of that (``certainty``).
The synapse comes to predict, from the error, what one spike more does to the loss, best where spikes are least certain.
After Lansdell, Prakash & Kording (2020), ICLR; spikes without noise as in Williams (1992), Machine Learning 8:229.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    """
    seen += (keep - 1)*seen + duration*factor_post*error_pre
    w += dt*learning_rate*surprise_post*(keep*seen + duration*factor_post*error_pre)
    w -= dt*learning_rate*duration*certainty_post*learning_signal_post*error_pre
    """,
    traces="seen : 1",
    parameters={"learning_rate": None, "keep": 0.0, "duration": None},
    timing="integral",
    name="integral_feedback_spikes",
)
