"""Homeostatic scaling: all weights of a neuron grow or shrink by the same factor, until it fires at its target rate.

van Rossum, Bi & Turrigiano (2000), Journal of Neuroscience 20:8812, the proportional part of their model of what
Turrigiano, Leslie, Desai, Rutherford & Nelson (1998), Nature 391:892, found. `activity` is the neuron's rate,
averaged over `tau`.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w += dt*learning_rate*w*(target_rate - activity)",
    traces="dactivity/dt = -activity/tau : hertz",
    on_post="activity += 1/tau",
    parameters={"learning_rate": None, "target_rate": None, "tau": "1 second"},
    timing="step",
    name="homeostatic_scaling",
)
