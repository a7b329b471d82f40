"""Bienenstock, Cooper & Munro's rule: potentiation above a threshold that slides with the square of the rate.

Bienenstock, Cooper & Munro (1982), Journal of Neuroscience 2:32, with the threshold of Intrator & Cooper (1992), Neural
Networks 5:3: the mean of the squared rate. Each synapse keeps it, as `theta`, over so many presentations (`window`);
rates are without unit.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w += learning_rate*r_pre*r_post*(r_post - theta)\ntheta += (r_post**2 - theta)/window",
    variables="theta : 1",
    parameters={"learning_rate": None, "window": 100.0},
    name="bcm",
)
