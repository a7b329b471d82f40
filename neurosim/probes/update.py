"""How far a scheme's weight update is from gradient descent, averaged over more and more draws of its noise.

Whatever a circuit's rules make of one batch of trials, its weights kept, is held against minus the gradient of the
mean loss. A scheme without noise gives the same update at every draw.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from neurosim.probes._findings import Findings, Number, OnStep

if TYPE_CHECKING:
    from neurosim.engines.batched.engine import BatchedEngine
    from neurosim.tasks._task import Task


class Config(BaseModel):
    """Settings of the update probe.

    Attributes
    ----------
    draws
        Over how many draws of the noise updates are averaged before they are compared.
    batch_size
        Trials of the training split, the same ones at every draw.
    until
        An angle in degrees: also count the draws until the mean update is nearer than that to gradient descent.
    most
        Draws at most, for `until`.
    repetitions
        With other initial weights, trials and noise; numbers are averaged.
    settle
        Presentations before the first draw in circuits whose state carries over.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    draws: tuple[PositiveInt, ...] = Field(default=(1, 20, 200), min_length=1)
    batch_size: int = Field(default=16, gt=0, le=10**6)
    until: float | None = Field(default=None, gt=0, lt=180)
    most: PositiveInt = 20_000
    repetitions: PositiveInt = 1
    settle: int = Field(default=10, ge=2)


#: What it gives; see `neurosim.probes._findings.Number`.
NUMBERS = (
    Number(
        "<group>.cosine_<draws>",
        "1",
        "cosine of the mean update over so many draws with minus the gradient; 'all' for all layers",
    ),
    Number(
        "<group>.draws_until", "1", "draws until the mean update is within the angle asked for, mean over repetitions"
    ),
    Number("<group>.presentations_until", "1", "the same in presentations"),
)


def measure(config: Config, engine: BatchedEngine, task: Task, *, seed: int, on_step: OnStep | None = None) -> Findings:
    """Compare the weight increments of an untrained network with minus the true gradient.

    Parameters
    ----------
    config, engine, task, on_step
        See `neurosim.probes._findings.Measure`.
    seed
        Seed of everything that is drawn.

    Returns
    -------
    Findings
        ``<layer>.cosine_<n>``: cosine of the mean update over n draws of all weights into a layer with minus the
        gradient, averaged over the runs of n draws that there are; ``all.cosine_<n>`` for all layers together. With
        `until`, also ``<layer>.draws_until`` and ``<layer>.presentations_until``, counted to the first draw at which
        the mean of all so far is nearer than that; not a number if one repetition never gets there. Curves:
        ``cosine`` of the mean of all draws so far, and ``cosine_of_mean`` at `draws`.

    Raises
    ------
    CircuitError
        If no forward weights learn.
    ConfigError
        A batch that is larger than the training split.
    """
    # Late, so that checking a model imports nothing that compiles.
    from neurosim.probes import _update

    return _update.measure(config, engine, task, seed=seed, on_step=on_step)
