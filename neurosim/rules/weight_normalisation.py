"""Normalisation (not local): the weights of a neuron are scaled so that they sum to a total, at the end of each phase.

Multiplicative normalisation of Miller & MacKay (1994), Neural Computation 6:100. A synapse does not see the weights of
its neighbours, so the rule is not local: the neuron behind has to sum them up, as its variable `total_weight`. A
pathway that borrows the weights, from a variable that is one, delivers it:
``Pathway("W_sum", "a.one", "b.total_weight", tie=Tie("W"))``.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w += w*(total/total_weight_post - 1)",
    parameters={"total": None},
    reads=("population",),
    name="weight_normalisation",
)
