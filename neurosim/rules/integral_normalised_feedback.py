"""Feedback weights learned over time as by `integral_feedback`, with steps divided by the power of the error.

Normalised LMS (Haykin 2002, Adaptive Filter Theory, chapter 6) at every step: the size of a step no longer depends on
that of the error. The power (``power``) is the sum of squares over the output, errors taken as numbers, which no
synapse sees; to it is added ``smallest``, so that steps without an error do not count for more than others.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    """
    seen += (keep - 1)*seen + duration*factor_post*error_pre/(power_pre + smallest)
    w += dt*learning_rate*surprise_post*(keep*seen + duration*factor_post*error_pre/(power_pre + smallest))
    w -= dt*learning_rate*duration*learning_signal_post*error_pre/(power_pre + smallest)
    """,
    traces="seen : 1",
    parameters={"learning_rate": None, "keep": 0.0, "duration": None, "smallest": 1e-3},
    timing="integral",
    reads=("population",),
    name="integral_normalised_feedback",
)
