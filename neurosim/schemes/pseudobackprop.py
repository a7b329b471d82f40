"""Pseudobackprop: errors travel back through the pseudo-inverse of the forward weights (not local).

Lillicrap, Cownden, Tweed & Akerman (2014), arXiv:1411.0247; a reference of Podlaski & Machens (2020), NeurIPS.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat

from neurosim.circuit.description import Circuit, Derived, Initial, Pathway
from neurosim.networks import layers as _layers
from neurosim.networks import links as _links
from neurosim.networks.relation import Relation
from neurosim.schemes import _network
from neurosim.schemes._inversion_weights import PseudoInverse
from neurosim.schemes._network import Network, Sized

GRADIENT = Relation.GAUSS_NEWTON


class Config(BaseModel):
    """Settings of pseudobackprop.

    Attributes
    ----------
    learning_rate, decay
        Of the forward weights: the rate for the mean over a batch, and the fraction of each weight that every update
        takes away, whatever the rate.
    duration
        Of a presentation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    learning_rate: PositiveFloat = 0.05
    decay: NonNegativeFloat = 0.0
    duration: str = "50 ms"


def build(config: Config, network: Network, task: Sized) -> Circuit:
    """One phase; each feedback pathway delivers by the pseudo-inverse of the forward weights beside it."""
    _layers.refuse_images(network.hidden, "pseudo-inverses are those of the matrices of dense pathways")
    _links.refuse_skips(network.hidden, "the pseudo-inverse of several pathways at once is none of each")
    forward = _network.forward_pathways(network, config.learning_rate, decay=config.decay)
    feedback = tuple(
        Pathway(
            name,
            source,
            target,
            rule=_network.rule_of("fixed"),
            initial=Initial("constant", 0.0, None),
            derived=Derived(PseudoInverse(), (link.forward,)),
        )
        for name, source, target, link in _network.feedback_ends(network, "layerwise")
    )
    return Circuit(
        "pseudobackprop",
        _network.populations(network, task, noise=False),
        (*forward, *feedback),
        (_network.clean_phase(network, config.duration, _network.learning(forward)),),
        _network.readout_of(network),
        _network.answer_of(network),
    )
