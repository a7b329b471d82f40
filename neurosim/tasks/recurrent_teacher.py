"""Recurrent teacher: outputs of a random recurrent network over time, driven by inputs that are correlated in time.

The errors of a student are correlated in time as far as the inputs are, which decides how much of the credit to come
feedback from the present error can tell.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveInt

from neurosim.random import stream
from neurosim.tasks import _temporal
from neurosim.tasks._task import Sizes, Task
from neurosim.tasks._timed import TimedSplit
from neurosim.units import parse_quantity


class Config(_temporal.Config):
    """Settings of the teacher and of its inputs.

    Attributes
    ----------
    duration
        Of a trial.
    n_inputs, n_outputs
        Inputs, and outputs of the teacher.
    correlation
        Of an input with its value one grid step before; inputs are Gaussian, of variance one throughout.
    n_teacher, gain
        Neurons of the teacher, and the standard deviation of its recurrent weights times the root of their number.
    tau
        Time constant of its potentials: ``u <- u + dt/tau*(-u + W tanh(u) + W_in x)``, and it is read as ``W_out
        tanh(u)``.
    """

    duration: _temporal.Duration = "50 ms"
    n_inputs: PositiveInt = 2
    n_outputs: PositiveInt = 3
    correlation: float = Field(default=0.9, ge=0, lt=1)
    n_teacher: PositiveInt = 40
    gain: NonNegativeFloat = 0.8
    tau: _temporal.Duration = "5 ms"

    @property
    def steps(self) -> int:
        """Grid steps in a trial."""
        return self.in_steps("duration")

    @property
    def widths(self) -> tuple[int, int]:
        """Numbers of inputs and of outputs."""
        return self.n_inputs, self.n_outputs


def sizes(config: Config) -> Sizes:
    """Inputs, outputs and the grid, without drawing trials."""
    return _temporal.sizes_of(config, numbers=True)


def load(config: Config, *, seed: int) -> Task:
    """Draw a teacher, inputs, and compute its outputs.

    Parameters
    ----------
    config
        The settings.
    seed
        Draws the teacher and, split by split, the inputs.

    Returns
    -------
    Task
        Its floor is the loss of who answers zero, estimated on the test trials.
    """
    teacher = _Teacher(config, stream(seed, "teacher"))

    def draw(generator: np.random.Generator, trials: int) -> TimedSplit:
        inputs = correlated(generator, (trials, config.steps, config.n_inputs), config.correlation)
        return TimedSplit(inputs, teacher.outputs(inputs), config.seconds)

    task = _temporal.drawn_task("recurrent_teacher", config, draw, seed=seed, kind="regression", loss="squared_error")
    nothing = float(0.5 * np.mean(np.sum(task.test.targets.astype(float) ** 2, axis=2)))
    return replace(task, floors={"nothing": nothing})


def correlated(generator: np.random.Generator, shape: tuple[int, int, int], correlation: float) -> np.ndarray:
    """Gaussian sequences of variance one, ``(trial, step, n)``, with this correlation from step to step."""
    drawn = generator.normal(size=shape)
    fresh = np.sqrt(1 - correlation**2)
    for step in range(1, shape[1]):
        drawn[:, step] = correlation * drawn[:, step - 1] + fresh * drawn[:, step]
    return drawn


class _Teacher:
    """A random network of leaky rate neurons, from rest."""

    def __init__(self, config: Config, generator: np.random.Generator) -> None:
        size = config.n_teacher
        self.step = config.seconds / parse_quantity(config.tau, "second")
        self.recurrent = config.gain * generator.normal(size=(size, size)) / np.sqrt(size)
        self.incoming = generator.normal(size=(size, config.n_inputs)) / np.sqrt(config.n_inputs)
        self.read = generator.normal(size=(config.n_outputs, size)) / np.sqrt(size)

    def outputs(self, inputs: np.ndarray) -> np.ndarray:
        """What is read after each input has acted, ``(trial, step, output)``."""
        potential = np.zeros((len(inputs), len(self.recurrent)))
        read = np.empty((*inputs.shape[:2], len(self.read)))
        for step in range(inputs.shape[1]):
            drive = np.tanh(potential) @ self.recurrent.T + inputs[:, step] @ self.incoming.T
            potential += self.step * (drive - potential)
            read[:, step] = np.tanh(potential) @ self.read.T
        return read
