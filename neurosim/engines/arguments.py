"""Checks of engines' arguments, the same for all engines: names, shapes, numbers."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from neurosim.border import COUNT, FLAG, NAMES, SEED, Check, instance, optional, whole
from neurosim.border.arguments import MAPPING
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Phase
from neurosim.engines.bounds import within_bounds
from neurosim.engines.given_state import places_of
from neurosim.engines.noise import drawn_shapes
from neurosim.engines.numbers import check_numbers
from neurosim.engines.optimiser import is_memory
from neurosim.engines.own_weights import refuse_too_many, with_trials
from neurosim.engines.records import SPIKES, Record, recordable, records_in, reportable
from neurosim.engines.setting import Setting
from neurosim.engines.slots import Continuation, starting_shapes
from neurosim.engines.state import check_stimuli
from neurosim.engines.stimuli import Stimulus
from neurosim.engines.zero_divisors import refuse_zero_divisors
from neurosim.errors import ArgumentError, CircuitError
from neurosim.suggestions import did_you_mean, nearest
from neurosim.untyped import Array

#: Running numbers of presentations, which noise is drawn by.
FIRST = whole(0, 2**32 - 1)
#: The arguments of `run`, on either engine.
RUN: dict[str, Check] = {
    "state": MAPPING,
    "stimuli": MAPPING,
    "seed": SEED,
    "first": FIRST,
    "noise": optional(MAPPING),
    "report": NAMES,
    "record": NAMES,
    "learn": FLAG,
    "phases": optional(NAMES),
    "trials": optional(COUNT),
    "start": optional(instance(Continuation, expected="where another call ended: its outputs.end")),
    "keep": FLAG,
    "watch": FLAG,
    "own_weights": FLAG,
    "every": optional(MAPPING),
    "unfinished": FLAG,
}
#: The arguments of `train`.
TRAIN: dict[str, Check] = {"state": MAPPING, "stimuli": MAPPING, "seed": SEED, "first": FIRST, "report": NAMES}


def check_run(
    circuit: Circuit,
    setting: Setting,
    state: Mapping[str, Array],
    stimuli: Mapping[str, Stimulus],
    *,
    trials: int,
    report: Collection[str] = (),
    record: Collection[str] = (),
    phases: Collection[str] | None = None,
    noise: Mapping[str, Mapping[str, Array]] | None = None,
    every: Mapping[str, int] | None = None,
    own_weights: bool = False,
) -> tuple[Record, ...]:
    """Refuse what a circuit cannot be run with; gives what is recorded, read from its text.

    Raises
    ------
    CircuitError
        Naming the argument, the variable, what was got and what is expected.
    """
    check_numbers("state", {name: value for name, value in state.items() if not is_memory(name)})
    check_stimuli(circuit, stimuli)
    if phases is not None and not phases:
        raise CircuitError("phases: got none; name at least one, or leave the argument out to run all")
    known = {phase.name for phase in circuit.phases}
    for name in (*(phases or ()), *(noise or {})):
        if name not in known:
            raise CircuitError(f"{'phases' if name in (phases or ()) else 'noise'}: {_unknown(name, known, 'phase')}")
    records = _check_names(circuit, setting, report, record, every)
    if own_weights:
        refuse_too_many(circuit, trials, setting.dtype)
    run = [phase for phase in circuit.phases if phases is None or phase.name in phases]
    steps = 0 if setting.steady else sum(phase.steps(setting.dt) for phase in run)
    for name, stimulus in stimuli.items():
        if setting.steady and stimulus.changes:
            raise CircuitError(
                f"stimuli: '{name}' changes in time, and the level 'steady' has no time; use another level"
            )
        size = circuit.population[name.split(".")[0]].size
        _check_stimulus(name, stimulus, steps, trials, size)
    _check_state(circuit, state, stimuli, trials, own_weights=own_weights)
    refuse_zero_divisors(circuit, state, stimuli)
    for phase in run:
        if noise is not None and phase.name in noise:
            _check_noise(circuit, phase, noise[phase.name], trials)
    return records


def trials_in(stimuli: Mapping[str, Stimulus], trials: int | None = None) -> int:
    """How many trials are presented: as said, or as many as the stimuli have."""
    return trials or next((each.trials for each in stimuli.values() if each.trials is not None), 1)


def check_training(
    circuit: Circuit,
    setting: Setting,
    state: Mapping[str, Array],
    stimuli: Mapping[str, Stimulus],
    order: Array,
    report: Collection[str],
) -> np.ndarray:
    """Refuse what a circuit cannot be trained with; gives the order as an array.

    Raises
    ------
    CircuitError, ArgumentError
        Naming the argument, what was got and what is expected.
    """
    rows = np.asarray(order)
    if rows.ndim != 2 or not rows.size or not np.issubdtype(rows.dtype, np.integer):
        raise ArgumentError("order", order, "which trials each step presents: whole numbers of shape (step, batch)")
    lengths = [each.trials for each in stimuli.values() if each.trials is not None]
    length = min(lengths, default=None)
    if length is None or len(set(lengths)) > 1 or len(lengths) < len(stimuli):
        shapes = {name: np.shape(each.values) for name, each in stimuli.items()}
        raise CircuitError(
            f"stimuli: got the shapes {shapes or 'of nothing'}; expected (trial, n), or (trial, step, n) of what "
            "changes in time, of the same trials"
        )
    if rows.min() < 0 or rows.max() >= length:
        raise CircuitError(
            f"order: got trials {rows.min()} to {rows.max()}; expected 0 to {length - 1}, the trials of the stimuli"
        )
    # Shapes alone: what lies on a device stays there.
    sizes = {name: replace(each, values=_like_one(each.values)) for name, each in stimuli.items()}
    check_run(circuit, setting, state, sizes, trials=rows.shape[1], report=report)
    return rows


def _like_one(values: Any) -> np.ndarray:
    """Zeros as of one trial, without memory."""
    return np.broadcast_to(np.zeros((), np.dtype(values.dtype)), (1, *np.shape(values)[1:]))


def _check_names(
    circuit: Circuit,
    setting: Setting,
    report: Collection[str],
    record: Collection[str],
    every: Mapping[str, int] | None,
) -> tuple[Record, ...]:
    known = reportable(circuit)
    for name in report:
        if name not in known:
            spikes = name.endswith(SPIKES) and name in recordable(circuit)
            hint = "; spikes exist at single steps: record them instead" if spikes else ""
            raise CircuitError(f"report: {_unknown(name, known, 'variable')}{hint}")
    records = records_in(circuit, tuple(record), every)
    if record and setting.steady:
        raise CircuitError(f"record: the level 'steady' has no time steps; report {', '.join(record)} instead")
    return records


def _check_stimulus(name: str, stimulus: Stimulus, steps: int, trials: int, size: int) -> None:
    if steps and stimulus.steps is not None and stimulus.steps < steps:
        raise CircuitError(f"stimuli: '{name}' has {stimulus.steps} time steps, and {steps} are run")
    shape = stimulus.each_trial
    if not _fits(shape, (trials, size)):
        raise CircuitError(
            f"stimuli: '{name}' has shape {shape} (trial, n); expected ({trials}, {size}), or 1 in place of either"
        )


def _check_state(
    circuit: Circuit, state: Mapping[str, Array], stimuli: Collection[str], trials: int, *, own_weights: bool
) -> None:
    each = with_trials(circuit, state) if own_weights else frozenset()
    moving = starting_shapes(circuit)
    for name, place in _places(circuit, trials).items():
        if name not in state:
            if name in stimuli:
                continue
            near = nearest(name, state)
            hint = f"; is it '{near}'?" if near is not None and near not in _places(circuit, trials) else ""
            raise CircuitError(f"state: '{name}' is missing; initial_state(circuit, seed) has all there is{hint}")
        shape = np.shape(state[name])
        if place.full is not None:
            fits = shape == ((trials, *place.full) if name in each else place.full)
        else:
            own = moving.get(name, max(place.shapes.values(), key=len))
            fits = _fits(shape, own) or (len(shape) == len(own) + 1 and _fits(shape[1:], own))
        if not fits:
            expected = [str(shape) for shape in place.shapes.values() if place.full is None or shape]
            expected += [f"{(trials, *place.full)}, one for each trial"] if own_weights and place.full else []
            raise CircuitError(f"state: '{name}' has shape {shape}; expected {' or '.join(expected)}")
    _check_bounds(circuit, state)


def _check_bounds(circuit: Circuit, state: Mapping[str, Array]) -> None:
    """Refuse weights that begin beyond the bounds of their pathway."""
    for pathway in circuit.owners:
        if pathway.bounds is None:
            continue
        given, (least, most) = np.asarray(state[f"{pathway.name}.w"]), pathway.bounds
        beyond = np.abs(given - within_bounds(np, circuit, pathway.name, state, given))
        # Bounds are rounded where weights are.
        if np.any(beyond > 1e-6 * np.abs(given)):
            worst = given.flat[int(np.argmax(beyond))]
            raise CircuitError(
                f"state: '{pathway.name}.w' has weights beyond the bounds of the pathway, such as {worst:g}; expected "
                f"weights from {least} to {most}"
            )


@functools.lru_cache(maxsize=64)
def _places(circuit: Circuit, trials: int) -> Mapping[str, Any]:
    return places_of(circuit, trials)


def _check_noise(circuit: Circuit, phase: Phase, given: Mapping[str, Array], trials: int) -> None:
    needed = drawn_shapes(circuit, phase)
    known: dict[str, tuple[int, ...]] = {
        f"{p.name}.{name}": (p.size,) for p in circuit.populations for name in (*p.noise, *p.lots)
    }
    known |= {f"{pathway.name}.noise": circuit.weights_shape(pathway.name) for pathway in circuit.perturbed}
    for name, array in given.items():
        if name not in known:
            raise CircuitError(f"noise of phase '{phase.name}': {_unknown(name, known, 'noise')}")
        if not _fits(np.shape(array), (trials, *known[name])):
            raise CircuitError(
                f"noise of phase '{phase.name}': '{name}' has shape {np.shape(array)}; expected "
                f"{(trials, *known[name])}"
            )
    if missing := needed.keys() - given.keys():
        raise CircuitError(
            f"noise of phase '{phase.name}': {', '.join(sorted(missing))} missing; give all that it draws"
        )


def _fits(shape: tuple[int, ...], full: tuple[int, ...]) -> bool:
    """Whether an array can stand for one of the full shape."""
    short = full[len(full) - len(shape) :] if len(shape) <= len(full) else ()
    return len(shape) <= len(full) and all(own in (1, other) for own, other in zip(shape, short, strict=True))


def _unknown(name: str, known: Collection[str], what: str) -> str:
    return f"this circuit has no {what} '{name}'; {did_you_mean(name, sorted(known))}"
