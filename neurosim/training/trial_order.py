"""The order of trials in training, and trials that are augmented anew for each presentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.engines._engine import Engine
from neurosim.engines.over_time import bytes_a_trial
from neurosim.engines.stimuli import stimuli_of
from neurosim.errors import ConfigError
from neurosim.random import stream
from neurosim.tasks._task import Task
from neurosim.tasks._timed import TimedSplit
from neurosim.tasks._windows import Windows
from neurosim.training.config import Config
from neurosim.training.streams import presented_split, refuse_circuit, refuse_settings

#: Memory of trials over time that are brought to the engine at once. Where an epoch is cut may change last bits, so it
#: depends on the model alone, not on the machine.
BYTES_PER_CALL = 1 << 28


def order_of(config: Config, epoch: int, trials: int, seed: int) -> np.ndarray:
    """The trials that each step of an epoch presents.

    Parameters
    ----------
    config
        Settings of training.
    epoch
        Counted from 0.
    trials
        Number of trials of the training split.
    seed
        Seed of the run.

    Returns
    -------
    numpy.ndarray
        Shape (step, batch).
    """

    def one_pass(number: int) -> np.ndarray:
        return stream(seed, "order", number).permutation(trials) if config.shuffle else np.arange(trials)

    if config.steps_per_epoch is None:
        steps = trials // config.batch_size
        return one_pass(epoch)[: steps * config.batch_size].reshape(steps, config.batch_size)
    # A window into an endless sequence of passes.
    count = config.steps_per_epoch * config.batch_size
    begin = epoch * count
    passes = range(begin // trials, (begin + count - 1) // trials + 1)
    endless = np.concatenate([one_pass(number) for number in passes])
    start = begin - passes[0] * trials
    return endless[start : start + count].reshape(config.steps_per_epoch, config.batch_size)


def refuse_other_trials(engine: Engine, task: Task, config: Config) -> None:
    """Refuse trials that the circuit cannot be presented with: over time or not, of which length, in streams or not.

    Raises
    ------
    ConfigError
        Trials over time at the steady level; streams that do not go with the circuit or the settings.
    CircuitError
        As `neurosim.engines.stimuli.stimuli_of`.
    """
    refuse_settings(task, config)
    if task.dt is not None and engine.setting.steady:
        raise ConfigError.at(
            "engine.level", f"got 'steady' for the task '{task.name}' over time, expected 'rate' or 'spiking'"
        )
    if task.stream:
        refuse_circuit(engine.circuit, engine.setting.dt)
    if task.dt is not None or engine.circuit.over_time:
        stimuli_of(engine.circuit, presented_split(task, config), slice(1), dt=engine.setting.dt)


def whole_split(engine: Engine, task: Task, config: Config) -> dict[str, Any] | None:
    """The training split on the engine's device, for all calls; none if it is over time and takes too much memory."""
    split = presented_split(task, config)
    if isinstance(split, TimedSplit | Windows) and len(split) > trials_in_memory(engine, split):
        return None
    stimuli = stimuli_of(engine.circuit, split, slice(None), dt=engine.setting.dt)
    return engine.placed(stimuli, config.batch_size)


def trials_in_memory(engine: Engine, split: TimedSplit | Windows) -> int:
    """How many trials over time are brought to the engine at once, at least one."""
    each = bytes_a_trial(engine.circuit, split, engine.setting.dt, np.dtype(engine.setting.dtype).itemsize)
    return max(1, BYTES_PER_CALL // each)


def steps_in_memory(engine: Engine, task: Task, config: Config) -> int:
    """How many steps one call of the engine makes whose trials over time it brings along, at least one."""
    split = presented_split(task, config)
    assert isinstance(split, TimedSplit | Windows)
    return max(1, trials_in_memory(engine, split) // config.batch_size)


def presented(
    engine: Engine, task: Task, config: Config, data: Mapping[str, Any] | None, rows: np.ndarray, seed: int, first: int
) -> tuple[Mapping[str, Any], np.ndarray]:
    """The trials of one call of the engine, augmented if the task does so.

    Parameters
    ----------
    engine
        The engine.
    task, config
        The task, and the settings of training.
    data
        Its training split on the engine's device, presented unchanged unless the task has an `augment`; if there is
        none, the trials of this call are brought there.
    rows
        Which trials each step presents, shape (step, batch).
    seed
        Of the run.
    first
        Number of trials presented before.

    Returns
    -------
    tuple
        Data for the engine, and the rows of them that each step presents, shape (step, batch).
    """
    if data is not None and task.augment is None:
        return data, rows
    split, count = presented_split(task, config), rows.size
    stimuli = stimuli_of(engine.circuit, split, rows.ravel(), dt=engine.setting.dt)
    if task.augment is not None:
        stimuli["input.r"] = task.augment(stimuli["input.r"], seed, first + np.arange(count))
    return engine.placed(stimuli, rows.shape[1]), np.arange(count).reshape(rows.shape)
