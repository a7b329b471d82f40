"""Expected loss: the value of the postsynaptic unit follows the loss of the trials in which its input is active.

Rescorla & Wagner (1972); as the baseline of a reward that perturbations explore, Williams (1992), Machine Learning
8:229, and Dayan (1990). With one input that is always on, the value is a running mean of the loss.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w += learning_rate*(loss - value_post)*evidence_pre",
    parameters={"learning_rate": None},
    name="critic",
)
