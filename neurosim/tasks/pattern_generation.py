"""Pattern generation: frozen random spikes are the clock by which a fixed sum of sines is produced.

Source: Bellec et al. (2020), A solution to the learning dilemma for recurrent networks of spiking neurons, Nature
Communications 11:3625, and its public code: four sines with 1, 2, 3 and 5 cycles in 1,000 steps, weights uniform
between 0.5 and 2, any phase, less the first value and divided by the greatest; 100 Poisson inputs at 50 Hz, the same in
every trial. With inputs drawn afresh nothing would time the output.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from neurosim.tasks import _temporal
from neurosim.tasks._input_spikes import InputSpikes
from neurosim.tasks._task import Sizes, Task, _split_generator
from neurosim.tasks._timed import TimedSplit
from neurosim.units import parse_quantity


class Config(_temporal.Config):
    """Settings of the pattern and of its clock. All trials are the same one, unless inputs are drawn afresh.

    Attributes
    ----------
    duration
        Of a trial.
    cycles
        Cycles of each sine in a trial; its period is rounded down to whole grid steps.
    n_outputs
        Patterns, each with weights and phases of its own.
    n_inputs, rate
        Poisson inputs, and the rate of each.
    frozen
        Whether all trials have the same input.
    pattern_seed
        Which pattern and which frozen input; by default others for every seed of the run.
    """

    n_train: PositiveInt = 1
    n_validation: int = Field(default=1, ge=0)
    n_test: PositiveInt = 1
    duration: _temporal.Duration = "1 second"
    cycles: tuple[PositiveInt, ...] = Field(default=(1, 2, 3, 5), min_length=1, max_length=1000)
    n_outputs: PositiveInt = 1
    n_inputs: PositiveInt = 100
    rate: _temporal.Frequency = "50 Hz"
    frozen: bool = True
    pattern_seed: int | None = Field(default=None, ge=0, lt=2**64)

    @model_validator(mode="after")
    def _fits_grid(self) -> Config:
        _temporal.refuse_fast(self, "rate")
        if max(self.cycles) > self.steps // 2:
            raise ValueError(
                f"cycles: got {max(self.cycles)}, expected at most {self.steps // 2}, half the {self.steps} grid steps"
            )
        return self

    @property
    def steps(self) -> int:
        """Grid steps in a trial."""
        return self.in_steps("duration")

    @property
    def widths(self) -> tuple[int, int]:
        """Spiking inputs, and patterns."""
        return self.n_inputs, self.n_outputs


def sizes(config: Config) -> Sizes:
    """Inputs, outputs and the grid."""
    return _temporal.sizes_of(config, events=True, numbers=True)


def load(config: Config, *, seed: int) -> Task:
    """Draw a pattern and its clock.

    Parameters
    ----------
    config
        The settings.
    seed
        Draws inputs and, if the settings do not, the pattern.

    Returns
    -------
    Task
        Spiking inputs; `floors` has the losses of an output of zero, and of the best constant one.
    """
    target = pattern(config, seed=seed)
    rates = np.full((config.steps, config.n_inputs), parse_quantity(config.rate, "Hz"))
    own = seed if config.pattern_seed is None else config.pattern_seed
    clock = _temporal.poisson(_split_generator(own, "clock"), rates, config.seconds)

    def draw(generator: np.random.Generator, trials: int) -> TimedSplit:
        each = np.broadcast_to(rates, (trials, *rates.shape))
        fires = (
            np.broadcast_to(clock, each.shape) if config.frozen else _temporal.poisson(generator, each, config.seconds)
        )
        return TimedSplit(InputSpikes.of_dense(fires), target, config.seconds)

    facts = {"kind": "regression", "loss": "squared_error", "floors": floors(config, seed=seed)}
    return _temporal.drawn_task("pattern_generation", config, draw, seed=seed, **facts)


def pattern(config: Config, *, seed: int = 0) -> np.ndarray:
    """The target, ``(T, n_outputs)``: zero at first, and one in size at most."""
    generator = _split_generator(seed if config.pattern_seed is None else config.pattern_seed, "pattern")
    shape = (len(config.cycles), 1, config.n_outputs)
    weights, phases = generator.uniform(0.5, 2, shape), generator.uniform(0, 2 * np.pi, shape)
    periods = np.asarray([config.steps // cycles for cycles in config.cycles])
    time = np.arange(config.steps)[:, None]
    sines = weights * np.sin(2 * np.pi * time / periods[:, None, None] + phases)
    total = sines.sum(axis=0)
    total = total - total[0]
    return total / np.abs(total).max(axis=0)


def floors(config: Config, *, seed: int = 0) -> dict[str, float]:
    """The losses of an output of zero and of the best constant output."""
    target = pattern(config, seed=seed)
    spread = float(0.5 * np.var(target, axis=0).sum())
    return {"zero": float(0.5 * np.mean(target**2, axis=0).sum()), "nothing": spread}
