"""The settings of training."""

from __future__ import annotations

import operator
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, PositiveInt, model_validator

from neurosim.circuit.update_noise import UpdateNoise
from neurosim.engines.optimiser import Optimiser


class Record(BaseModel):
    """What is recorded while a model is trained.

    Before learning and after every few epochs some trials are presented as training would present them next, all phases
    with their noise, but without learning. Training itself has the same bits with and without.

    Attributes
    ----------
    variables
        Of neurons at every time step (``hidden1.v``, ``hidden1.spikes``), and of synapses (``B1.w``).
    split, trials
        Which trials: of this split, those of these numbers, from 0.
    every
        Epochs between two recordings; there is one after the last epoch, too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    variables: tuple[str, ...] = Field(min_length=1, max_length=1000)
    split: Literal["train", "validation"] = "train"
    trials: tuple[NonNegativeInt, ...] = Field(default=(0,), min_length=1, max_length=100_000)
    every: PositiveInt = 1

    @model_validator(mode="after")
    def _each_once(self) -> Record:
        for name in ("variables", "trials"):
            given = getattr(self, name)
            if len(set(given)) < len(given):
                raise ValueError(f"got one of {name} twice, expected each once")
        return self

    def epochs(self, last: int) -> list[int]:
        """The epochs after which there is a recording, from 0 for the one before learning."""
        return sorted({*range(0, last + 1, self.every), last})


class Config(BaseModel):
    """Settings of training.

    Attributes
    ----------
    epochs
        Passes through the training split, or stretches of `steps_per_epoch`.
    steps_per_epoch
        Mini-batches of an epoch, where an epoch is no pass through the split: passes, each in an order as `shuffle`
        says, then follow one another without regard to epochs.
    batch_size
        Trials between two updates. What is left over of an epoch when it does not divide the split is not
        presented in that epoch.
    shuffle
        Whether the order of trials changes from pass to pass; if not, it is that of the split, for comparison with
        authors who do without.
    learning_rate_decay
        Factor on all learning rates after each epoch.
    optimiser
        How the increments of forward weights become steps; feedback weights follow their rule alone, unless the scheme
        says that they are optimised, too.
    weight_noise
        Noise that every update leaves on weights, none by default: ``{ sd = 0.1, pathways = "feedback" }``.
    feedback_warm_up
        Epochs at the start in which only feedback pathways learn. Without any that learn there is no warm-up.
    evaluate_every
        Epochs between two evaluations on the validation split; the last epoch is always evaluated.
    measure_every
        Epochs between two measurements of alignment; 0 for none.
    gauss_newton
        Compare what feedback delivers, and what weights learn, with Gauss-Newton directions, too, damped by this much;
        none by default. At most 4096 trials times outputs.
    evaluate_perturbed
        Whether the validation split is also evaluated with noise on, at the end of the last phase (which says
        more about the noise than about the network).
    evaluate_test
        Whether the test split is evaluated whenever the validation split is, for comparison with authors who give the
        best test accuracy of all epochs. Nothing is chosen by it; without it, the test split is seen once, at the end.
    measure_trials
        Trials of the training split that alignment is measured on, the same ones throughout.
    evaluation_batch
        Trials evaluated at once.
    record
        What is recorded meanwhile into ``recording.zarr`` of the run; nothing by default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(default=20, gt=0, le=10**9)
    steps_per_epoch: int | None = Field(default=None, gt=0, le=10**7)
    batch_size: int = Field(default=32, gt=0, le=10**6)
    shuffle: bool = Field(default=True, exclude_if=operator.truth)
    learning_rate_decay: float = Field(default=1.0, gt=0, le=1)
    optimiser: Optimiser = Optimiser()
    weight_noise: UpdateNoise | None = None
    feedback_warm_up: NonNegativeInt = 0
    evaluate_every: PositiveInt = 1
    measure_every: NonNegativeInt = 1
    measure_trials: PositiveInt = 64
    gauss_newton: NonNegativeFloat | None = None
    evaluate_perturbed: bool = False
    evaluate_test: bool = False
    evaluation_batch: int = Field(default=256, gt=0, le=10**6)
    record: Record | None = None
