"""Delayed match to sample: to say whether the second of two stimuli, a delay apart, is the first one again.

Source: Miconi (2017), Biologically plausible learning in recurrent neural networks reproduces neural dynamics observed
during cognitive tasks, eLife 6:e20899: delayed non-match, two stimuli of 200 ms each on one of two inputs, 200 ms after
each of them, and an output of 0.98 (non-match) or -0.98 (match) in the last 200 ms of 1,000. The four pairs of stimuli
take turns. There a trial counts as right with a mean error below 0.5, and 95 % of them have to be; here with the right
sign of the mean output.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveFloat, model_validator

from neurosim.tasks import _temporal
from neurosim.tasks._facts import Criterion
from neurosim.tasks._task import Sizes, Task, _one_hot
from neurosim.tasks._timed import TimedSplit


class Config(_temporal.Config):
    """Settings of the periods, in their order, and of the answer.

    Attributes
    ----------
    fixation, stimulus, delay, response_delay, report
        How long there is nothing, each stimulus, nothing in between, nothing after it, and the time for the answer.
    longest_delay
        If given, delays are drawn anew for each trial, up to this; trials end after their report with a mask of zero.
    high
        Which trials ask for the high answer, ``non_match`` or ``match``.
    target
        ``sign``, one output of plus or minus `amplitude`; or ``classes``, a one-hot of two.
    amplitude
        Of the target ``sign``.
    stimulus_amplitude, noise
        Of the stimulus, and standard deviation of normal numbers that are added to the inputs in each grid step.
    outside
        How much other steps than those of the report count, where the target is zero (or both classes alike).
    """

    n_train: int = Field(default=64, gt=0)
    n_validation: int = Field(default=16, ge=0)
    n_test: int = Field(default=16, gt=0)
    fixation: _temporal.Interval = "1 ms"
    stimulus: _temporal.Duration = "200 ms"
    delay: _temporal.Interval = "199 ms"
    response_delay: _temporal.Interval = "200 ms"
    report: _temporal.Duration = "200 ms"
    longest_delay: _temporal.Interval | None = None
    high: Literal["non_match", "match"] = "non_match"
    target: Literal["sign", "classes"] = "sign"
    amplitude: PositiveFloat = Field(default=0.98, allow_inf_nan=False)
    stimulus_amplitude: PositiveFloat = Field(default=1.0, allow_inf_nan=False)
    noise: NonNegativeFloat = Field(default=0.0, allow_inf_nan=False)
    outside: float = Field(default=0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _delays_fit(self) -> Config:
        if self.longest_delay is not None and self.delays[1] < self.delays[0]:
            raise ValueError(f"longest_delay: got {self.longest_delay}, expected at least the delay of {self.delay}")
        return self

    @property
    def delays(self) -> tuple[int, int]:
        """The shortest and the longest delay in grid steps."""
        shortest = self.in_steps("delay")
        return shortest, shortest if self.longest_delay is None else self.in_steps("longest_delay")

    @property
    def steps(self) -> int:
        """Grid steps in a trial."""
        others = self.in_steps("fixation", "stimulus", "stimulus", "response_delay", "report")
        return others + self.delays[1]

    @property
    def widths(self) -> tuple[int, int]:
        """Two stimuli; a signed answer, or two classes."""
        return 2, 1 if self.target == "sign" else 2


def sizes(config: Config) -> Sizes:
    """Inputs, outputs and the grid, without drawing trials."""
    return _temporal.sizes_of(config, numbers=config.target == "sign")


def load(config: Config, *, seed: int) -> Task:
    """Lay out the four pairs of stimuli, in turn.

    Parameters
    ----------
    config
        The settings.
    seed
        Draws delays and noise.

    Returns
    -------
    Task
        The label is one where the answer is high; the type of a trial is ``2*first + second``.
    """

    def draw(generator: np.random.Generator, trials: int) -> TimedSplit:
        which = np.arange(trials) % 4
        pair = np.stack([which // 2, which % 2])
        high = ((pair[0] != pair[1]) == (config.high == "non_match")).astype(int)
        shortest, longest = config.delays
        late = generator.integers(shortest, longest + 1, trials)
        begins, reports = periods(config, late)
        step = np.arange(config.steps)
        inputs = np.zeros((trials, config.steps, 2))
        for begin, channel in zip(begins, pair, strict=True):
            on = (step >= begin[:, None]) & (step < begin[:, None] + config.in_steps("stimulus"))
            inputs[np.arange(trials), :, channel] += config.stimulus_amplitude * on
        inputs += config.noise * generator.standard_normal(inputs.shape) if config.noise else 0.0
        asked = (step >= reports[:, None]) & (step < reports[:, None] + config.in_steps("report"))
        over = step >= reports[:, None] + config.in_steps("report")
        mask = np.where(asked, 1.0, np.where(over, 0.0, config.outside))
        return TimedSplit(inputs, _targets(config, high, asked), config.seconds, mask, which, high)

    facts = {"criterion": Criterion("accuracy", 95.0), "floors": floors(config), "loss": _loss(config)}
    return _temporal.drawn_task("delayed_match", config, draw, seed=seed, kind="classification", **facts)


def periods(config: Config, delay: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """The steps at which the two stimuli and the report begin, for delays in grid steps, ``(trial,)`` each."""
    first = np.full(len(delay), config.in_steps("fixation"))
    second = first + config.in_steps("stimulus") + delay
    return (first, second), second + config.in_steps("stimulus", "response_delay")


def floors(config: Config) -> dict[str, float]:
    """Loss and accuracy of who knows nothing of the stimuli, but when to answer."""
    if config.target == "classes":
        return _temporal.two_of_chance()
    report, (shortest, longest) = config.in_steps("report"), config.delays
    others = config.steps - report - np.arange(longest - shortest + 1)
    share = float(np.mean(report / (report + config.outside * others)))
    return {"nothing": 0.5 * config.amplitude**2 * share, "nothing_accuracy": 50.0}


def _loss(config: Config) -> Literal["squared_error", "cross_entropy"]:
    return "squared_error" if config.target == "sign" else "cross_entropy"


def _targets(config: Config, high: np.ndarray, asked: np.ndarray) -> np.ndarray:
    if config.target == "sign":
        return (config.amplitude * (2.0 * high - 1)[:, None] * asked)[:, :, None]
    return np.where(asked[:, :, None], _one_hot(high, 2)[:, None], 0.5)
