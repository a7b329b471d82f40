"""The sections of a circuit in a file: which classes they describe, and what is written in another way than there."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from neurosim.border import TIME
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import KINDS
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.circuit.weights import Initial, Tie
from neurosim.errors import ArgumentError, UnitError
from neurosim.model_files.checking import Faults
from neurosim.model_files.circuits.tables import Table, table_of
from neurosim.model_files.circuits.values import Value, flat
from neurosim.neurons._model import NeuronModel
from neurosim.rules._rule import Rule

_MOST_STEPS = 1e9

#: A part that is named, or a table that describes it; what it says is checked by `neurosim.model_files.circuits.named`.
Part = Any

NEURON = table_of(NeuronModel, without=("name",))
#: A population has the keys of its neuron as well, if the file does not name one.
POPULATION = table_of(Population, NeuronModel, without=("name",), instead={"neuron": Part}, optional=("neuron",))
RULE = table_of(Rule, without=("name",))
PHASE = table_of(Phase, without=("name",), instead={"hold": tuple[str, ...]})
INITIAL = table_of(Initial, without=("beside", "adjusted"))
TIE = table_of(Tie)
CIRCUIT = table_of(
    Circuit, without=("name", "populations", "pathways", "phases", "loops"), instead={"readout": str | None}
)
PATHWAY = table_of(
    Pathway,
    # Derived weights are a function, which is no text.
    without=("name", "derived"),
    instead={**dict.fromkeys(("rule", "connectivity", "initial", "tie"), Part), "delay": Value | None},
)
#: Keys that `[populations.E]` cannot have beside a neuron of another place.
OF_NEURON = tuple(name for name in NEURON.model_fields if name not in Population.__dataclass_fields__)


@functools.cache
def connectivities() -> Mapping[str, type[Table]]:
    """Every kind of connectivity by its name in files, with the class of its settings."""
    return {name: table_of(each, without=("transposed",)) for name, each in KINDS.items()}


class Simulation(BaseModel):
    """How a circuit is simulated: the arguments of `neurosim.simulate`.

    Attributes
    ----------
    duration
        How long, with the switches of the first phase. Without it, the phases run one after the other.
    dt
        Time step.
    trials
        Number of independent trials.
    seed
        Random seed of initial weights and noise.
    record
        What is returned: variables (``E.v``), by default all state variables and spikes; some neurons (``E.v[:10]``),
        means (``mean(E.spikes)``), and weights (``EE.w``).
    every
        What is recorded -> the time between two samples: ``{"EE.w" = "100 ms"}``.
    spikes
        ``array``, or ``events``: times, trials and neurons.
    engine
        What runs it, as ``neurosim list engines`` shows: ``batched`` or ``brian``.
    target
        Of the engine ``brian``, its code generation target.
    dtype
        Precision.
    learn
        Whether rules act; by default those that the phases name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    duration: str | None = None
    dt: str = "0.1 ms"
    trials: int = Field(default=1, ge=1)
    seed: int = Field(default=0, ge=0, lt=2**63)
    record: tuple[str, ...] | None = None
    every: Mapping[str, Any] = {}
    spikes: Literal["array", "events"] = "array"
    engine: str = "batched"
    target: Literal["numpy", "cython", "cpp_standalone"] = "numpy"
    dtype: Literal["float32", "float64"] = "float64"
    learn: bool | None = None


def check_times(simulation: Simulation, faults: Faults) -> None:
    """Refuse times that are none, or not above zero; and more time steps than any simulation takes."""
    dt = _seconds("simulation.dt", simulation.dt, faults)
    duration = None
    if simulation.duration is not None:
        duration = _seconds("simulation.duration", simulation.duration, faults)
    for name, time in flat(simulation.every):
        _seconds(f"simulation.every.{name}", time, faults)
    if dt is not None and duration is not None and duration / dt > _MOST_STEPS:
        faults.add("simulation.duration", f"got {duration / dt:.3g} time steps, expected at most {_MOST_STEPS:.0e}")


def _seconds(key: str, time: Any, faults: Faults) -> float | None:
    try:
        return TIME(key, time)
    except (ArgumentError, UnitError) as error:
        faults.add(key, str(error).removeprefix(f"{key}: "))
        return None
