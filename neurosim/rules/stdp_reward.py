"""Spike-timing dependent plasticity that waits for a reward: pairs of spikes leave an eligibility in the synapse.

Izhikevich (2007), Cerebral Cortex 17:2443: the eligibility decays slowly, and the weight follows it times the
concentration of dopamine, the variable `dopamine` of the neuron behind. Without learning, eligibility goes on.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w += dt*learning_rate*eligibility*dopamine_post",
    traces="""
    dx/dt = -x/tau_plus : 1
    dy/dt = -y/tau_minus : 1
    deligibility/dt = -eligibility/tau_eligibility : 1
    """,
    on_pre="x += 1\neligibility -= a_minus*y",
    on_post="y += 1\neligibility += a_plus*x",
    parameters={
        "learning_rate": None,
        "a_plus": None,
        "a_minus": None,
        "tau_plus": "20 ms",
        "tau_minus": "20 ms",
        "tau_eligibility": "1 second",
    },
    timing="step",
    name="stdp_reward",
)
