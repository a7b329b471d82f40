"""Spike-timing dependent plasticity of all pairs of spikes, additive: the change does not depend on the weight.

Song, Miller & Abbott (2000), Nature Neuroscience 3:919: a spike behind the synapse after one in front of it
adds ``a_plus*exp(-interval/tau_plus)``, one before it takes away ``a_minus*exp(-interval/tau_minus)``. The amplitudes
have the unit of the weights. Weights need bounds: ``Pathway(..., bounds=(0, ...))``.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    traces="dx/dt = -x/tau_plus : 1\ndy/dt = -y/tau_minus : 1",
    on_pre="x += 1\nw -= a_minus*y",
    on_post="y += 1\nw += a_plus*x",
    parameters={"a_plus": None, "a_minus": None, "tau_plus": "20 ms", "tau_minus": "20 ms"},
    name="stdp_pair",
)
