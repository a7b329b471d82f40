"""Short-term plasticity: spikes use up what a synapse can release, and raise the share of it that the next one uses.

Tsodyks, Pawelzik & Markram (1998), Neural Computation 10:821. `x` is what is left, `u` the facilitation, which a spike
raises before it releases, and `release` what it releases: ``Pathway(..., delivers="w*release")``. In Mongillo, Barak &
Tsodyks (2008), Science 319:1543, the facilitation is ``u + use*(1 - u)``. Nothing is learned: it acts in every phase.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    traces="""
    du/dt = -u/tau_facilitation : 1
    dx/dt = (1 - x)/tau_recovery : 1
    release = (u + use*(1 - u))*x : 1
    """,
    on_pre="u += use*(1 - u)\nx -= u*x",
    parameters={"use": None, "tau_facilitation": None, "tau_recovery": None},
    initial={"x": 1},
    name="short_term_plasticity",
)
