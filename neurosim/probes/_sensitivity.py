"""The work of the sensitivity probe."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import xarray

from neurosim.circuit.undisturbed import undisturbed
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.state import State, initial_state
from neurosim.engines.stimuli import stimuli_of
from neurosim.errors import CircuitError, ConfigError
from neurosim.metrics import accuracy
from neurosim.probes._findings import Findings, OnStep
from neurosim.probes._learning import forward_pathways, seed_of_repetition
from neurosim.random import stream
from neurosim.tasks._task import Split, Task

if TYPE_CHECKING:
    from neurosim.probes.sensitivity import Config


def measure(config: Config, engine: BatchedEngine, task: Task, *, seed: int, on_step: OnStep | None) -> Findings:
    """See `neurosim.probes.sensitivity.measure`."""
    if task.train.labels is None or not len(task.validation):
        raise ConfigError("the probe 'sensitivity' measures accuracy on the validation split, which this task lacks")
    if config.batch_size > len(task.train):
        raise ConfigError(
            f"probe.batch_size: got {config.batch_size}, expected at most the {len(task.train)} trials of the "
            "training split"
        )
    names = _matched(config, engine)
    data = engine.placed(stimuli_of(engine.circuit, task.train, slice(None)))
    found: dict[str, list[float]] = {name: [] for name in (*config.ranges, "warm_up", "validation_accuracy")}
    for number in range(config.draws):
        drawn, warm_up = draw(config, seed, number)
        values = {name: value for pattern, value in drawn.items() for name in names[pattern]}
        state = _trained(config, engine, task, data, values, warm_up, seed_of_repetition(seed, number))
        for name, value in {**drawn, "warm_up": warm_up}.items():
            found[name].append(value)
        found["validation_accuracy"].append(_accuracy(engine, state, task.validation))
        if on_step is not None:
            on_step(number + 1, config.draws)
    reached = np.array(found["validation_accuracy"])
    # What diverged is above no level.
    known = np.nan_to_num(reached, nan=0.0)
    numbers = {f"fraction_above_{level:g}": float(np.mean(known > level)) for level in config.levels}
    numbers["fraction_diverged"] = float(np.mean(np.isnan(reached)))
    numbers |= {"median_accuracy": float(np.median(known)), "best_accuracy": float(np.max(known))}
    units = {"validation_accuracy": "%"}
    curves = {name: ("draw", np.array(v, dtype=float), {"units": units.get(name, "1")}) for name, v in found.items()}
    return Findings(numbers, xarray.Dataset(curves, coords={"draw": np.arange(config.draws)}))


def draw(config: Config, seed: int, number: int) -> tuple[dict[str, float], int]:
    """The values of a draw, by name or pattern, and its warm-up; they depend on the seed and its number alone."""
    values = {}
    for pattern, (low, high) in config.ranges.items():
        fraction = stream(seed, "draw", number, pattern).uniform()
        values[pattern] = float(low * (high / low) ** fraction)
    return values, int(config.warm_up[stream(seed, "draw", number).integers(len(config.warm_up))])


def _matched(config: Config, engine: BatchedEngine) -> dict[str, list[str]]:
    """The names in the state that each pattern means."""
    scalars = [name for name, array in initial_state(engine.circuit, 0).items() if array.ndim == 0]
    found = {pattern: fnmatch.filter(scalars, pattern) for pattern in config.ranges}
    for pattern, names in found.items():
        if not names:
            raise CircuitError(f"probe.ranges: '{pattern}' fits no number of the circuit; there are {sorted(scalars)}")
    return found


def _trained(
    config: Config,
    engine: BatchedEngine,
    task: Task,
    data: Mapping[str, np.ndarray],
    values: Mapping[str, float],
    warm_up: int,
    seed: int,
) -> State:
    circuit, dtype = engine.circuit, engine.setting.dtype
    state = initial_state(circuit, seed, dtype=dtype)
    state |= {name: np.asarray(value, dtype=dtype) for name, value in values.items()}
    steps = len(task.train) // config.batch_size
    passes = [stream(seed, "order", epoch).permutation(len(task.train)) for epoch in range(config.epochs)]
    order = np.concatenate([p[: steps * config.batch_size].reshape(steps, -1) for p in passes])
    first = 0
    if warm_up:
        rates = [f"{name}.learning_rate" for name in forward_pathways(circuit)]
        resting = {name: np.zeros_like(state[name]) for name in rates if name in state}
        early = order[np.arange(warm_up) % len(order)]
        after, _ = engine.train({**state, **resting}, data, early, seed=seed, first=0)
        state, first = {**after, **{name: state[name] for name in resting}}, early.size
    return engine.train(state, data, order, seed=seed, first=first)[0]


def _accuracy(engine: BatchedEngine, state: State, split: Split) -> float:
    """On a split, in percent; not a number where the answers are none."""
    quiet = replace(engine, circuit=undisturbed(engine.circuit))
    circuit = quiet.circuit
    answer, phase = f"{circuit.output_population}.y", circuit.phases[0].name
    stimuli = stimuli_of(circuit, split, slice(None))
    _, outputs = quiet.run(state, stimuli, report=[answer], learn=False, phases=(phase,))
    answers = outputs.ends[phase][answer]
    finite = np.isfinite(answers).all() and all(np.isfinite(a).all() for n, a in state.items() if n.endswith(".w"))
    return float(accuracy.measure(answers, split.targets)) if finite else float("nan")
