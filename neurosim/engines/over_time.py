"""Trials over time as stimuli of a circuit whose loss is spread over time.

The grid step of a task may be several time steps of an engine: values hold, they are not interpolated. Inputs of an
engine's step act on the state of the next one, so a presentation lasts one engine step longer than the grid. Inputs
end one step early, targets and mask begin one step late: the state after an input has acted meets its own target.
Windows of a stream have no such step of their own: it is the first one of the next window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import compose
from neurosim.circuit.description import Phase
from neurosim.errors import CircuitError
from neurosim.neurons._model import NeuronModel
from neurosim.tasks._input_spikes import InputSpikes
from neurosim.tasks._timed import TRIAL_TYPE, TimedSplit
from neurosim.tasks._windows import Windows

_INPUT = "input"


def told_to_fire(model: NeuronModel) -> str | None:
    """The parameter that says whether a neuron spikes, if its threshold is no more than that."""
    named = model.equation_set.by_name.get((model.threshold or "").strip())
    return named.name if named is not None and named.kind == "parameter" else None


def in_windows(circuit: Circuit) -> bool:
    """Whether a circuit is presented with windows of streams: state carries over, and its loss is over time."""
    return circuit.over_time and circuit.carry


def for_whole_streams(circuit: Circuit, split: TimedSplit, dt: float) -> Circuit:
    """The circuit to which streams are presented as a whole, each from rest; itself if it is not one of windows."""
    if not in_windows(circuit):
        return circuit
    duration = f"{presentation_seconds(split.steps, split.dt, dt) * 1e3:.12g} ms"
    return replace(circuit, carry=False, phases=tuple(replace(each, duration=duration) for each in circuit.phases))


def courses_of(
    circuit: Circuit,
    split: TimedSplit | Windows,
    rows: np.ndarray | slice,
    dt: float,
    *,
    phases: Sequence[str] | None = None,
) -> dict[str, np.ndarray]:
    """The chosen trials, presented anew in each phase.

    Parameters
    ----------
    circuit
        What they are presented to; it has a population ``input``.
    split, rows
        The trials, or windows of streams.
    dt
        Time step of the engine, in seconds.
    phases
        Names of the phases that run, all by default.

    Returns
    -------
    dict
        ``input.r`` (or, of spikes given to neurons that fire when told, events), ``target`` and ``mask`` of the output
        population, for as many steps as the phases last. The mask is a density in Hz: in each phase the sum over all
        steps times `dt` is one. Whole numbers are events, see `neurosim.Stimulus`. A circuit with a population
        ``trial_type`` is told the type of each trial: ``trial_type.r``, one for the neuron of that number, at all
        times alike, ``(trial, types)``.

    Raises
    ------
    CircuitError
        A time step that does not divide the grid step, a phase of another length, an input that does not take what
        the task gives, or more types of trials than the circuit knows.
    DataError
        A stream of which nothing counts.
    """
    held = held_steps(split, dt)
    run = [phase for phase in circuit.phases if phases is None or phase.name in phases]
    for phase in run:
        _refuse_length(circuit, phase, split, held, dt)
    output, times = circuit.output_population, len(run)
    if isinstance(split, Windows):
        # A circuit for windows has one phase.
        return {
            **_inputs_of_windows(circuit, split, rows, held),
            f"{output}.target": split.targets(rows, held),
            f"{output}.mask": split.density(rows, held)[:, :, None],
            **_types(circuit, split, rows),
        }
    mask = _each(split.density(rows)[:, :, None], held, times, late=True)
    # Its mask is zero in the step before the first target; that target is a number that every loss takes.
    targets = _each(split.targets[rows], held, times, late=True, first=True)
    return {
        **_inputs(circuit, split, rows, held, times),
        f"{output}.target": targets,
        f"{output}.mask": mask,
        **_types(circuit, split, rows),
    }


def _types(circuit: Circuit, split: TimedSplit | Windows, rows: np.ndarray | slice) -> dict[str, np.ndarray]:
    """The type of each trial, as activity of the neuron of that number."""
    if TRIAL_TYPE not in circuit.population:
        return {}
    types, known = split.trial_type[rows], circuit.population[TRIAL_TYPE].size
    if len(types) and types.max() >= known:
        raise CircuitError(
            f"circuit '{circuit.name}' tells {known} types of trials apart, and the task has a trial of type "
            f"{types.max()}, counted from 0; expected at most {known - 1}: set scheme.trial_types to the number of "
            "types of the task"
        )
    return {f"{TRIAL_TYPE}.r": (types[:, None] == np.arange(known)).astype(np.float32)}


def held_steps(split: TimedSplit | Windows, dt: float) -> int:
    """How many time steps of an engine a grid step lasts.

    Raises
    ------
    CircuitError
        The time step does not divide the grid step.
    """
    held = round(split.dt / dt)
    if held < 1 or abs(held * dt - split.dt) > 1e-6 * dt:
        grid, step = _shown(split.dt), _shown(dt)
        raise CircuitError(
            f"the task has a value every {grid}, and the engine steps by {step}; expected a time step that divides the "
            f"grid step: set engine.dt to '{grid}' or a whole part of it, or another grid step of the task"
        )
    return held


def presentation_seconds(steps: int, grid: float, dt: float) -> float:
    """How long a phase has to last that presents so many grid steps: one time step of the engine more."""
    return steps * grid + dt


def bytes_a_trial(circuit: Circuit, split: TimedSplit | Windows, dt: float, itemsize: int) -> int:
    """Memory that the stimuli of one trial take in all phases."""
    steps = len(circuit.phases) * (split.steps * held_steps(split, dt) + 1)
    spikes = isinstance(split.inputs, InputSpikes) and told_to_fire(compose(circuit)[_INPUT]) is not None
    # Spikes are 4 bytes each, whatever the precision.
    inputs = 4 * split.inputs.most if spikes else itemsize * split.n_inputs
    return steps * (inputs + itemsize * (split.n_outputs + 1))


def _refuse_length(circuit: Circuit, phase: Phase, split: TimedSplit | Windows, held: int, dt: float) -> None:
    windows = isinstance(split, Windows)
    expected = split.steps * held + (not windows)
    got = phase.steps(dt)
    if got != expected:
        step, grid = _shown(dt), _shown(split.dt)
        what = f"the {split.steps} grid steps of {grid} " + (
            "of a window" if windows else "of the task and one time step in which the last input acts"
        )
        raise CircuitError(
            f"phase '{phase.name}' of circuit '{circuit.name}' lasts {phase.duration}, {got} time steps of {step}; "
            f"expected {expected}, {what}: a duration of {_shown(expected * dt)}"
        )


def _told(circuit: Circuit, split: TimedSplit | Windows) -> str | None:
    """The parameter of the input that spikes are given by, none where inputs are numbers.

    Raises
    ------
    CircuitError
        Numbers for an input that fires.
    """
    model = compose(circuit)[_INPUT]
    told = told_to_fire(model)
    if told is not None and not isinstance(split.inputs, InputSpikes):
        raise CircuitError(
            f"population '{_INPUT}' fires when it is told ('{model.name}'), and the inputs of the task are "
            "numbers; expected spikes: give the network another input neuron, such as 'stimulus'"
        )
    return told


def _inputs_of_windows(
    circuit: Circuit, windows: Windows, rows: np.ndarray | slice, held: int
) -> dict[str, np.ndarray]:
    told = _told(circuit, windows)
    if told is None:
        return {f"{_INPUT}.r": windows.shown(rows, held)}
    return {f"{_INPUT}.{told}": windows.firing(rows, held)}


def _inputs(
    circuit: Circuit, split: TimedSplit, rows: np.ndarray | slice, held: int, times: int
) -> dict[str, np.ndarray]:
    told = _told(circuit, split)
    if not isinstance(split.inputs, InputSpikes):
        return {f"{_INPUT}.r": _each(split.inputs[rows], held, times)}
    if told is None:
        return {f"{_INPUT}.r": _each(split.inputs.dense(rows), held, times)}
    firing = split.inputs.firing(rows)
    size = split.n_inputs
    # A spike is an instant: it is in the first of the steps that a value would be held for.
    course = np.full((len(firing), times, split.steps * held + 1, firing.shape[2]), size, np.int32)
    course[:, :, : split.steps * held : held] = firing[:, None]
    return {f"{_INPUT}.{told}": course.reshape(len(firing), -1, firing.shape[2])}


def _each(values: np.ndarray, held: int, times: int, *, late: bool = False, first: bool = False) -> np.ndarray:
    """A course ``(trial, step, n)`` of values held for so many steps, in each of so many phases.

    Parameters
    ----------
    late
        Whether the course begins a step late, else it ends a step early; that step is zero.
    first
        Whether it is the first value instead.
    """
    trials, steps, size = values.shape
    course = np.zeros((trials, times, steps * held + 1, size), values.dtype)
    own = course[:, :, 1:] if late else course[:, :, :-1]
    own[:] = (np.repeat(values, held, axis=1) if held > 1 else values)[:, None]
    if first:
        course[:, :, 0] = values[:, None, 0]
    return course.reshape(trials, -1, size)


def _shown(seconds: float) -> str:
    """A time in words, without the last digits that sums lose."""
    return f"{1e3 * seconds:.9g} ms"
