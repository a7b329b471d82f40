"""No learning: the weights stay as they were drawn."""

from neurosim.rules._rule import Rule

RULE = Rule(name="fixed")
