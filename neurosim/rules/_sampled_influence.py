"""The text of a synapse's share in a sample of the influence matrix, for each presynaptic variable."""

from __future__ import annotations

from neurosim.rules._rule import Rule


def sampled_influence(pre: str = "r", *, name: str = "uoro") -> Rule:
    """The rule of weights into a neuron that carries influence.

    Parameters
    ----------
    pre
        The presynaptic variable that drives the neuron.
    name
        Of the rule.
    """
    return Rule(
        f"""
        sample += (1/kept_post - 1)*sample + coin_post*local_reach_post*{pre}_pre/fresh_post
        w -= dt*learning_rate*credit_post*sample
        """,
        traces="sample : 1",
        parameters={"learning_rate": None},
        timing="integral",
        # Credit and both factors are sums over the network.
        reads=("population",),
        name=name,
    )
