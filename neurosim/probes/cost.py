"""How many presentations learned feedback needs until it points where it should, the forward weights fixed.

For one hidden layer of n units below m linear outputs with errors of no preferred direction, both in closed form:
with a scalar loss and exact least squares the squared relative error after T presentations is about
``(n + 1)(m + 2)/T``, with the outputs' own responses ``(n + 1)/T``; 45 degrees is where it passes one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from neurosim.probes._findings import Findings, Number, OnStep

if TYPE_CHECKING:
    from neurosim.engines.batched.engine import BatchedEngine
    from neurosim.tasks._task import Task


class Config(BaseModel):
    """Settings of the cost probe.

    Attributes
    ----------
    degrees
        The angle between feedback weights and what they should be that has to be passed.
    every
        Presentations between two looks, a multiple of `batch_size`: the resolution of the answer.
    batch_size
        Trials between two updates, drawn from the training split with replacement.
    most
        Presentations at most.
    repetitions
        With other initial weights, order and noise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    degrees: float = Field(default=45.0, gt=0, lt=180)
    every: PositiveInt = 20
    batch_size: int = Field(default=1, gt=0, le=10**6)
    most: PositiveInt = 100_000
    repetitions: PositiveInt = 10

    @model_validator(mode="after")
    def _whole_batches(self) -> Config:
        if self.every % self.batch_size:
            raise ValueError(f"got every {self.every}, expected a multiple of the batch size {self.batch_size}")
        return self


#: What it gives; see `neurosim.probes._findings.Number`.
NUMBERS = (
    Number(
        "<layer>.presentations",
        "1",
        "presentations until feedback is within the angle asked for, mean over repetitions",
    ),
    Number("<layer>.presentations_sd", "1", "their standard deviation from repetition to repetition"),
)


def measure(config: Config, engine: BatchedEngine, task: Task, *, seed: int, on_step: OnStep | None = None) -> Findings:
    """Let the feedback of untrained networks learn, and count presentations.

    Parameters
    ----------
    config, engine, task, on_step
        See `neurosim.probes._findings.Measure`.
    seed
        Seed of everything that is drawn.

    Returns
    -------
    Findings
        For every layer with learned feedback ``<layer>.presentations``, the mean over repetitions, and
        ``<layer>.presentations_sd``, their standard deviation (of one repetition, not of the mean); not a number
        if one repetition never gets there. Curves: ``presentations`` with dims ``repetition`` and ``layer``.

    Raises
    ------
    CircuitError
        If no feedback learns, or the circuit's state carries over.
    """
    # Late, so that checking a model imports nothing that compiles.
    from neurosim.probes import _cost

    return _cost.measure(config, engine, task, seed=seed, on_step=on_step)
