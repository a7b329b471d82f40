"""Feedback alignment: errors travel back through fixed random weights.

Lillicrap et al. (2016), Nature Communications 7:13276; with ``topology = "direct"``, Nokland (2016), NIPS.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Initial
from neurosim.networks import Relation, Sized, layered
from neurosim.schemes._inversion_weights import NegativeTranspose

GRADIENT = Relation.CORRELATED
NETWORKS = (layered.Config,)
#: Why not on other networks, by their kind.
NOT_ON = {
    "recurrent": (
        "errors travel from layer to layer at the end of a phase, and recurrent neurons need one at every step; use "
        "scheme.kind = 'rflo'"
    ),
}


class Config(BaseModel):
    """Settings of feedback alignment.

    Attributes
    ----------
    topology
        ``layerwise`` (from the layer above) or ``direct`` (from the output to every layer).
    learning_rate, decay
        Forward weights: learning rate for the mean over a batch, and the fraction of each weight that every update
        takes away, whatever the rate.
    feedback_law, feedback_weights
        ``normal`` with this standard deviation, or ``uniform`` between plus and minus this, both over the root of the
        number of neurons they reach; or ``negative_transpose``: minus this times the initial forward weights beside
        them, transposed.
    noise
        Whether learning sees activities with noise, of each neuron's own sigma; evaluation never does.
    duration
        Duration of a presentation, or of each of its two phases with noise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    topology: layered.Topology = "layerwise"
    learning_rate: PositiveFloat = 0.1
    decay: NonNegativeFloat = 0.0
    feedback_law: Literal["normal", "uniform", "negative_transpose"] = "normal"
    feedback_weights: PositiveFloat = 1.0
    noise: bool = False
    duration: str = "50 ms"


def build(config: Config, network: layered.Config, task: Sized) -> Circuit:
    """One phase; the feedback pathways never learn."""
    forward = layered.forward_pathways(network, config.learning_rate, decay=config.decay)
    feedback = layered.feedback_pathways(
        network,
        config.topology,
        lambda link: {"rule": layered.rule_of("fixed"), "initial": _law(config, network, link)},
    )
    return layered.assembled(
        "feedback_alignment",
        network,
        layered.populations(network, task, noise=config.noise),
        (*forward, *feedback),
        layered.learning_phases(network, config.duration, layered.learning(forward), noise=config.noise),
    )


def _law(config: Config, network: layered.Config, link: layered.Link) -> Initial:
    """The law of the feedback weights beside a forward link (and those above, if they are direct)."""
    if config.feedback_law == "negative_transpose":
        beside = (link.forward,)
        if config.topology == "direct":
            why = "the transposed product of forward weights is one of matrices"
            layered.refuse_images(network, why)
            layered.refuse_skips(network, f"{why} in a row")
            beside = tuple(other.forward for other in network.links if other.end >= link.end)
        return Initial("constant", 0.0, None, beside, NegativeTranspose(config.feedback_weights))
    return replace(layered.feedback_law(network, config.feedback_weights), law=config.feedback_law)
