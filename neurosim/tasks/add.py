"""Add: an output follows from the input two lags ago, p(t) = 1/2 + x(t - t1)/2 - x(t - t2)/4 of fair coins x.

Source: Pitis (2016), Recurrent neural networks in TensorFlow; Marschall, Cho & Savin (2020), A unified framework of
online learning algorithms for training recurrent neural networks, Journal of Machine Learning Research 21:135.
Published code shifts the sequence in a circle, so that the first labels follow from the last inputs; here the samples
before a trial are drawn, and labels that follow from them do not count unless `unseen` says so.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from neurosim.tasks import _temporal
from neurosim.tasks._task import Sizes, Task
from neurosim.tasks._timed import TimedSplit

_SHARES = "cross_entropy"


class Config(_temporal.Streaming):
    """Settings of the lags, and of what is asked.

    Attributes
    ----------
    t1, t2
        The lags, in samples.
    labels
        Whether the target is ``p`` itself (``deterministic``), or a coin that falls with it (``bernoulli``).
    loss
        ``cross_entropy`` has two outputs, the shares of one and zero; ``sigmoid_cross_entropy`` and ``squared_error``
        have one output, the target itself.
    unseen
        Whether samples that follow from inputs before the trial are ``masked`` or ``counted``.
    """

    n_train: PositiveInt = 512
    t1: int = Field(default=3, ge=0)
    t2: int = Field(default=6, ge=0)
    labels: Literal["deterministic", "bernoulli"] = "deterministic"
    loss: Literal["cross_entropy", "sigmoid_cross_entropy", "squared_error"] = _SHARES
    unseen: Literal["masked", "counted"] = "masked"

    @model_validator(mode="after")
    def _lags_fit(self) -> Config:
        if self.t1 == self.t2:
            raise ValueError(f"t2: got {self.t2} as t1, expected another lag")
        if self.unseen == "masked" and max(self.t1, self.t2) >= self.samples:
            raise ValueError(
                f"samples: got {self.samples}, expected more than the longest lag, {max(self.t1, self.t2)}, or "
                "unseen = 'counted'"
            )
        return self

    @property
    def widths(self) -> tuple[int, int]:
        """The sample and its complement; shares of two classes, or one number."""
        return 2, 2 if self.loss == _SHARES else 1

    @property
    def counted(self) -> np.ndarray:
        """Whether each sample counts."""
        known = (self.unseen == "counted") | (np.arange(self.samples) >= max(self.t1, self.t2))
        return known & self.burnt_in


def sizes(config: Config) -> Sizes:
    """Inputs, outputs and the grid, without drawing trials."""
    return _temporal.sizes_of(config)


def load(config: Config, *, seed: int) -> Task:
    """Draw coins and compute what follows from them.

    Parameters
    ----------
    config
        The settings.
    seed
        Draws coins and labels.

    Returns
    -------
    Task
        Inputs ``(x, 1 - x)``; `floors` are the losses of who knows none, one or both of the lagged samples.
    """

    def draw(generator: np.random.Generator, trials: int) -> TimedSplit:
        before = max(config.t1, config.t2)
        coins = generator.integers(0, 2, (trials, before + config.samples))
        chance = probability(
            *(coins[:, before - lag : before - lag + config.samples] for lag in (config.t1, config.t2))
        )
        drawn = generator.uniform(size=chance.shape) < chance
        target = chance if config.labels == "deterministic" else drawn.astype(float)
        inputs = np.stack([coins[:, before:], 1 - coins[:, before:]], axis=2)
        targets = np.stack([target, 1 - target], axis=2)[:, :, : config.widths[1]]
        inputs, targets = (np.repeat(array, config.repeat, axis=1) for array in (inputs, targets))
        return TimedSplit(inputs, targets, config.seconds, mask=np.repeat(config.counted, config.repeat))

    return _temporal.drawn_task(
        "add", config, draw, seed=seed, kind="regression", loss=config.loss, floors=floors(config)
    )


def probability(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The probability of a one, given the two lagged samples."""
    return 0.5 + 0.5 * first - 0.25 * second


def floors(config: Config) -> dict[str, float]:
    """The least mean loss of who knows nothing, the first or the second lagged sample alone, or both.

    What lies before a trial nobody can know; where it counts, it counts as not known.
    """
    known = {"nothing": (False, False), "first_lag": (True, False), "second_lag": (False, True), "both": (True, True)}
    seen = np.arange(config.samples)[config.counted]
    there = [seen >= lag for lag in (config.t1, config.t2)]
    return {
        name: float(np.mean([_floor(config, one and a, two and b) for a, b in zip(*there, strict=True)]))
        for name, (one, two) in known.items()
    }


def _floor(config: Config, first: bool, second: bool) -> float:
    """The least expected loss at one time, given some of the two samples."""
    chances = probability(*np.meshgrid([0.0, 1.0], [0.0, 1.0], indexing="ij"))
    axes = tuple(axis for axis, known in enumerate((first, second)) if not known)
    best = np.broadcast_to(chances.mean(axis=axes, keepdims=True), chances.shape)
    if config.loss != "squared_error":
        return float(np.mean(-chances * np.log(best) - (1 - chances) * _log(1 - best)))
    spread = chances * (1 - chances) if config.labels == "bernoulli" else 0.0
    return float(np.mean(0.5 * ((chances - best) ** 2 + spread)))


def _log(share: np.ndarray) -> np.ndarray:
    """The logarithm; where the share is zero, so is its weight."""
    return np.log(np.where(share > 0, share, 1.0))
