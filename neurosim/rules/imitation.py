"""Feedback weights fitted to the true gradient instead of to a noise-based estimate (a control, LMS).

The synthetic-gradient control of Lansdell, Prakash & Kording (2020): what learned feedback would be without
the noise of its teacher. The teacher is not local.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w += learning_rate*(true_held_post - signal_held_post)*delta_held_pre",
    parameters={"learning_rate": None},
    name="imitation",
)
