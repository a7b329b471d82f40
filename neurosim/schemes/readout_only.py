"""Only the readout learns: a reservoir, whose recurrent weights stay as they are drawn.

Jaeger (2001), GMD report 148; Maass, Natschlaeger & Markram (2002), Neural Computation 14:2531. It is the baseline of
learning in time: a rule for recurrent weights earns nothing unless it does better.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat

from neurosim.circuit.circuit import Circuit
from neurosim.networks import Relation, Sized, recurrent
from neurosim.schemes._eligibility import ReadingOut

GRADIENT = Relation.OPEN
NETWORKS = (recurrent.Config,)
#: Why not on other networks, by their kind.
NOT_ON = {
    "layered": (
        "it learns from errors at every step, and those of a layered network count at the end of a phase; use "
        "scheme.kind = 'node_perturbation_only'"
    ),
}


class Config(BaseModel):
    """Settings of a reservoir.

    Attributes
    ----------
    learning_rate, bias_learning_rate
        Of the readout's weights and of its biases, for the mean over a batch; the latter as the former where it is not
        given.
    duration
        Of a presentation, in place of that of the task's grid and one time step of the engine.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    learning_rate: PositiveFloat = 0.1
    bias_learning_rate: NonNegativeFloat | None = None
    duration: str = ""


def build(config: Config, network: recurrent.Config, task: Sized) -> Circuit:
    """One presentation, over which the readout learns by its error."""
    bias = config.learning_rate if config.bias_learning_rate is None else config.bias_learning_rate
    rates = {"output": config.learning_rate, "output_bias": bias}
    readout = ReadingOut(network, "readout_only")
    pathways = recurrent.driving_pathways(
        network, lambda link: readout.settings(link, rates[link.place]) if link.place in rates else {}
    )
    phase = recurrent.presentation(task, recurrent.learning(pathways), duration=config.duration)
    populations = readout.populations(recurrent.populations(network, task))
    return recurrent.assembled("readout_only", network, populations, pathways, (phase,))
