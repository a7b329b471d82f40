"""Weight transport (not local): each feedback weight follows the weight of the synapse in the other direction."""

from neurosim.rules._rule import Rule

# With learning_rate = 1 the feedback weights are the transposed forward weights of one update ago.
RULE = Rule(
    "w += learning_rate*(w_reciprocal - w)",
    parameters={"learning_rate": 1.0},
    reads=("reciprocal",),
    name="weight_transport",
)
