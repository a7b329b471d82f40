"""Weight perturbation: the synapse's own noise times the change of the loss that all synapses' noise causes.

Jabri & Flower (1992), IEEE Transactions on Neural Networks 3:154; Cauwenberghs (1993), NIPS. The noise that is held
on the weight, ``sigma*noise``, is the synapse's own; the change of the loss is broadcast to all.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w -= learning_rate*loss_change*noise/sigma",
    parameters={"learning_rate": None},
    name="weight_perturbation",
)
