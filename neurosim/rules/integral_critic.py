"""Expected loss over time: the value of the unit behind follows the loss while its input is active."""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w += dt*learning_rate*(loss - value_post)*active_pre/width",
    parameters={"learning_rate": None, "width": None},
    timing="integral",
    name="integral_critic",
)
