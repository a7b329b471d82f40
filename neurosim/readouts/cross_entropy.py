"""Cross-entropy of the softmax of the outputs."""

from neurosim.readouts._readout import Readout

# 1/p of each neuron as a sum over the others keeps softmax within the reach of synapses; the clip is where
# float32 would overflow, at probabilities below 1e-34.
#
# The change of log(1/p_i) is log(1 + s_i) with s_i = sum_j p_j (exp(d_j - d_i) - 1), p the held probabilities and d
# the changes of the outputs: no two large numbers are subtracted. Where a large improvement brings 1 + s_i itself
# down towards zero, the plain difference is the exact one.
READOUT = Readout(
    error="1/inverse_probability - target",
    loss="target*log(inverse_probability)",
    pairwise={"inverse_probability": "exp(clip(y_pre - y_post, -80, 80))"},
    change=(
        "target*(int(abs(growth) <= 0.5)*log1p(clip(growth, -0.5, 0.5))"
        " + int(abs(growth) > 0.5)*(log(inverse_probability) - surprise_held))"
    ),
    held={"y": "y", "surprise": "log(inverse_probability)"},
    change_pairwise={
        "growth": "exp(-surprise_held_pre)*expm1(clip((y_pre - y_held_pre) - (y_post - y_held_post), -80, 80))"
    },
    name="cross_entropy",
)
