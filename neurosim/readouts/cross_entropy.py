"""Cross-entropy of the softmax of the outputs."""

from neurosim.readouts._readout import Readout

# 1/p of each neuron as a sum over the others keeps softmax within the reach of synapses; the clip is where
# float32 would overflow, at probabilities below 1e-34.
READOUT = Readout(
    error="1/inverse_probability - target",
    loss="target*log(inverse_probability)",
    pairwise={"inverse_probability": "exp(clip(y_pre - y_post, -80, 80))"},
    name="cross_entropy",
)
