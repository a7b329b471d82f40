"""Pseudobackprop: errors travel back through the pseudo-inverse of the forward weights (not local).

Lillicrap, Cownden, Tweed & Akerman (2014), arXiv:1411.0247; a reference of Podlaski & Machens (2020), NeurIPS.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Derived, Initial, Pathway
from neurosim.networks import Relation, Sized, layered
from neurosim.schemes._inversion_weights import PseudoInverse

GRADIENT = Relation.GAUSS_NEWTON
NETWORKS = (layered.Config,)
#: Why not on other networks, by their kind.
NOT_ON = {
    "recurrent": (
        "the pseudo-inverse is that of weights between two layers, and recurrent neurons have none above them; use "
        "scheme.kind = 'eprop', with feedback = 'symmetric'"
    ),
}


class Config(BaseModel):
    """Settings of pseudobackprop.

    Attributes
    ----------
    learning_rate, decay
        Forward weights: learning rate for the mean over a batch, and the fraction of each weight that every update
        takes away, whatever the rate.
    duration
        Duration of a presentation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    learning_rate: PositiveFloat = 0.05
    decay: NonNegativeFloat = 0.0
    duration: str = "50 ms"


def build(config: Config, network: layered.Config, task: Sized) -> Circuit:
    """One phase; each feedback pathway delivers by the pseudo-inverse of the forward weights beside it."""
    layered.refuse_images(network, "pseudo-inverses are those of the matrices of dense pathways")
    layered.refuse_skips(network, "the pseudo-inverse of several pathways at once is none of each")
    forward = layered.forward_pathways(network, config.learning_rate, decay=config.decay)
    feedback = tuple(
        Pathway(
            name,
            source,
            target,
            rule=layered.rule_of("fixed"),
            initial=Initial("constant", 0.0, None),
            derived=Derived(PseudoInverse(), (link.forward,)),
        )
        for name, source, target, link in layered.feedback_ends(network, "layerwise")
    )
    return layered.assembled(
        "pseudobackprop",
        network,
        layered.populations(network, task, noise=False),
        (*forward, *feedback),
        (layered.clean_phase(network, config.duration, layered.learning(forward)),),
    )
