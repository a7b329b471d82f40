"""Nondynamic inversion: the fixed point of dynamic inversion's loops, computed at once (not local).

Podlaski & Machens (2020), NeurIPS. Each layer's error is the exact fixed point of the loop around the forward weights
above it, then times the slope of its activation: what `dynamic_inversion` settles to, in the form that is right where
the layer above is smaller, and in the other form where it is larger.
"""

from __future__ import annotations

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Derived, Pathway
from neurosim.networks import Relation, Sized, layered
from neurosim.schemes import _inversion
from neurosim.schemes._inversion_weights import LoopInverse

GRADIENT = Relation.GAUSS_NEWTON
NETWORKS = (layered.Config,)
#: Why not on other networks, by their kind.
NOT_ON = {
    "recurrent": (
        "it inverts the weights between layers, and recurrent neurons have no layer to invert; use network.kind = "
        "'layered'"
    ),
}


class Config(_inversion.Inversion):
    """Settings of nondynamic inversion, besides those of all inversions.

    Attributes
    ----------
    duration
        Duration of a presentation.
    """

    duration: str = "50 ms"


def build(config: Config, network: layered.Config, task: Sized) -> Circuit:
    """One phase; each feedback pathway delivers by the inverse that its loop would settle to."""
    forward = layered.forward_pathways(network, config.learning_rate, decay=config.decay)
    feedback = tuple(
        Pathway(
            place.feedback,
            f"{place.above}.{layered.ports_of(network, place.above)['error']}",
            place.target,
            rule=layered.rule_of("fixed"),
            initial=_inversion.feedback_law(config, (place.forward,)),
            derived=Derived(LoopInverse(config.leak), (place.forward, place.feedback)),
        )
        for place in _inversion.places(network)
    )
    return layered.assembled(
        "nondynamic_inversion",
        network,
        layered.populations(network, task, noise=False),
        (*forward, *feedback),
        (layered.clean_phase(network, config.duration, layered.learning(forward)),),
    )
