"""Nondynamic inversion: the fixed point of dynamic inversion's loops, computed at once (not local).

Podlaski & Machens (2020), NeurIPS. Each layer's error is the exact fixed point of the loop around the forward weights
above it, then times the slope of its activation: what `dynamic_inversion` settles to, in the form that is right where
the layer above is smaller, and in the other form where it is larger.
"""

from __future__ import annotations

from neurosim.circuit.description import Circuit, Derived, Pathway
from neurosim.networks.relation import Relation
from neurosim.schemes import _inversion, _network
from neurosim.schemes._inversion_weights import LoopInverse
from neurosim.schemes._network import Network, Sized

GRADIENT = Relation.GAUSS_NEWTON


class Config(_inversion.Inversion):
    """Settings of nondynamic inversion, besides those of all inversions.

    Attributes
    ----------
    duration
        Of a presentation.
    """

    duration: str = "50 ms"


def build(config: Config, network: Network, task: Sized) -> Circuit:
    """One phase; each feedback pathway delivers by the inverse that its loop would settle to."""
    forward = _network.forward_pathways(network, config.learning_rate, decay=config.decay)
    feedback = tuple(
        Pathway(
            place.feedback,
            f"{place.above}.{_network.ports_of(network, place.above)['error']}",
            place.target,
            rule=_network.rule_of("fixed"),
            initial=_inversion.feedback_law(config, (place.forward,)),
            derived=Derived(LoopInverse(config.leak), (place.forward, place.feedback)),
        )
        for place in _inversion.places(network)
    )
    return Circuit(
        "nondynamic_inversion",
        _network.populations(network, task, noise=False),
        (*forward, *feedback),
        (_network.clean_phase(network, config.duration, _network.learning(forward)),),
        _network.readout_of(network),
        _network.answer_of(network),
    )
