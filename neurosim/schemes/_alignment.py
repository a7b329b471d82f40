"""Settings of the schemes whose feedback weights align with the forward weights; their circuits are in `_mirror`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator


class Alignment(BaseModel):
    """Settings of all schemes whose feedback weights align with the forward weights.

    Attributes
    ----------
    learning_rate, feedback_learning_rate
        Learning rates of the forward and the feedback weights; the latter multiplies all coefficients of the
        primitives.
    update_forward
        Whether the forward weights receive the gradient of the same regulariser, too.
    task_every, mirror_every
        Forward weights learn in every so many batches, feedback weights likewise: with ``mirror_every = k`` there are
        k presentations of the task to one of the mirror, with ``task_every`` the other way round.
    feedback_weights
        Standard deviation of the initial feedback weights times the root of the number of neurons they reach.
    duration
        Duration of the engaged phase.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    learning_rate: PositiveFloat = 0.1
    feedback_learning_rate: PositiveFloat = 0.02
    update_forward: bool = False
    task_every: PositiveInt = 1
    mirror_every: PositiveInt = 1
    feedback_weights: NonNegativeFloat = 1.0
    duration: str = "50 ms"

    @model_validator(mode="after")
    def _one_rule_has_one_gate(self) -> Alignment:
        if self.update_forward and (self.task_every, self.mirror_every) != (1, 1):
            raise ValueError(
                f"got task_every {self.task_every} and mirror_every {self.mirror_every} with update_forward, expected "
                "1 and 1: the forward weights learn from both phases at once"
            )
        return self


class Mirror(Alignment):
    """Settings that alignment schemes share which learn from activities.

    Attributes
    ----------
    source
        ``noise``, in a mirror phase, or the ``activity`` of the engaged phase, which then is the only one.
    noise_law, noise_sd
        Law (``normal``, or ``uniform`` between plus and minus root three times the standard deviation) and standard
        deviation of the noise that a layer sends; it is held through a presentation.
    noise_reach
        ``private``: a layer sends its noise alone, so that what it answers to the noise below goes no further.
        ``propagating``: it sends its answer with its own noise on top.
    turns
        Which layers send noise: all ``together``, ``one_by_one`` (a phase for each) or ``even_odd`` (two phases).
        The others are silent, or with propagating noise pass on what they answer.
    response
        What a layer answers with: its ``rate``, or its summed input, ``drive``.
    centring
        What is subtracted from activities before they meet: nothing (``none``), a mean that is learned as the weight
        from a unit that is always on (``running``), or the mean over the batch (``batch``, not local). Noise that a
        layer sends has no mean to subtract; an answer has, and what it adds to the estimate is as large as the answer
        to no noise at all.
    centring_rate
        Rate of the running mean: the fraction by which it follows each batch.
    reduction
        Whether a batch counts by the ``mean`` over its trials or by their ``sum`` (decay included).
    mirror_duration
        Duration of each mirror phase.
    restart
        Whether mirror phases begin at rest.
    """

    source: Literal["noise", "activity"] = "noise"
    noise_law: Literal["normal", "uniform"] = "normal"
    noise_sd: PositiveFloat = 1.0
    noise_reach: Literal["private", "propagating"] = "private"
    turns: Literal["together", "one_by_one", "even_odd"] = "together"
    response: Literal["rate", "drive"] = "rate"
    centring: Literal["none", "running", "batch"] = "running"
    centring_rate: PositiveFloat = 0.1
    reduction: Literal["mean", "sum"] = "mean"
    mirror_duration: str = "50 ms"
    restart: bool = False

    @model_validator(mode="after")
    def _centring_over_a_batch(self) -> Mirror:
        if self.centring == "batch" and self.reduction == "sum":
            raise ValueError("got reduction 'sum' with centring 'batch', expected 'mean'")
        return self
