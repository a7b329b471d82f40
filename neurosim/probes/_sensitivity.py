"""The probe `sensitivity` at work; apart from its settings, which are checked where nothing is compiled."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.state import State, initial_state
from neurosim.errors import ConfigError, NumericalError
from neurosim.probes._findings import Findings, OnStep
from neurosim.probes._learning import seed_of_repetition
from neurosim.random import stream
from neurosim.tasks._task import Task
from neurosim.training.loop import Progress, TrainingResult, train

if TYPE_CHECKING:
    from neurosim.probes.sensitivity import Config


def measure(
    config: Config,
    engine: BatchedEngine,
    task: Task,
    *,
    seed: int,
    on_step: OnStep | None = None,
    others: Mapping[str, BatchedEngine],
) -> Findings:
    """See `neurosim.probes.sensitivity.measure`."""
    for tried in (engine, *others.values()):
        matching(tried, config.ranges)
    drawn = draws(config, seed)
    carried = config.transfer.best * config.transfer.seeds if config.transfer else 0
    count = _TrainingCount(config.draws + carried, on_step)
    chance = 100 / task.n_outputs
    scores = np.full(config.draws, math.nan)
    for number in range(config.draws):
        result = _trained(engine, task, config, _row(drawn, number), seed_of_repetition(seed, number))
        if result is not None:
            scores[number] = result.history.validation_accuracy.values[-1]
        count.up()
    numbers = _summary(scores, chance, config.levels) | {"best": float(np.nanmax(scores, initial=chance))}
    curves: dict[str, Any] = {name: ("draw", values) for name, values in drawn.items()}
    curves["accuracy"] = ("draw", scores, {"units": "%", "long_name": "validation accuracy"})
    if config.transfer is not None:
        order = np.argsort(-np.nan_to_num(scores, nan=-1.0), kind="stable")[: config.transfer.best]
        there = np.full((len(order), config.transfer.seeds), math.nan)
        for row, number in enumerate(order):
            for column in range(config.transfer.seeds):
                chosen = seed_of_repetition(seed, column)
                result = _trained(others["transfer"], task, config, _row(drawn, int(number)), chosen)
                if result is not None:
                    there[row, column] = result.test.accuracy
                count.up()
        numbers |= {f"transfer.{name}": value for name, value in _summary(there, chance, config.levels).items()}
        curves["chosen_draw"] = ("chosen", order)
        curves["transfer_accuracy"] = (("chosen", "seed"), there, {"units": "%", "long_name": "test accuracy"})
    import xarray

    return Findings(numbers, xarray.Dataset(curves, {"draw": np.arange(config.draws)}))


def draws(config: Config, seed: int) -> dict[str, np.ndarray]:
    """The drawn numbers, one array (draw,) for each of the ranges, and the epochs of warm-up."""
    drawn = {}
    for name, (low, high) in config.ranges.items():
        place = stream(seed, "draws", name).random(config.draws)
        drawn[name] = np.exp(np.log(low) + place * (np.log(high) - np.log(low)))
    drawn["warm_up"] = stream(seed, "draws", "warm_up").choice(config.warm_up, config.draws)
    return drawn


def matching(engine: BatchedEngine, patterns: Sequence[str] | Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The parameters in the state of an engine's circuit that each pattern means.

    Raises
    ------
    ConfigError
        For a pattern that fits none.
    """
    state = initial_state(engine.circuit, 0)
    known = [name for name, value in state.items() if np.ndim(value) == 0]
    matches = {}
    for pattern in patterns:
        matches[pattern] = tuple(name for name in known if fnmatchcase(name, pattern))
        if not matches[pattern]:
            near = difflib.get_close_matches(pattern, known, n=3, cutoff=0.3)
            raise ConfigError.at(
                "probe.ranges",
                f"'{pattern}' fits no parameter of the circuit '{engine.circuit.name}'"
                + (f"; near: {', '.join(near)}" if near else ""),
            )
    return matches


def _row(drawn: Mapping[str, np.ndarray], number: int) -> dict[str, float]:
    return {name: float(values[number]) for name, values in drawn.items()}


def _trained(
    engine: BatchedEngine, task: Task, config: Config, drawn: Mapping[str, float], seed: int
) -> TrainingResult | None:
    """The result of training with one draw; none if it diverges."""
    state: State = initial_state(engine.circuit, seed, dtype=engine.setting.dtype)
    for pattern, names in matching(engine, config.ranges).items():
        state |= {name: np.asarray(drawn[pattern], engine.setting.dtype) for name in names}
    warm_up = int(drawn["warm_up"])
    settings = config.training.model_copy(
        update={"feedback_warm_up": warm_up, "epochs": config.training.epochs + warm_up, "measure_every": 0}
    )
    # Only the end is asked for.
    settings = settings.model_copy(update={"evaluate_every": settings.epochs})
    try:
        with np.errstate(all="ignore"):
            return train(engine, task, settings, seed=seed, start=Progress(state))
    except NumericalError:
        return None


def _summary(accuracies: np.ndarray, chance: float, levels: Sequence[float]) -> dict[str, float]:
    """Numbers of accuracies of any shape, not a number where learning diverged."""
    counted = np.nan_to_num(accuracies, nan=chance)
    numbers = {f"above_{level:g}": float(100 * np.mean(counted > level)) for level in levels}
    numbers["diverged"] = float(100 * np.mean(np.isnan(accuracies)))
    return numbers | {"mean": float(np.mean(counted)), "median": float(np.median(counted))}


class _TrainingCount:
    """Tells how many trainings are done."""

    def __init__(self, total: int, on_step: OnStep | None) -> None:
        self._done, self._total, self._on_step = 0, total, on_step

    def up(self) -> None:
        self._done += 1
        if self._on_step is not None:
            self._on_step(self._done, self._total)
