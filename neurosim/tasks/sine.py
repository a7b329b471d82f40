"""Sine: one trial to be produced without input, a sum of harmonics of one period.

Source: Murray (2019), Local online learning in recurrent networks with random feedback, eLife 8:e43299, where the
amplitudes are 1, 1/2 and 1/4 of the harmonics 1, 2 and 4, and the period is that of 100 steps. What starts the
network is its own initial state, the same in every trial.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field, PositiveInt, field_validator, model_validator

from neurosim.tasks import _temporal
from neurosim.tasks._task import Sizes, Task
from neurosim.tasks._timed import TimedSplit


class Config(_temporal.Config):
    """Settings of the waveform. All trials are the same one.

    Attributes
    ----------
    duration
        Of a trial.
    period
        Of the first harmonic.
    amplitudes, harmonics
        Of the sines that are added, and how many of their periods one `period` has.
    n_inputs
        Inputs, which are zero.
    """

    n_train: PositiveInt = 1
    n_validation: int = Field(default=1, ge=0)
    n_test: PositiveInt = 1
    duration: _temporal.Duration = "100 ms"
    period: _temporal.Duration = "100 ms"
    amplitudes: tuple[float, ...] = Field(default=(1.0, 0.5, 0.25), min_length=1, max_length=1000)
    harmonics: tuple[PositiveInt, ...] = Field(default=(1, 2, 4), min_length=1, max_length=1000)
    n_inputs: PositiveInt = 1

    @field_validator("amplitudes")
    @classmethod
    def _finite(cls, given: tuple[float, ...]) -> tuple[float, ...]:
        if not np.isfinite(given).all():
            raise ValueError("got an amplitude that is not finite, expected finite numbers")
        return given

    @model_validator(mode="after")
    def _one_of_each(self) -> Config:
        if len(self.amplitudes) != len(self.harmonics):
            raise ValueError(
                f"harmonics: got {len(self.harmonics)}, expected one for each of the {len(self.amplitudes)} amplitudes"
            )
        return self

    @property
    def steps(self) -> int:
        """Grid steps in a trial."""
        return self.in_steps("duration")

    @property
    def widths(self) -> tuple[int, int]:
        """Silent inputs, and the waveform."""
        return self.n_inputs, 1


def sizes(config: Config) -> Sizes:
    """Inputs, outputs and the grid."""
    return _temporal.sizes_of(config, numbers=True)


def load(config: Config, *, seed: int) -> Task:
    """Compute the waveform.

    Parameters
    ----------
    config
        The settings.
    seed
        Not used: nothing is drawn.

    Returns
    -------
    Task
        One target; `floors` has the loss of the best constant output.
    """
    target = waveform(config)

    def draw(generator: np.random.Generator, trials: int) -> TimedSplit:
        return TimedSplit(np.zeros((trials, config.steps, config.n_inputs)), target[:, None], config.seconds)

    facts = {"kind": "regression", "loss": "squared_error", "floors": floors(config)}
    return _temporal.drawn_task("sine", config, draw, seed=seed, **facts)


def waveform(config: Config) -> np.ndarray:
    """The target at each grid step, from the phase zero on; shape (T,)."""
    turns = 2 * np.pi * np.arange(config.steps) / config.in_steps("period")
    return np.asarray(config.amplitudes) @ np.sin(np.asarray(config.harmonics)[:, None] * turns)


def floors(config: Config) -> dict[str, float]:
    """The loss of the best constant output."""
    return {"nothing": float(0.5 * np.var(waveform(config)))}
