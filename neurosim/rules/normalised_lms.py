"""Normalised LMS: the node-perturbation rule with steps divided by the power of the sender's error.

Needs the sum of squares over the presynaptic population (``power_held``), which no synapse sees. The size of a
step no longer depends on that of the error: Haykin (2002), Adaptive Filter Theory, chapter 6.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w += learning_rate*(estimate_post - signal_held_post)*delta_held_pre/(power_held_pre + smallest)",
    parameters={"learning_rate": None, "smallest": 1e-6},
    reads=("population",),
    name="normalised_lms",
)
