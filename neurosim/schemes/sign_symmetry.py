"""Sign symmetry: feedback weights have the signs of the forward weights, but not their magnitudes (not local).

Liao, Leibo & Poggio (2016), AAAI; Moskovitz, Litwin-Kumar & Abbott (2018), arXiv:1812.06488.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, ConfigDict, PositiveFloat

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Initial, Pathway
from neurosim.circuit.synapses import Ends
from neurosim.networks import Relation, Sized, layered

GRADIENT = Relation.CORRELATED
NETWORKS = (layered.Config,)
#: Why not on other networks, by their kind.
NOT_ON = {
    "recurrent": (
        "signs are those of forward weights between layers, and recurrent neurons learn from the readout's error; use "
        "scheme.kind = 'eprop', with feedback = 'symmetric'"
    ),
}


class Config(BaseModel):
    """Settings of sign symmetry.

    Attributes
    ----------
    magnitude
        Magnitude of the feedback weights: all equal (``uniform``), random and kept (``fixed``), or drawn anew in each
        batch (``batchwise``).
    learning_rate
        Learning rate of the forward weights, for the mean over a batch.
    feedback_weights
        Magnitude, or standard deviation of the normal law whose absolute value it is, times the root of the number of
        neurons that the feedback reaches.
    duration
        Duration of a presentation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    magnitude: Literal["uniform", "fixed", "batchwise"] = "uniform"
    learning_rate: PositiveFloat = 0.1
    feedback_weights: PositiveFloat = 1.0
    duration: str = "50 ms"


def build(config: Config, network: layered.Config, task: Sized) -> Circuit:
    """One phase; forward weights learn at its end, and feedback weights take over signs."""
    populations = layered.populations(network, task, noise=False)
    forward = layered.forward_pathways(network, config.learning_rate)
    law = layered.feedback_law(network, config.feedback_weights)

    drawn = layered.feedback_pathways(network, "layerwise", {"rule": layered.rule_of("sign_symmetry"), "initial": law})
    named = {population.name: population for population in populations}

    def changed(pathway: Pathway) -> Pathway:
        if config.magnitude == "fixed" or not pathway.synapse.learns:
            return pathway
        pre, post = named[pathway.pre], named[pathway.post]
        assert not isinstance(pathway.connectivity, str)
        received, sent = pathway.connectivity.fans(Ends(pre.size, post.size, pre.shape, post.shape))
        width = law.width(sent, received, received)
        if config.magnitude == "uniform":
            return replace(pathway, initial=Initial("constant", width, None))
        return replace(pathway, rule=layered.rule_of("redrawn_sign_symmetry"), parameters={"scale": width})

    feedback = tuple(changed(pathway) for pathway in drawn)
    return layered.assembled(
        "sign_symmetry",
        network,
        populations,
        (*forward, *feedback),
        (layered.clean_phase(network, config.duration, layered.learning((*forward, *feedback))),),
    )
