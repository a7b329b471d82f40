"""The settings of training."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt


class Config(BaseModel):
    """Settings of training.

    Attributes
    ----------
    epochs
        Passes through the training split.
    batch_size
        Trials between two updates. What is left over of an epoch when it does not divide the split is not
        presented in that epoch; the order changes from epoch to epoch.
    learning_rate_decay
        Factor on all learning rates after each epoch.
    feedback_warm_up
        Epochs at the start in which forward pathways do not learn. Without feedback that learns there is no warm-up.
    measure_every
        Epochs between two measurements of alignment; 0 for none.
    measure_trials
        Trials of the training split that alignment is measured on, the same ones throughout.
    evaluation_batch
        Trials evaluated at once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: PositiveInt = 20
    batch_size: PositiveInt = 32
    learning_rate_decay: float = Field(default=1.0, gt=0, le=1)
    feedback_warm_up: NonNegativeInt = 0
    measure_every: NonNegativeInt = 1
    measure_trials: PositiveInt = 64
    evaluation_batch: PositiveInt = 256
