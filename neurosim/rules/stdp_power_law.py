"""Spike-timing dependent plasticity whose potentiation is a power of the weight, and whose depression is linear in it.

Morrison, Aertsen & Diesmann (2007), Neural Computation 19:1437: a pair of spikes that is causal adds
``rate*w_0**(1 - mu)*w**mu``, one that is not takes away ``rate*alpha*w``, each times an exponential of the interval.
`w_0` has the unit of the weights, which must not be negative: ``Pathway(..., bounds=(0, None))``.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    traces="dx/dt = -x/tau_plus : 1\ndy/dt = -y/tau_minus : 1",
    on_pre="x += 1\nw -= rate*alpha*w*y",
    on_post="y += 1\nw += rate*w_0*(w/w_0)**mu*x",
    parameters={
        "rate": None,
        "alpha": None,
        "w_0": None,
        "mu": 0.4,
        "tau_plus": "20 ms",
        "tau_minus": "20 ms",
    },
    name="stdp_power_law",
)
