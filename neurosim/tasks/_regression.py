"""Regressions onto a random teacher: standard normal inputs, and the choice of validation samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from neurosim.tasks._drawn import drawn_numbers, refuse_beyond_memory
from neurosim.tasks._encoding import plain_encoding
from neurosim.tasks._task import Sizes, Split, Task, _split_generator


class Config(BaseModel):
    """Settings of a regression.

    Parameters
    ----------
    n_inputs
        Standard normal inputs.
    n_outputs
        Outputs of the teacher.
    n_train
        How many training samples to draw. With batches of one, one epoch is as many updates as there are samples,
        each seen once.
    n_validation, n_test
        How many samples of the same law to draw besides.
    validation
        What the validation split is: ``fresh``, samples that are not trained on; or ``training``, the training samples
        themselves. The published error is over all training samples, those to come included, which is then the
        validation loss; it says nothing about other samples, and `n_validation` is not used. (The training loss
        is that of each sample before it is learned from.)
    teacher_seed
        Which teacher; by default another for every seed of the run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_inputs: PositiveInt = 30
    n_outputs: PositiveInt = 10
    n_train: PositiveInt = 2000
    n_validation: int = Field(default=500, ge=0)
    n_test: PositiveInt = 1000
    validation: Literal["fresh", "training"] = "fresh"
    teacher_seed: int | None = Field(default=None, ge=0, lt=2**64)

    @model_validator(mode="after")
    def _fits_memory(self) -> Config:
        drawn_numbers(self.layers, self.examples)
        return self

    @property
    def layers(self) -> tuple[int, ...]:
        """Sizes of the teacher's layers."""
        return (self.n_inputs, self.n_outputs)

    @property
    def examples(self) -> int:
        """Number of examples in all splits."""
        fresh = self.validation == "fresh"
        return self.n_train + self.n_test + (self.n_validation if fresh else 0)


def sizes(config: Config) -> Sizes:
    """Numbers of inputs and outputs, without drawing samples."""
    return Sizes(config.n_inputs, config.n_outputs, numbers=True)


def teacher_generator(config: Config, seed: int) -> np.random.Generator:
    """The random stream of the teacher, independent of that of the samples."""
    return _split_generator(seed if config.teacher_seed is None else config.teacher_seed, "teacher")


def answered(name: str, config: Config, answer: Callable[[np.ndarray], np.ndarray], seed: int) -> Task:
    """Draw inputs and compute the teacher's outputs: ``(n, n_inputs)`` to ``(n, n_outputs)``.

    Raises
    ------
    DataError
        More than may be drawn here.
    """
    refuse_beyond_memory(name, config.layers, config.examples)
    generator = _split_generator(seed)

    def split(n: int) -> Split:
        # Rounded first, so that the teacher sees the same inputs as the network.
        inputs = generator.standard_normal((n, config.n_inputs)).astype(np.float32)
        return Split(inputs, answer(inputs.astype(float)))

    # Validation is drawn last, so that its size or kind does not change the others.
    train, test = split(config.n_train), split(config.n_test)
    validation = train if config.validation == "training" else split(config.n_validation)
    encoding = plain_encoding(config.n_inputs)
    return Task(name, train=train, validation=validation, test=test, kind="regression", encoding=encoding)
