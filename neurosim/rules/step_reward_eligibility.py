"""Node perturbation in continuous time, with an eligibility trace in the synapse.

The trace low-passes postsynaptic factor times presynaptic rate; the weight follows trace times the reward's
deviation from its expectation (``surprise``). Fiete & Seung (2006), Physical Review Letters 97:048104; with the
deviation of the neuron's activity as its factor, Legenstein et al. (2010), Journal of Neuroscience 30:8400.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    """
    eligibility += dt*(factor_post*gain_now_post*rate_now_pre - eligibility)/tau_eligibility
    w -= dt*learning_rate*surprise_post*eligibility
    """,
    traces="eligibility : 1",
    parameters={"learning_rate": None, "tau_eligibility": None},
    timing="step",
    name="step_reward_eligibility",
)
