"""Cross-entropy of the softmax of the outputs."""

from neurosim.readouts._readout import Readout

# 1/p of each neuron as a sum over the others keeps softmax within the reach of synapses; the clip is where
# float32 would overflow, at probabilities below 1e-34.
#
# With d the changes of the outputs, m their mean weighted by the target and p the held probabilities, the loss changes
# by log(1 + sum_j p_j (exp(d_j - m) - 1)): no two large numbers are subtracted, as targets add up to one. Where a
# large improvement brings the argument of the logarithm itself down towards zero, the ratio of the probabilities is
# the exact one. Both sums are over the sender alone, so that they cost no more than the outputs do.
SMALL = "int(abs(growth) <= 0.5)"
READOUT = Readout(
    error="1/inverse_probability - target",
    loss="target*log(inverse_probability)",
    pairwise={"inverse_probability": "exp(clip(y_pre - y_post, -80, 80))"},
    change=(f"target*(log1p({SMALL}*growth) + log({SMALL} + (1 - {SMALL})*inverse_probability*probability_held))"),
    held={"y": "y", "probability": "1/inverse_probability"},
    change_pairwise={
        "shift": "target_pre*(y_pre - y_held_pre)",
        "growth": "probability_held_pre*expm1(clip(y_pre - y_held_pre - shift_pre, -80, 80))",
    },
    targets="shares",
    name="cross_entropy",
)
