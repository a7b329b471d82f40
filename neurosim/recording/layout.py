"""The layout of recordings in a dataset: dimensions, coordinates, shapes and units of each variable."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway
from neurosim.engines.records import Record, size_of, synaptic_shapes
from neurosim.errors import CircuitError
from neurosim.gate.limits import memory, shown
from neurosim.recording.exchange import event_names
from neurosim.recording.store import Recorded
from neurosim.recording.variables import unit_of

#: The axes of arrays of weights, by their number.
_AXES = ("post", "pre", "row", "column")
_WHAT = {"spike_time": ("f8", "second"), "spike_trial": ("i4", "1"), "spike_neuron": ("i4", "1")}


@dataclass(frozen=True)
class Course:
    """A variable that is recorded within the run.

    Attributes
    ----------
    record
        What is recorded.
    variable
        How it lies in the dataset; of events, what it is before they are packed.
    samples
        How many samples there are.
    """

    record: Record
    variable: Recorded
    samples: int


@dataclass(frozen=True)
class Layout:
    """How a simulation's results lie in a dataset.

    Attributes
    ----------
    courses
        Name in the dataset -> what is recorded within the run.
    events
        The same for spikes that are kept as events.
    ends
        Name in the dataset -> name in the state, and how it lies: what was learned.
    coords
        Coordinate -> how it lies, and its values.
    """

    courses: dict[str, Course] = field(default_factory=dict)
    events: dict[str, Course] = field(default_factory=dict)
    ends: dict[str, tuple[str, Recorded]] = field(default_factory=dict)
    coords: dict[str, tuple[Recorded, np.ndarray]] = field(default_factory=dict)

    @property
    def bytes_a_step(self) -> float:
        """Bytes that are recorded in one step, on average."""
        every = (*self.courses.values(), *self.events.values())
        return sum(_size(one.variable.shape[1:], one.variable) / one.record.every for one in every)

    def refuse_too_large(self) -> None:
        """Refuse recordings that do not fit into memory.

        Raises
        ------
        CircuitError
            With the largest of them, and the remedy.
        """
        sizes = {name: _size(one.variable.shape, one.variable) for name, one in self.courses.items()}
        if not sizes or sum(sizes.values()) <= (most := memory()):
            return
        name = max(sizes, key=lambda name: sizes[name])
        shape = " x ".join(map(str, self.courses[name].variable.shape))
        raise CircuitError(
            f"record: '{name}' has {shape} numbers, and all recordings together take {shown(sum(sizes.values()))}; "
            f"this machine has {shown(most)}. Record fewer neurons or synapses ('{name}[::100]') or fewer steps "
            "(every=), take spikes='events', or write to out="
        )


def _size(shape: Sequence[int], variable: Recorded) -> int:
    return math.prod(shape) * np.dtype(variable.dtype).itemsize


@dataclass(frozen=True)
class Span:
    """The time that is simulated: number of the first step, how many, and the time step in seconds."""

    begin: int
    steps: int
    dt: float

    def times(self, every: int = 1) -> np.ndarray:
        """When there are samples, in seconds."""
        numbers = np.arange(self.begin, self.begin + self.steps)
        return self.dt * numbers[numbers % every == 0]


def layout(
    circuit: Circuit,
    records: Sequence[Record],
    learning: Sequence[Pathway],
    span: Span,
    *,
    trials: int,
    dtype: str,
    bare: bool,
    events: bool,
    held: bool,
) -> Layout:
    """How all results of a simulation lie in a dataset.

    Parameters
    ----------
    learning
        The pathways whose rules act.
    bare
        Whether it is of a neuron alone, whose variables need no population.
    events
        Whether spikes are kept as events.
    held
        Whether it is held in memory.

    Raises
    ------
    CircuitError
        It does not fit into memory.
    """
    whole = Layout()
    for record in records:
        name = _named(circuit, record, bare)
        count = record.samples(span.begin, span.steps)
        places, coords = _places(circuit, record)
        when = "time" if record.every == 1 else f"time_{name}"
        kind = np.dtype(bool if record.spikes and not record.over else dtype)
        shape = (count, trials, *places.values())
        variable = Recorded((when, "trial", *places), shape, kind, unit_of(circuit, record.name))
        packed = events and record.spikes and not record.over
        (whole.events if packed else whole.courses)[name] = Course(record, variable, count)
        if packed:
            # The neurons that could have spiked, which events do not say.
            coords = {"trial": np.arange(trials), **{d: np.arange(size) for d, size in places.items()}, **coords}
        for dim, values in coords.items():
            whole.coords[dim] = _coordinate(dim, values, "1")
    if held:
        whole.refuse_too_large()
    for record in records:
        when = "time" if record.every == 1 else f"time_{_named(circuit, record, bare)}"
        whole.coords[when] = _coordinate(when, span.times(record.every), "second")
    whole.coords.setdefault("time", _coordinate("time", span.times(), "second"))
    for pathway in learning:
        for variable in pathway.synapse.learned:
            qualified = f"{pathway.name}.{variable}"
            dims = _axes(circuit, pathway.name, len(synaptic_shapes(circuit)[qualified]))
            shape = (trials, *synaptic_shapes(circuit)[qualified])
            name = qualified if qualified not in whole.courses else f"end({qualified})"
            whole.ends[name] = (
                qualified,
                Recorded(("trial", *dims), shape, np.dtype(dtype), unit_of(circuit, qualified)),
            )
    return whole


def event_variables(name: str, count: int) -> dict[str, Recorded]:
    """How so many events lie in a dataset: time, trial and neuron of each."""
    head, _, tail = name.rpartition("spikes")
    dim = "spike" + (f"_{head.rstrip('.')}" if head else "") + tail
    return {
        event_names(name)[kind]: Recorded((dim,), (count,), np.dtype(of), unit) for kind, (of, unit) in _WHAT.items()
    }


def _named(circuit: Circuit, record: Record, bare: bool) -> str:
    if not bare:
        return record.text
    return record.text.replace(f"{circuit.populations[0].name}.", "", 1)


def _places(circuit: Circuit, record: Record) -> tuple[Mapping[str, int], Mapping[str, np.ndarray]]:
    """Dimensions behind those of time and trial with their sizes, and the numbers along them."""
    owner, size = record.name.rpartition(".")[0], size_of(circuit, record.name)
    if record.over:
        return {}, {}
    shapes = synaptic_shapes(circuit)
    if record.name in shapes and not record.chosen:
        shape = shapes[record.name]
        return dict(zip(_axes(circuit, owner, len(shape)), shape, strict=True)), {}
    if record.name in shapes:
        dim = f"synapse{_suffix(len(circuit.pathways), owner)}"
    else:
        dim = f"neuron{_suffix(len(circuit.populations), owner)}"
    if not record.chosen:
        return {dim: size}, {}
    chosen = record.places(size)
    dim = f"{dim}[{record.chosen}]"
    return {dim: len(chosen)}, {dim: chosen}


def _axes(circuit: Circuit, pathway: str, count: int) -> tuple[str, ...]:
    """The dimensions of an array of a pathway's weights."""
    suffix = _suffix(len(circuit.pathways), pathway)
    return (f"synapse{suffix}",) if count == 1 else tuple(f"{axis}{suffix}" for axis in _AXES[:count])


def _suffix(count: int, owner: str) -> str:
    return "" if count == 1 else f"_{owner}"


def _coordinate(dim: str, values: np.ndarray, unit: str) -> tuple[Recorded, np.ndarray]:
    return Recorded((dim,), values.shape, values.dtype, unit), values
