"""Plasticity of inhibitory synapses: coincidences strengthen, and each spike in front weakens, up to a target rate.

Vogels, Sprekeler, Zenke, Clopath & Gerstner (2011), Science 334:1569: at a spike in front of the synapse the weight
changes by ``learning_rate*(y - 2*target_rate*tau)``, at one behind it by ``learning_rate*x``, where `x` and `y` are the
traces of both neurons. At balance the neuron behind fires at `target_rate`. Weights need bounds from zero on.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    traces="dx/dt = -x/tau : 1\ndy/dt = -y/tau : 1",
    on_pre="x += 1\nw += learning_rate*(y - 2*target_rate*tau)",
    on_post="y += 1\nw += learning_rate*x",
    parameters={"learning_rate": None, "target_rate": None, "tau": "20 ms"},
    name="stdp_inhibitory",
)
