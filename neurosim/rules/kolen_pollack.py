"""Kolen-Pollack: the feedback weight takes the same step as the forward weight beside it, and both decay.

Kolen & Pollack (1994), IEEE ICNN; without decay the "matched" control of Lansdell, Prakash & Kording (2020).
Both signals are present at both ends: rate below, error above.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w -= learning_rate*r_held_post*delta_held_pre + decay*w",
    parameters={"learning_rate": None, "decay": 0.0},
    name="kolen_pollack",
)
