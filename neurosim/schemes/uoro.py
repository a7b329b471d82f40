"""Unbiased online recurrent optimisation: the gradient through time carried forward, as a sample of rank one.

Tallec & Ollivier (2017), arXiv:1702.05043. How each weight has moved each neuron's state is a matrix too large to keep;
in its place neurons carry one number each, ``influence``, and synapses another, whose product has that matrix as its
mean over coins that each neuron throws at each step. No phase goes back in time and the mean of the updates is the
gradient through time, but one update is far from it, the further the more neurons there are. What the influence does to
the loss, and two factors that balance both numbers, are sums over the network. The readout learns from its error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import NonNegativeFloat

from neurosim.circuit.circuit import Circuit
from neurosim.networks import Relation, Sized, recurrent
from neurosim.rules._sampled_influence import sampled_influence
from neurosim.schemes._eligibility import ReadingOut
from neurosim.schemes._influence import Influence
from neurosim.schemes._learning_in_time import LearningInTime

GRADIENT = Relation.MEAN
NETWORKS = (recurrent.Config,)
#: Why not on other networks, by their kind.
NOT_ON = {
    "layered": (
        "it learns from errors at every step, and those of a layered network count at the end of a phase; use "
        "scheme.kind = 'backpropagation'"
    ),
}


class Config(LearningInTime):
    """Settings of unbiased online recurrent optimisation: learning rates and duration."""

    learning_rate: NonNegativeFloat = 0.02


def build(config: Config, network: recurrent.Config, task: Sized) -> Circuit:
    """One presentation; weights change by what its steps add up to."""
    readout = ReadingOut(network, "uoro")

    def driving(link: recurrent.DrivingLink) -> Mapping[str, Any]:
        rate = config.rate_of(link.place)
        if link.post == "output" or not rate:
            return readout.settings(link, rate)
        rule = sampled_influence(link.source.split(".")[1])
        return {"rule": rule, "parameters": {"learning_rate": rate}}

    pathways = recurrent.driving_pathways(network, driving)
    learned = tuple(link for link in recurrent.links(network) if link.post != "output" and config.rate_of(link.place))
    influence = Influence(network, "uoro", learned)
    populations = influence.populations(readout.populations(recurrent.populations(network, task)))
    joined = (*pathways, *influence.pathways())
    phase = recurrent.presentation(task, recurrent.learning(joined), duration=config.duration)
    return recurrent.assembled("uoro", network, populations, joined, (phase,))
