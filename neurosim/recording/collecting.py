"""Results of a simulation, gathered piece by piece: in memory, or in a Zarr store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from neurosim.recording.exchange import numbered
from neurosim.recording.layout import Course, Layout, Span, event_variables
from neurosim.recording.packing import Packed
from neurosim.recording.store import RecordingWriter, open_recording

if TYPE_CHECKING:
    from typing import Self

    import xarray


class Results(Protocol):
    """Gathers the results of a simulation; as a context, it lets go of all where the simulation fails."""

    def add(self, first: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Take a piece.

        Parameters
        ----------
        first
            The number of its first step, counted from that of this simulation.
        arrays
            What is recorded in it, by text.
        """
        ...

    def end(self, state: Mapping[str, Any]) -> None:
        """Take what was learned from the state at the end."""
        ...

    def dataset(self) -> xarray.Dataset:
        """All of it."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: Any) -> None: ...


def _packers(plan: Layout) -> dict[str, Packed]:
    """The packer of each spike variable that is kept as events."""
    return {name: Packed(name, plan.coords[course.variable.dims[2]][1]) for name, course in plan.events.items()}


def _offset(course: Course, span: Span, first: int) -> int:
    """How many samples there are before a step."""
    return course.record.samples(span.begin, first)


class InMemory:
    """Results in memory."""

    def __init__(self, plan: Layout, span: Span, attrs: Mapping[str, Any]) -> None:
        self.plan, self.span, self.attrs = plan, span, attrs
        self.packers = _packers(plan)
        self.arrays: dict[str, np.ndarray] = {}

    def __enter__(self) -> InMemory:
        return self

    def __exit__(self, *error: Any) -> None:
        pass

    def add(self, first: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Take a piece."""
        times = self.span.times()[first:]
        for name, packer in self.packers.items():
            packer.add(arrays[self.plan.events[name].record.text], times)
        for name, course in self.plan.courses.items():
            array, shape = arrays[course.record.text], course.variable.shape
            array = array.reshape(len(array), *shape[1:])
            if len(array) == course.samples:
                self.arrays[name] = array
                continue
            whole = self.arrays.setdefault(name, np.empty(shape, array.dtype))
            begin = _offset(course, self.span, first)
            whole[begin : begin + len(array)] = array

    def end(self, state: Mapping[str, Any]) -> None:
        """Take what was learned."""
        self.arrays |= {name: np.asarray(state[own]) for name, (own, _) in self.plan.ends.items()}

    def dataset(self) -> xarray.Dataset:
        """All of it."""
        import xarray

        variables = {name: course.variable for name, course in self.plan.courses.items()}
        arrays = dict(self.arrays)
        for name, packer in self.packers.items():
            events = packer.arrays()
            variables |= event_variables(name, len(next(iter(events.values()))))
            arrays |= events
        variables |= {name: described for name, (_, described) in self.plan.ends.items()}
        made = {n: xarray.Variable(v.dims, arrays[n], {"units": v.unit}) for n, v in variables.items()}
        for name, attributes in neurons_of_events(self.plan).items():
            made[name].attrs |= attributes
        coords = {
            name: xarray.Variable(described.dims, values, {"units": described.unit} if _timed(name) else {})
            for name, (described, values) in self.plan.coords.items()
        }
        return numbered(xarray.Dataset(made, coords=coords, attrs=self.attrs))


def _timed(name: str) -> bool:
    return name.startswith("time")


def neurons_of_events(plan: Layout) -> dict[str, dict[str, str]]:
    """Variable of events -> an attribute: the coordinate with the numbers of all neurons that could have spiked."""
    return {
        event: {"neurons": course.variable.dims[2]}
        for name, course in plan.events.items()
        for event in event_variables(name, 0)
    }


class OnDisk:
    """Results in a Zarr store.

    Parameters
    ----------
    piece
        Number of steps of a piece.
    """

    def __init__(self, plan: Layout, span: Span, attrs: Mapping[str, Any], path: Path, piece: int) -> None:
        self.plan, self.span, self.path = plan, span, path
        self.packers = _packers(plan)
        self.learned: dict[str, np.ndarray] = {}
        variables = {name: course.variable for name, course in plan.courses.items()}
        for name in plan.events:
            variables |= event_variables(name, 0)
        variables |= {name: described for name, (_, described) in plan.ends.items()}
        self.writer = RecordingWriter(
            path, variables, coords=plan.coords, attrs=attrs, piece=piece, about=neurons_of_events(plan)
        )

    def __enter__(self) -> OnDisk:
        return self

    def __exit__(self, *error: Any) -> None:
        self.writer.__exit__(*error)

    def add(self, first: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Write a piece."""
        times = self.span.times()[first:]
        for name, packer in self.packers.items():
            self.writer.append(packer.pack(arrays[self.plan.events[name].record.text], times))
        for name, course in self.plan.courses.items():
            array = arrays[course.record.text]
            array = array.reshape(len(array), *course.variable.shape[1:])
            self.writer.write(_offset(course, self.span, first), {name: array})

    def end(self, state: Mapping[str, Any]) -> None:
        """Write what was learned."""
        self.writer.write(0, {name: np.asarray(state[own]) for name, (own, _) in self.plan.ends.items()})

    def dataset(self) -> xarray.Dataset:
        """All of it, read when it is used."""
        return open_recording(self.path)
