"""The order of trials in training, and trials that are augmented anew for each presentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.engines._engine import Engine
from neurosim.engines.stimuli import stimuli_of
from neurosim.random import stream
from neurosim.tasks._task import Task
from neurosim.training.config import Config


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


def presented(
    engine: Engine, task: Task, data: Mapping[str, Any], rows: np.ndarray, seed: int, first: int
) -> tuple[Mapping[str, Any], np.ndarray]:
    """The trials of one call of the engine, augmented if the task does so.

    Parameters
    ----------
    engine
        The engine.
    task
        The task.
    data
        Its training split on the engine's device, presented unchanged unless the task has an `augment`.
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
    if task.augment is None:
        return data, rows
    stimuli, count = stimuli_of(engine.circuit, task.train, rows.ravel()), rows.size
    stimuli["input.r"] = task.augment(stimuli["input.r"], seed, first + np.arange(count))
    return engine.placed(stimuli, rows.shape[1]), np.arange(count).reshape(rows.shape)
