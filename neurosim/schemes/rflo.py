"""Random feedback local online learning: eligibility traces, and errors that come back through fixed random weights.

Murray (2019), eLife 8:e43299. It is e-prop with random feedback; of neurons whose leak is on the rate, as published,
the trace is in the synapse.
"""

from __future__ import annotations

from typing import Literal

from pydantic import NonNegativeFloat

from neurosim.circuit.circuit import Circuit
from neurosim.networks import Relation, Sized, recurrent
from neurosim.schemes import eprop
from neurosim.schemes._learning_in_time import LearningInTime

GRADIENT = Relation.TRUNCATED
NETWORKS = (recurrent.Config,)
#: Why not on other networks, by their kind.
NOT_ON = {
    "layered": (
        "it learns from errors at every step, and those of a layered network count at the end of a phase; use "
        "scheme.kind = 'feedback_alignment'"
    ),
}


class Config(LearningInTime):
    """Settings of RFLO, besides learning rates and duration.

    Attributes
    ----------
    feedback_weights, feedback_law, feedback_fan
        Standard deviation (or half width) of feedback weights, their law, and by the root of which number of neurons
        it is divided: of those they reach (``out``), of those they come from (``in``), or not (``none``).
    """

    feedback_weights: NonNegativeFloat = 1.0
    feedback_law: Literal["normal", "uniform"] = "normal"
    feedback_fan: Literal["out", "in", "none"] = "in"


def build(config: Config, network: recurrent.Config, task: Sized) -> Circuit:
    """One presentation; all weights but those of feedback change by what its steps add up to."""
    settings = eprop.Config(feedback="random", **config.model_dump())
    return eprop.circuit_of("rflo", settings, network, task)
