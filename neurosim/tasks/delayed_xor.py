"""Delayed exclusive or: to say whether two brief bumps, far apart in time, come on the same of two inputs.

Source: Liu et al. (2022), Biologically-plausible backpropagation through arbitrary timespans via local neuromodulators,
Advances in Neural Information Processing Systems 35, and its public code: bumps of 2, normal in time with 25 ms, in the
first and the last 100 ms of 900, on an offset of 0.02 with noise of 0.01; the answer is read at the last step. Here
offset and noise are on both inputs throughout.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from neurosim.tasks import _temporal
from neurosim.tasks._task import Sizes, Task, _one_hot
from neurosim.tasks._timed import TimedSplit
from neurosim.units import parse_quantity


class Config(_temporal.Config):
    """Settings of the bumps.

    Attributes
    ----------
    cue, delay
        Time of each bump, whose middle is its peak, and the time between the two.
    amplitude, width
        Of the bump: its peak, and the standard deviation of the normal curve.
    offset, noise
        Added to both inputs: a number, and the standard deviation of normal numbers of each grid step.
    report
        The last part of the trial, in which the answer counts.
    """

    n_train: PositiveInt = 256
    cue: _temporal.Duration = "100 ms"
    delay: _temporal.Interval = "700 ms"
    amplitude: PositiveFloat = Field(default=2.0, allow_inf_nan=False)
    width: _temporal.Duration = "25 ms"
    offset: float = Field(default=0.02, allow_inf_nan=False)
    noise: NonNegativeFloat = Field(default=0.01, allow_inf_nan=False)
    report: _temporal.Duration = "1 ms"

    @model_validator(mode="after")
    def _report_fits(self) -> Config:
        if self.in_steps("report") > self.steps:
            raise ValueError(f"report: got {self.report}, expected at most the trial of {self.steps} grid steps")
        return self

    @property
    def steps(self) -> int:
        """Grid steps in a trial."""
        return self.in_steps("cue", "delay", "cue")

    @property
    def widths(self) -> tuple[int, int]:
        """Two inputs; mismatch and match."""
        return 2, 2


def sizes(config: Config) -> Sizes:
    """Inputs, outputs and the grid, without drawing trials."""
    return _temporal.sizes_of(config)


def load(config: Config, *, seed: int) -> Task:
    """Lay out the four pairs of cues, in turn, and draw noise.

    Parameters
    ----------
    config
        The settings.
    seed
        Draws the noise.

    Returns
    -------
    Task
        The label is one where the cues match; the type of a trial is ``2*first + second``.
    """
    mask = np.arange(config.steps) >= config.steps - config.in_steps("report")
    curve, length = bump(config), config.in_steps("cue")

    def draw(generator: np.random.Generator, trials: int) -> TimedSplit:
        which = np.arange(trials) % 4
        match = (which // 2 == which % 2).astype(int)
        inputs = config.offset + config.noise * generator.standard_normal((trials, config.steps, 2))
        inputs[np.arange(trials), :length, which // 2] += curve
        inputs[np.arange(trials), config.steps - length :, which % 2] += curve
        targets = np.broadcast_to(_one_hot(match, 2)[:, None], (trials, config.steps, 2))
        return TimedSplit(inputs, targets, config.seconds, mask, which, match)

    facts = {"loss": "cross_entropy", "floors": floors(config)}
    return _temporal.drawn_task("delayed_xor", config, draw, seed=seed, kind="classification", **facts)


def bump(config: Config) -> np.ndarray:
    """The bump at each grid step of a cue."""
    length = config.in_steps("cue")
    from_middle = (np.arange(length) - (length - 1) / 2) * config.seconds
    return config.amplitude * np.exp(-0.5 * (from_middle / parse_quantity(config.width, "second")) ** 2)


def floors(config: Config) -> dict[str, float]:
    """Loss and accuracy of who knows nothing; one cue alone tells no more."""
    return _temporal.two_of_chance()
