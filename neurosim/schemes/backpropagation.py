"""Backpropagation: feedback through the transposed forward weights (the ceiling, not local)."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Tie
from neurosim.networks import Relation, Sized, layered

GRADIENT = Relation.EXACT
NETWORKS = (layered.Config,)
#: Why not on other networks, by their kind.
NOT_ON = {
    "recurrent": (
        "errors pass down through layers at the end of a phase, and recurrent weights need them back through time; "
        "use scheme.kind = 'bptt'"
    ),
}


class Config(BaseModel):
    """Settings of backpropagation.

    Attributes
    ----------
    learning_rate, decay
        Forward weights: learning rate for the mean gradient over a batch, and the fraction of each weight that every
        update takes away, whatever the rate.
    noise
        Whether learning sees activities with noise, of each neuron's own sigma; evaluation never does.
    duration
        Duration of a presentation, or of each of its two phases with noise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    learning_rate: PositiveFloat = 0.1
    decay: NonNegativeFloat = 0.0
    noise: bool = False
    duration: str = "50 ms"


def build(config: Config, network: layered.Config, task: Sized) -> Circuit:
    """One phase; each feedback pathway uses the weights of the forward pathway beside it, transposed."""
    forward = layered.forward_pathways(network, config.learning_rate, decay=config.decay)
    fixed = layered.rule_of("fixed")
    feedback = layered.feedback_pathways(
        network, "layerwise", lambda link: {"rule": fixed, "tie": Tie(link.forward, transposed=True)}
    )
    return layered.assembled(
        "backpropagation",
        network,
        layered.populations(network, task, noise=config.noise),
        (*forward, *feedback),
        layered.learning_phases(network, config.duration, layered.learning(forward), noise=config.noise),
    )
