"""Sign symmetry: feedback weights have the signs of the forward weights, but not their magnitudes (not local).

Liao, Leibo & Poggio (2016), AAAI; Moskovitz, Litwin-Kumar & Abbott (2018), arXiv:1812.06488.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, PositiveFloat

from neurosim.circuit.description import Circuit, Initial, Pathway
from neurosim.schemes import _network
from neurosim.schemes._network import Network, Sized


class Config(BaseModel):
    """Settings of sign symmetry.

    Attributes
    ----------
    magnitude
        Of the feedback weights: all equal (``uniform``), random and kept (``fixed``), or drawn anew in each batch
        (``batchwise``).
    learning_rate
        Of the forward weights, for the mean over a batch.
    feedback_weights
        Magnitude, or standard deviation of the normal law whose absolute value it is, times the root of the number of
        neurons that the feedback reaches.
    duration
        Of a presentation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    magnitude: Literal["uniform", "fixed", "batchwise"] = "uniform"
    learning_rate: PositiveFloat = 0.1
    feedback_weights: PositiveFloat = 1.0
    duration: str = "50 ms"


def build(config: Config, network: Network, task: Sized) -> Circuit:
    """One phase; forward weights learn at its end, and feedback weights take over signs."""
    populations = _network.populations(network, task, noise=False)
    sizes = {population.name: population.size for population in populations}
    forward = _network.forward_pathways(network, config.learning_rate)
    law = _network.feedback_law(network, config.feedback_weights)

    def settings(post: int, pre: int) -> dict[str, Any]:
        if config.magnitude == "fixed":
            return {"rule": _network.rule_of("sign_symmetry"), "initial": law}
        same = Initial("constant", law.width(post, pre, pre), None)
        if config.magnitude == "uniform":
            return {"rule": _network.rule_of("sign_symmetry"), "initial": same}
        return {
            "rule": _network.rule_of("redrawn_sign_symmetry"),
            "parameters": {"scale": law.width(post, pre, pre)},
            "initial": law,
        }

    feedback = tuple(
        Pathway(name, source, target, **settings(sizes[target.split(".")[0]], sizes[source.split(".")[0]]))
        for name, source, target, _ in _network.feedback_ends(network, "layerwise")
    )
    return Circuit(
        "sign_symmetry",
        populations,
        (*forward, *feedback),
        (_network.clean_phase(network, config.duration, _network.learning((*forward, *feedback))),),
        _network.readout_of(network),
        _network.answer_of(network),
    )
