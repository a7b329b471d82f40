"""The section ``[training]``: settings of training."""

from __future__ import annotations

import operator
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, PositiveInt, model_validator

from neurosim.circuit.update_noise import UpdateNoise
from neurosim.engines.optimiser import Optimiser
from neurosim.errors import ConfigError


class RecordSettings(BaseModel):
    """Settings of recording during training.

    Before learning and after every few epochs, some trials are presented as training would present them next, with all
    phases and noise, but without learning. Recording does not change the bits of training.

    Attributes
    ----------
    variables
        Variables of neurons, at every time step (``hidden1.v``, ``hidden1.spikes``), and of synapses (``B1.w``).
    split, trials
        The split, and the numbers of the trials in it, from 0.
    every
        Epochs between two recordings; the last epoch is always recorded.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    variables: tuple[str, ...] = Field(min_length=1, max_length=1000)
    split: Literal["train", "validation"] = "train"
    trials: tuple[NonNegativeInt, ...] = Field(default=(0,), min_length=1, max_length=100_000)
    every: PositiveInt = 1

    @model_validator(mode="after")
    def _each_once(self) -> RecordSettings:
        for name in ("variables", "trials"):
            given = getattr(self, name)
            if len(set(given)) < len(given):
                raise ValueError(f"got one of {name} twice, expected each once")
        return self

    def epochs(self, last: int) -> list[int]:
        """The epochs after which to record; 0 is before learning."""
        return sorted({*range(0, last + 1, self.every), last})


class Config(BaseModel):
    """Settings of training.

    Attributes
    ----------
    epochs
        Number of epochs: passes through the training split, or `steps_per_epoch` steps each.
    steps_per_epoch
        Mini-batches per epoch, if an epoch is no pass through the split. Passes, each ordered by `shuffle`, then follow
        one another across epochs.
    batch_size
        Trials per update, or the number of streams. If it does not divide the split, the remaining trials are not
        presented in that epoch.
    update_every
        Of a stream: how many grid steps pass from one update of the weights to the next. Each batch has one window of
        so many steps of each stream, in order and without `shuffle`; state and traces carry over.
    shuffle
        Whether each pass has a new random order; if not, it is the order of the split, as some authors have it.
    learning_rate_decay
        Factor on all learning rates after each epoch.
    few_updates
        A number of updates in all of training below which forward weights learn faster, in inverse proportion and at
        most tenfold, so that small data are not left half learned; none by default.
    optimiser
        How increments of forward weights become steps: Adam in a model of layers that names neither an optimiser nor a
        learning rate, on engines that have it, else the increments as they are. Feedback weights follow their rule
        alone, unless the scheme optimises them, too.
    weight_noise
        Noise added to weights by every update, none by default: ``{ sd = 0.1, pathways = "feedback" }``.
    feedback_warm_up
        Initial epochs in which only feedback pathways learn; without learned feedback there are none.
    evaluate_every
        Epochs between two evaluations on the validation split; the last epoch is always evaluated.
    measure_every
        Epochs between two measurements of alignment; 0 for none.
    gauss_newton
        Damping of Gauss-Newton directions, with which delivered feedback and weight updates are then compared, too;
        none by default. At most 4096 trials times outputs.
    evaluate_perturbed
        Whether to evaluate the validation split also with noise, at the end of the last phase.
    evaluate_test
        Whether to evaluate the test split whenever the validation split is, to compare with authors who report the
        best test accuracy of all epochs. Nothing is chosen by it. Otherwise the test split is seen once, at the end.
    measure_trials
        Number of training trials on which alignment is measured, the same ones throughout.
    evaluation_batch
        Trials evaluated at once.
    record
        Recording during training, into ``recording.zarr`` of the run; none by default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(default=20, gt=0, le=10**9)
    steps_per_epoch: int | None = Field(default=None, gt=0, le=10**7)
    batch_size: int = Field(default=32, gt=0, le=10**6)
    update_every: int | None = Field(default=None, gt=0, le=10**7)
    shuffle: bool = Field(default=True, exclude_if=operator.truth)
    learning_rate_decay: float = Field(default=1.0, gt=0, le=1)
    # Left out where it is not used, so that a model's hash stays what it was before there was any.
    few_updates: PositiveInt | None = Field(default=None, exclude_if=lambda few: few is None)
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
    record: RecordSettings | None = None


def refuse_windows(config: Config, steps: int | None, *, streams: bool) -> None:
    """Refuse windows without streams, or streams without fitting windows in their order.

    Parameters
    ----------
    config
        The settings.
    steps
        Grid steps of a trial or stream, if they are known.
    streams
        Whether trials are streams.

    Raises
    ------
    ConfigError
        Naming the setting.
    """
    key, every = "training.update_every", config.update_every
    if not streams:
        if every is not None:
            raise ConfigError.at(key, f"got {every} for trials, expected none, or task.stream = true")
        return
    if every is None:
        raise ConfigError.at(key, "missing for a stream, expected after how many grid steps weights change, such as 10")
    if steps is not None and every > steps:
        raise ConfigError.at(key, f"got {every}, expected at most the {steps} grid steps of a stream")
    if config.shuffle:
        raise ConfigError.at(
            "training.shuffle", "got true for a stream, expected false: its windows follow one another"
        )
