"""Shared by tasks over time that are drawn: settings of the grid, of sizes, and the three splits."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt, model_validator

from neurosim.gate.limits import check_size
from neurosim.tasks._task import Sizes, Task, _split_generator
from neurosim.tasks._timed import TimedSplit
from neurosim.units import parse_quantity
from neurosim.units._settings import QuantitySetting

#: A time above zero.
Duration = Annotated[str, AfterValidator(QuantitySetting("second", positive=True))]
#: A time from zero.
Interval = Annotated[str, AfterValidator(QuantitySetting("second", signed=False))]
#: A rate from zero.
Frequency = Annotated[str, AfterValidator(QuantitySetting("Hz", signed=False))]

# Numbers in all splits; in single precision they take 4 GB. While a task is drawn, they exist in double precision, too.
_MOST, _BYTES_A_NUMBER = 10**9, 12
_MOST_STEPS = 10_000_000


class Config(BaseModel):
    """Settings that all drawn tasks over time have.

    Attributes
    ----------
    dt
        Time between two grid steps, at which inputs and targets change. An engine may step by a whole part of it.
    n_train, n_validation, n_test
        How many trials to draw.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dt: Duration = "1 ms"
    n_train: PositiveInt = 256
    n_validation: int = Field(default=64, ge=0)
    n_test: PositiveInt = 64

    @model_validator(mode="after")
    def _fits(self) -> Config:
        if self.steps > _MOST_STEPS:
            raise ValueError(f"got trials of {self.steps} steps, expected at most {_MOST_STEPS}")
        if self.numbers > _MOST:
            raise ValueError(f"got sizes that make {self.numbers:.3g} numbers, expected at most {_MOST:.0e}")
        return self

    @property
    def trials(self) -> int:
        """In all splits."""
        return self.n_train + self.n_validation + self.n_test

    @property
    def numbers(self) -> int:
        """How many are kept of all trials, in single precision."""
        return self.trials * self.steps * sum(self.widths)

    @property
    def steps(self) -> int:
        """Grid steps in a trial."""
        raise NotImplementedError

    @property
    def widths(self) -> tuple[int, int]:
        """Numbers of inputs and of outputs."""
        raise NotImplementedError

    @property
    def seconds(self) -> float:
        """The grid step in seconds."""
        return parse_quantity(self.dt, "second")

    def in_steps(self, *names: str) -> int:
        """How many grid steps the durations of these settings last together.

        Raises
        ------
        ValueError
            One of them is no whole number of grid steps.
        """
        return sum(self._steps_of(name) for name in names)

    def _steps_of(self, name: str) -> int:
        written = str(getattr(self, name))
        steps = parse_quantity(written, "second") / self.seconds
        if abs(steps - round(steps)) > 1e-6:
            raise ValueError(f"{name}: got {written}, expected a whole number of grid steps of {self.dt}")
        return round(steps)


class Streaming(Config):
    """Settings of drawn tasks of samples, whose sequences can be endless.

    Attributes
    ----------
    samples
        Samples in a trial.
    repeat
        Grid steps for which each sample stays.
    stream
        Whether trials are streams: each is one long sequence, which training cuts into windows without a reset.
    burn_in
        How many samples at the beginning of each stream do not count.
    """

    samples: PositiveInt = 30
    repeat: PositiveInt = 1
    stream: bool = Field(default=False, exclude_if=operator.not_)
    burn_in: int = Field(default=0, ge=0, exclude_if=operator.not_)

    @model_validator(mode="after")
    def _burns_in(self) -> Streaming:
        if self.burn_in and not self.stream:
            raise ValueError(f"burn_in: got {self.burn_in} without stream, expected 0, or stream = true")
        if self.burn_in >= self.samples:
            raise ValueError(f"burn_in: got {self.burn_in}, expected fewer than the {self.samples} samples")
        return self

    @property
    def steps(self) -> int:
        """Grid steps in a trial."""
        return self.samples * self.repeat

    @property
    def burnt_in(self) -> np.ndarray:
        """Whether each sample is after those that do not count."""
        return np.arange(self.samples) >= self.burn_in


def sizes_of(config: Config, *, events: bool = False, numbers: bool = False) -> Sizes:
    """Sizes without drawing trials."""
    stream = isinstance(config, Streaming) and config.stream
    return Sizes(*config.widths, numbers=numbers, steps=config.steps, dt=config.seconds, events=events, stream=stream)


def drawn_task(
    name: str, config: Config, draw: Callable[[np.random.Generator, int], TimedSplit], *, seed: int, **facts: Any
) -> Task:
    """Draw the three splits, each from a stream of its own, so that the size of one does not change the others.

    Parameters
    ----------
    name, config
        Of the task.
    draw
        Draws so many trials.
    seed
        Of the streams.
    facts
        What else the `Task` says.

    Raises
    ------
    DataError
        More than the user allows; see `neurosim.gate.limits`.
    """
    check_size(config.numbers * _BYTES_A_NUMBER, f"task {name}: what it draws")
    counts = {"train": config.n_train, "validation": config.n_validation, "test": config.n_test}
    splits = {split: draw(_split_generator(seed, split), count) for split, count in counts.items()}
    return Task(name, **splits, stream=isinstance(config, Streaming) and config.stream, **facts)


def poisson(generator: np.random.Generator, rates: np.ndarray, dt: float) -> np.ndarray:
    """Whether neurons fire, in each step on its own with the probability rate times `dt`; of the shape of the rates."""
    return generator.uniform(size=np.shape(rates)) < np.asarray(rates) * dt


def refuse_fast(config: Config, *names: str) -> None:
    """Refuse rates of which more than one spike a step would be expected.

    Raises
    ------
    ValueError
        Naming the setting.
    """
    for name in names:
        rate = str(getattr(config, name))
        if parse_quantity(rate, "Hz") * config.seconds > 1:
            raise ValueError(f"{name}: got {rate}, expected at most one spike in a grid step of {config.dt}")


def constant_floors(split: TimedSplit, loss: str = "squared_error") -> dict[str, float]:
    """The loss of the best constant output and, with labels, the accuracy in percent of the most frequent decision.

    Parameters
    ----------
    loss
        ``squared_error`` or ``cross_entropy``; targets of the latter are shares.
    """
    weights = split.density() * split.dt / len(split)
    mean = np.einsum("nt,ntk->k", weights, split.targets)
    if loss == "cross_entropy":
        nothing = float(-(mean * np.log(np.maximum(mean, np.finfo(float).tiny))).sum())
    else:
        nothing = float(0.5 * np.einsum("nt,ntk->", weights, (split.targets - mean) ** 2))
    if split.labels is None:
        return {"nothing": nothing}
    counts = np.unique(split.labels, return_counts=True)[1]
    return {"nothing": nothing, "nothing_accuracy": float(100 * counts.max() / len(split))}


def two_of_chance(loss: str = "cross_entropy") -> dict[str, float]:
    """Floors of a decision between two classes that nothing is known of: loss, and accuracy in percent."""
    return {"nothing": float(np.log(2)) if loss == "cross_entropy" else 0.25, "nothing_accuracy": 50.0}
