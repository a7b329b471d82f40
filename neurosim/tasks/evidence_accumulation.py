"""Evidence accumulation: which of two sides has shown more cues, asked long after the last of them.

Source: Bellec et al. (2020), A solution to the learning dilemma for recurrent networks of spiking neurons, Nature
Communications 11:3625, and its public code: seven cues of 100 ms, one every 150 ms from 50 ms on, each on the left with
a probability of 0.3 or 0.7, then 1,050 ms of delay and 150 ms of recall. Four groups of ten inputs (left, right,
recall, background) fire at 40 Hz when they are active, the background at 10 Hz always.
"""

from __future__ import annotations

from math import comb

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from neurosim.tasks import _temporal
from neurosim.tasks._facts import Criterion
from neurosim.tasks._input_spikes import InputSpikes
from neurosim.tasks._task import Sizes, Task, _one_hot
from neurosim.tasks._timed import TimedSplit
from neurosim.units import parse_quantity

_GROUPS = 4
# Trials are drawn so many numbers at a time.
_BLOCK = 1 << 24


class Config(_temporal.Config):
    """Settings of the cues and periods, in their order, and of the inputs.

    Attributes
    ----------
    before
        Time before the first cue.
    cues
        How many, an odd number, so that there is a majority.
    cue, pause
        How long each is on, and the time between two.
    delay, recall
        Time after the last cue, and then the time in which the recall group fires and the answer counts.
    probability
        Of a cue on the side that a trial favours, which is either with the same probability.
    group
        Inputs in each of the four groups.
    active_rate, background_rate
        Rates of a group that is active, and of the background.
    """

    n_train: PositiveInt = 256
    before: _temporal.Interval = "50 ms"
    cues: int = Field(default=7, gt=0, le=1001)
    cue: _temporal.Duration = "100 ms"
    pause: _temporal.Interval = "50 ms"
    delay: _temporal.Interval = "1050 ms"
    recall: _temporal.Duration = "150 ms"
    probability: float = Field(default=0.7, ge=0.5, le=1)
    group: PositiveInt = 10
    active_rate: _temporal.Frequency = "40 Hz"
    background_rate: _temporal.Frequency = "10 Hz"

    @model_validator(mode="after")
    def _decided(self) -> Config:
        _temporal.refuse_fast(self, "active_rate", "background_rate")
        if self.cues % 2 == 0:
            raise ValueError(f"cues: got {self.cues}, expected an odd number, so that there is a majority")
        return self

    @property
    def begins(self) -> np.ndarray:
        """The steps at which cues begin."""
        return self.in_steps("before") + self.in_steps("cue", "pause") * np.arange(self.cues)

    @property
    def steps(self) -> int:
        """Grid steps in a trial."""
        return int(self.begins[-1]) + self.in_steps("cue", "delay", "recall")

    @property
    def widths(self) -> tuple[int, int]:
        """Four groups of inputs; left and right."""
        return _GROUPS * self.group, 2

    @property
    def numbers(self) -> int:
        """How many are kept: four a spike."""
        active, background = (parse_quantity(rate, "Hz") for rate in (self.active_rate, self.background_rate))
        seconds = self.seconds * (self.cues * self.in_steps("cue") + self.in_steps("recall"))
        spikes = self.group * (active * seconds + background * self.seconds * self.steps)
        return int(2 * 4 * self.trials * spikes)


def sizes(config: Config) -> Sizes:
    """Inputs, outputs and the grid, without drawing trials."""
    return _temporal.sizes_of(config, events=True)


def load(config: Config, *, seed: int) -> Task:
    """Draw cues, and the spikes that tell of them.

    Parameters
    ----------
    config
        The settings.
    seed
        Draws sides, cues and spikes.

    Returns
    -------
    Task
        Spiking inputs: left, right, recall and background. The label is zero for left and one for right, the type of a
        trial its label.
    """
    mask = np.arange(config.steps) >= config.steps - config.in_steps("recall")

    def draw(generator: np.random.Generator, trials: int) -> TimedSplit:
        right = cues(config, generator, trials)
        majority = (2 * right.sum(axis=1) > config.cues).astype(int)
        targets = np.broadcast_to(_one_hot(majority, 2)[:, None], (trials, config.steps, 2))
        spikes = _spikes(config, generator, right)
        return TimedSplit(spikes, targets, config.seconds, mask, majority, majority)

    # Learned below seven percent of errors.
    facts = {"loss": "cross_entropy", "criterion": Criterion("accuracy", 93.0), "floors": floors(config)}
    return _temporal.drawn_task("evidence_accumulation", config, draw, seed=seed, kind="classification", **facts)


def cues(config: Config, generator: np.random.Generator, trials: int) -> np.ndarray:
    """Whether each cue is on the right, ``(trial, cue)``."""
    favoured = generator.integers(0, 2, (trials, 1))
    on_it = generator.uniform(size=(trials, config.cues)) < config.probability
    return np.where(on_it, favoured, 1 - favoured)


def floors(config: Config) -> dict[str, float]:
    """Loss and accuracy of who knows nothing, and accuracies of who goes by one cue alone, or by the favoured side."""
    counts = np.arange(config.cues + 1)
    chance = np.asarray([comb(config.cues, int(k)) for k in counts], float)
    chance = chance * config.probability**counts * (1 - config.probability) ** (config.cues - counts)
    right = counts > config.cues / 2
    share = counts / config.cues
    return _temporal.two_of_chance() | {
        "one_cue_accuracy": float(100 * (chance * np.where(right, share, 1 - share)).sum()),
        "favoured_side_accuracy": float(100 * chance[right].sum()),
    }


def _spikes(config: Config, generator: np.random.Generator, right: np.ndarray) -> InputSpikes:
    """Spikes of all trials, drawn a few trials at a time."""
    active, background = (parse_quantity(rate, "Hz") for rate in (config.active_rate, config.background_rate))
    width, cue = config.group, config.in_steps("cue")
    rates = np.zeros((config.steps, _GROUPS * width))
    rates[config.steps - config.in_steps("recall") :, 2 * width : 3 * width] = active
    rates[:, 3 * width :] = background
    piece = max(1, _BLOCK // rates.size)
    parts: list[np.ndarray] = []
    for first in range(0, len(right), piece):
        chosen = right[first : first + piece]
        own = np.repeat(rates[None], len(chosen), axis=0)
        for number, begin in enumerate(config.begins):
            for side in (0, 1):
                shown = np.flatnonzero(chosen[:, number] == side)
                own[shown, begin : begin + cue, side * width : (side + 1) * width] = active
        trial, step, neuron = np.nonzero(_temporal.poisson(generator, own, config.seconds))
        parts.append(np.stack([trial + first, step, neuron]))
    spikes = np.concatenate(parts, axis=1) if parts else np.zeros((3, 0), int)
    return InputSpikes(*spikes, trials=len(right), steps=config.steps, n=rates.shape[1])
