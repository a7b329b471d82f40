"""Spike-timing dependent plasticity of triplets: what a pair of spikes does depends on the spikes before it.

Pfister & Gerstner (2006), Journal of Neuroscience 26:9673, equations 1 to 4, with all spikes interacting. `x` and
`x_slow` are the detectors r1 and r2 of spikes in front of the synapse, `y` and `y_slow` those behind it, o1 and o2.
Slow ones are read as they are just before the spike. Amplitudes have the unit of the weights.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    traces="""
    dx/dt = -x/tau_plus : 1
    dx_slow/dt = -x_slow/tau_x : 1
    dy/dt = -y/tau_minus : 1
    dy_slow/dt = -y_slow/tau_y : 1
    """,
    on_pre="w -= y*(a_minus + a_minus_triplet*x_slow)\nx += 1\nx_slow += 1",
    on_post="w += x*(a_plus + a_plus_triplet*y_slow)\ny += 1\ny_slow += 1",
    parameters={
        "a_plus": None,
        "a_minus": None,
        "a_plus_triplet": None,
        "a_minus_triplet": None,
        "tau_plus": "20 ms",
        "tau_minus": "35 ms",
        "tau_x": "100 ms",
        "tau_y": "110 ms",
    },
    name="stdp_triplet",
)
