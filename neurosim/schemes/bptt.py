"""Backpropagation through time: the exact gradient of the loss over time, which no synapse could compute.

Werbos (1990), Proceedings of the IEEE 78:1550; by automatic differentiation of the engine's own steps. With ``hops``
only credit that travels by so many recurrent transmissions counts: 0 is e-prop with the transposed weights of the
readout, 1 the paths of multidigraph learning (Liu, Smith, Mihalas, Shea-Brown & Sumbul 2021, PNAS 118:e2111821118),
and more come to the whole gradient.
"""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field, PositiveFloat

from neurosim.circuit.circuit import Circuit
from neurosim.networks import Relation, Sized, recurrent
from neurosim.rules.gradient import RULE
from neurosim.schemes._learning_in_time import LearningInTime

GRADIENT = Relation.EXACT
NETWORKS = (recurrent.Config,)
#: Why not on other networks, by their kind.
NOT_ON = {
    "layered": (
        "it learns from errors at every step, and those of a layered network count at the end of a phase; use "
        "scheme.kind = 'backpropagation'"
    ),
}


class Config(LearningInTime):
    """Settings of backpropagation through time, besides learning rates and duration.

    Attributes
    ----------
    hops
        Through how many recurrent transmissions credit travels; through all if left out.
    surrogate_width
        Of networks that spike: the width of the pseudo-derivative in units of the distance of rest and threshold.
    """

    hops: int | None = Field(default=None, ge=0, le=10**4)
    surrogate_width: PositiveFloat | None = None


def build(config: Config, network: recurrent.Config, task: Sized) -> Circuit:
    """One presentation; all weights take a step against the gradient."""
    width = {} if config.surrogate_width is None else {"surrogate_width": config.surrogate_width}
    rule = replace(RULE, hops=config.hops, **width)

    def driving(link: recurrent.DrivingLink) -> dict[str, object]:
        rate = config.rate_of(link.place)
        return {"rule": rule, "parameters": {"learning_rate": rate}} if rate else {}

    pathways = recurrent.driving_pathways(network, driving)
    phase = recurrent.presentation(task, recurrent.learning(pathways), duration=config.duration)
    return recurrent.assembled("bptt", network, recurrent.populations(network, task), pathways, (phase,))
