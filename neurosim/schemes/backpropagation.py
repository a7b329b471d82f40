"""Backpropagation: feedback through the transposed forward weights (the ceiling, not local)."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat

from neurosim.circuit.description import Circuit, Tie
from neurosim.networks.relation import Relation
from neurosim.schemes import _network
from neurosim.schemes._network import Network, Sized

GRADIENT = Relation.EXACT


class Config(BaseModel):
    """Settings of backpropagation.

    Attributes
    ----------
    learning_rate, decay
        Of the forward weights: the rate for the mean gradient over a batch, and the fraction of each weight that every
        update takes away, whatever the rate.
    noise
        Whether learning sees activities with noise, of each neuron's own sigma; evaluation never does.
    duration
        Of a presentation, or of each of its two phases with noise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    learning_rate: PositiveFloat = 0.1
    decay: NonNegativeFloat = 0.0
    noise: bool = False
    duration: str = "50 ms"


def build(config: Config, network: Network, task: Sized) -> Circuit:
    """One phase; each feedback pathway uses the weights of the forward pathway beside it, transposed."""
    forward = _network.forward_pathways(network, config.learning_rate, decay=config.decay)
    fixed = _network.rule_of("fixed")
    feedback = _network.feedback_pathways(
        network, "layerwise", lambda link: {"rule": fixed, "tie": Tie(link.forward, transposed=True)}
    )
    return Circuit(
        "backpropagation",
        _network.populations(network, task, noise=config.noise),
        (*forward, *feedback),
        _network.learning_phases(network, config.duration, _network.learning(forward), noise=config.noise),
        _network.readout_of(network),
        _network.answer_of(network),
    )
