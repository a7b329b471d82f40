"""Decay: the weight loses a fraction of itself with each presentation."""

from neurosim.rules._rule import Rule

RULE = Rule("w -= decay*w", parameters={"decay": None}, name="decay")
