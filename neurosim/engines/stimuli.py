"""Stimuli, and trials of a task as stimuli."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from neurosim.border import check_fields, one_of, set_fields
from neurosim.border.arguments import ARRAY
from neurosim.circuit.circuit import Circuit
from neurosim.engines.numbers import check_numbers
from neurosim.engines.over_time import courses_of, in_windows
from neurosim.errors import ArgumentError, CircuitError
from neurosim.tasks._task import Split
from neurosim.tasks._timed import TimedSplit
from neurosim.tasks._windows import Windows
from neurosim.units import format_quantity

Kind = Literal["constant", "course", "events"]
_KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, eq=False)
class Stimulus:
    """A variable that an engine does not compute, in SI units. Trials are the first axis.

    Attributes
    ----------
    values
        Of a constant ``(trial, n)``; of a course ``(trial, step, n)``. Trials or neurons can be 1 for all of them. Of
        events ``(trial, step, most)``, whole numbers: the neurons of which it is true in a step, filled up with the
        number of neurons, which is none of them.
    kind
        ``constant`` if it stays as it is during a presentation, ``course`` if it changes from step to step, ``events``
        if it is a truth value that changes, and rarely true.

    Raises
    ------
    ArgumentError
        No array of numbers, or another kind.
    CircuitError
        A course or events without three axes, or a constant with them; events that are no whole numbers.

    Examples
    --------
    >>> ramp = Stimulus(np.linspace(0, 1, 50).reshape(1, 50, 1), "course")
    >>> ramp.trials, ramp.steps, ramp.in_steps(0, 10).steps
    (1, 50, 10)
    """

    values: Any
    kind: Kind = "constant"
    # What `from_steps` was given: an array on a device stays there, instead of being brought back at each call.
    _given: Any = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        check_fields(self, values=ARRAY, kind=one_of(*_KINDS))
        axes = len(self.values.shape)
        if axes > 3 or (axes == 3) != self.changes:
            expected = "(trial, step, n)" if self.changes else "(trial, n)"
            raise CircuitError(f"a stimulus of kind '{self.kind}' has shape {self.values.shape}; expected {expected}")
        if self.kind == "events" and np.dtype(self.values.dtype).kind not in "iu":
            raise CircuitError(f"a stimulus of kind 'events' has numbers of {self.values.dtype}; expected whole ones")

    @classmethod
    def from_steps(cls, values: Any) -> Stimulus:
        """A course from an array ``(step, trial, n)``; a view, not a copy."""
        course = cls(np.moveaxis(np.asarray(values), 0, 1), "course")
        set_fields(course, _given=values)
        return course

    @property
    def changes(self) -> bool:
        """Whether it changes from step to step."""
        return self.kind != "constant"

    @property
    def trials(self) -> int | None:
        """How many trials it is for, none if it has no axis of trials."""
        shape = self.values.shape
        return shape[0] if len(shape) > 1 else None

    @property
    def steps(self) -> int | None:
        """How many steps it has, none if it does not change."""
        return self.values.shape[1] if self.changes else None

    @property
    def each_trial(self) -> tuple[int, ...]:
        """Its shape without time: ``(trial, n)``; of events, which are of any number of neurons, ``(trial, 1)``."""
        shape = self.values.shape
        if self.kind == "events":
            return (shape[0], 1)
        return (shape[0], shape[2]) if self.changes else shape

    def in_steps(self, first: int, count: int) -> Stimulus:
        """The part of it in so many steps from the first on."""
        return Stimulus(self.values[:, first : first + count], self.kind) if self.changes else self

    def of_trials(self, rows: Any) -> Stimulus:
        """The part of it for some of its trials."""
        return Stimulus(self.values[rows], self.kind)

    def steps_first(self) -> Any:
        """A course as a loop over time reads it, ``(step, trial, n)``; a view, not a copy."""
        if self._given is not None:
            return self._given
        return np.moveaxis(self.values, 1, 0) if isinstance(self.values, np.ndarray) else self.values.swapaxes(0, 1)


def stimuli_in(given: Mapping[str, Any]) -> dict[str, Stimulus]:
    """Stimuli as an engine is given them: plain arrays are constants.

    Raises
    ------
    CircuitError
        What is no array of numbers, or an array with three axes that does not say that it changes in time, with the
        remedy.
    """
    check_numbers("stimuli", {n: each.values if isinstance(each, Stimulus) else each for n, each in given.items()})
    return {name: each if isinstance(each, Stimulus) else _constant(name, each) for name, each in given.items()}


def _constant(name: str, array: Any) -> Stimulus:
    if np.ndim(array) > 2:
        raise CircuitError(
            f"stimuli: '{name}' has shape {np.shape(array)}; expected (trial, n), or what changes in time, with trials "
            "first, as neurosim.Stimulus(array, 'course') of shape (trial, step, n)"
        )
    return Stimulus(array)


def stimuli_of(
    circuit: Circuit,
    split: Split | TimedSplit | Windows,
    rows: np.ndarray | slice,
    *,
    dt: float | None = None,
    phases: Sequence[str] | None = None,
) -> dict[str, Any]:
    """The chosen trials of a split as stimuli.

    Parameters
    ----------
    circuit, split, rows
        The trials, and what they are presented to.
    dt
        Time step of the engine in seconds, which trials over time need.
    phases
        Names of the phases that run, all by default; trials over time are presented anew in each.

    Returns
    -------
    dict
        ``population.variable -> (trial, n)``; of trials over time, `Stimulus` each, see `courses_of`.

    Raises
    ------
    ArgumentError
        Trials over time without a time step.
    CircuitError
        Trials over time for a circuit whose loss is read at the end of a presentation, or the other way round; windows
        of streams for a circuit whose state does not carry over, or trials for one that is made for windows.
    """
    if isinstance(split, TimedSplit | Windows) != circuit.over_time:
        _refuse_time(circuit, split)
    if isinstance(split, TimedSplit | Windows):
        _refuse_other_state(circuit, split)
        if dt is None:
            raise ArgumentError("dt", dt, "the engine's time step, such as engine.setting.dt, for trials over time")
        courses = courses_of(circuit, split, rows, dt, phases=phases)
        return {name: Stimulus(array, _kind_of(array)) for name, array in courses.items()}
    targets = {f"{circuit.output_population}.target": split.targets[rows]}
    return {"input.r": split.inputs[rows], **targets}


def _refuse_other_state(circuit: Circuit, split: TimedSplit | Windows) -> None:
    if isinstance(split, Windows) and not in_windows(circuit):
        raise CircuitError(
            f"circuit '{circuit.name}' begins each presentation from rest, and the task is a stream; expected a "
            "circuit whose state carries over: carry = true"
        )
    if isinstance(split, TimedSplit) and in_windows(circuit):
        raise CircuitError(
            f"circuit '{circuit.name}' carries its state over, and the trials do not follow one another; expected "
            "windows of streams: task.stream = true and training.update_every, or a circuit with carry = false"
        )


def _kind_of(array: np.ndarray) -> Kind:
    if array.ndim < 3:
        return "constant"
    return "events" if array.dtype.kind == "i" else "course"


def _refuse_time(circuit: Circuit, split: Split | TimedSplit | Windows) -> None:
    name = f"circuit '{circuit.name}'"
    if isinstance(split, TimedSplit | Windows):
        grid = f"{split.steps} steps of {format_quantity(split.dt, 'second')}"
        raise CircuitError(
            f"{name} reads its loss at the end of a presentation, and the task has trials over time, of {grid}; "
            "expected a circuit whose loss is spread over time, such as of the network 'recurrent', or "
            "Circuit(..., over_time=True)"
        )
    raise CircuitError(
        f"{name} spreads its loss over time, and the task has one input and one target for a whole presentation; "
        "expected trials over time, a neurosim.tasks.TimedSplit, or another network, such as 'layered'"
    )
