"""Centre-out: a cue names one of several targets around the centre, and the output is to be there.

Source: Portes, Schmid & Murray (2022), Distinguishing learning rules with brain machine interfaces, Advances in Neural
Information Processing Systems 35: four targets at (1, 1), (-1, 1), (-1, -1) and (1, -1), each with an input of its own
that is on for the first 10 of 20 steps. The decoder that makes a cursor of activity is the network's.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from neurosim.tasks import _temporal
from neurosim.tasks._task import Sizes, Task
from neurosim.tasks._timed import TimedSplit

_RADIUS = np.sqrt(2)


class Config(_temporal.Config):
    """Settings of the trials, of which every so many show each target once.

    Attributes
    ----------
    targets
        How many, at equal angles around the centre; four of them are the corners of a square.
    cue
        How long the cue is on, from the beginning.
    duration
        Of a trial.
    counted
        The last part of it, in which the distance counts.
    """

    n_train: PositiveInt = 4
    n_validation: int = Field(default=4, ge=0)
    n_test: PositiveInt = 4
    targets: PositiveInt = 4
    cue: _temporal.Duration = "10 ms"
    duration: _temporal.Duration = "20 ms"
    counted: _temporal.Duration = "10 ms"

    @model_validator(mode="after")
    def _fits_trial(self) -> Config:
        for name in ("cue", "counted"):
            if self.in_steps(name) > self.steps:
                raise ValueError(f"{name}: got {getattr(self, name)}, expected at most the duration of {self.duration}")
        return self

    @property
    def steps(self) -> int:
        """Grid steps in a trial."""
        return self.in_steps("duration")

    @property
    def widths(self) -> tuple[int, int]:
        """A cue for each target; two coordinates."""
        return self.targets, 2


def sizes(config: Config) -> Sizes:
    """Inputs, outputs and the grid."""
    return _temporal.sizes_of(config, numbers=True)


def load(config: Config, *, seed: int) -> Task:
    """Lay out the targets; trials show them in turn.

    Parameters
    ----------
    config
        The settings.
    seed
        Not used: nothing is drawn.

    Returns
    -------
    Task
        The type of a trial is its target; `floors` has the loss of staying at the centre.
    """
    cue, counted = config.in_steps("cue"), np.arange(config.steps) >= config.steps - config.in_steps("counted")

    def draw(generator: np.random.Generator, trials: int) -> TimedSplit:
        which = np.arange(trials) % config.targets
        inputs = np.zeros((trials, config.steps, config.targets))
        inputs[np.arange(trials), :cue, which] = 1
        targets = np.repeat(positions(config)[which][:, None], config.steps, axis=1)
        return TimedSplit(inputs, targets, config.seconds, mask=counted, trial_type=which)

    facts = {"kind": "regression", "loss": "squared_error", "floors": floors(config)}
    return _temporal.drawn_task("centre_out", config, draw, seed=seed, **facts)


def positions(config: Config) -> np.ndarray:
    """Where the targets are, ``(targets, 2)``; the first is at (1, 1)."""
    angles = np.pi / 4 + 2 * np.pi * np.arange(config.targets) / config.targets
    return _RADIUS * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def floors(config: Config) -> dict[str, float]:
    """The loss at the centre; of the best place without the cue, which is the centre unless there is one target."""
    places = positions(config)
    return {
        "zero": float(0.5 * (places**2).sum(axis=1).mean()),
        "nothing": float(0.5 * places.var(axis=0).sum()),
    }
