"""A random network teaches: regression onto the outputs of a fixed tanh network, or a class for its largest output.

The linear case is the linear network of Lillicrap et al., Random synaptic feedback weights support error
backpropagation for deep learning, Nature Communications, 2016.
"""

from __future__ import annotations

import operator
from itertools import pairwise

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from neurosim.tasks._drawn import drawn_numbers, refuse_beyond_memory
from neurosim.tasks._encoding import plain_encoding
from neurosim.tasks._task import Sizes, Split, Task, _one_hot, _split_generator


class Config(BaseModel):
    """Settings of the teacher.

    Parameters
    ----------
    n_inputs, hidden, n_outputs
        Sizes of the teacher's layers.
    n_train, n_validation, n_test
        How many examples to draw.
    noise
        Standard deviation of what is added to the training and validation targets; the test targets are
        clean.
    linear
        Leave out the tanh, so that the teacher is one matrix.
    classes
        Ask which of the outputs is the largest, instead of for their values; noise then changes some labels.
    teacher_seed
        Which teacher; apart from the seed of the run, which draws the examples.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_inputs: PositiveInt = 20
    hidden: tuple[PositiveInt, ...] = Field(default=(30,), max_length=200)
    n_outputs: PositiveInt = 10
    n_train: PositiveInt = 2000
    n_validation: int = Field(default=200, ge=0)
    n_test: PositiveInt = 500
    noise: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    linear: bool = False
    # Left out where it is not used, so that a model's hash stays what it was before there was any.
    classes: bool = Field(default=False, exclude_if=operator.not_)
    teacher_seed: int = Field(default=0, ge=0, lt=2**64)

    @model_validator(mode="after")
    def _fits_memory(self) -> Config:
        if self.classes and self.n_outputs < 2:
            raise ValueError(f"got n_outputs {self.n_outputs} with classes, expected at least 2: one for each class")
        drawn_numbers(self.layers, self.examples)
        return self

    @property
    def layers(self) -> tuple[int, ...]:
        """Sizes of the teacher's layers."""
        return (self.n_inputs, *self.hidden, self.n_outputs)

    @property
    def examples(self) -> int:
        """In all splits."""
        return self.n_train + self.n_validation + self.n_test


def sizes(config: Config) -> Sizes:
    """Inputs and outputs; a description of the network draws no examples."""
    return Sizes(config.n_inputs, config.n_outputs, numbers=not config.classes)


def load(config: Config, *, seed: int) -> Task:
    """Draw a teacher and compute its outputs for standard normal inputs.

    Parameters
    ----------
    config
        The settings.
    seed
        Draws inputs and noise.

    Returns
    -------
    Task
        Inputs and outputs with a variance near one, or one-hot rows of the largest output.

    Raises
    ------
    DataError
        More than may be drawn here.
    """
    refuse_beyond_memory("teacher_student", config.layers, config.examples)
    teacher = weights(config)
    generator = _split_generator(seed)

    def split(n: int, noise: float) -> Split:
        inputs = generator.standard_normal((n, config.n_inputs))
        targets = _answer(inputs, teacher, config.linear)
        targets = targets + noise * generator.standard_normal(targets.shape)
        if not config.classes:
            return Split(inputs, targets)
        labels = np.argmax(targets, axis=1)
        return Split(inputs, _one_hot(labels, config.n_outputs), labels)

    return Task(
        "teacher_student",
        train=split(config.n_train, config.noise),
        validation=split(config.n_validation, config.noise),
        test=split(config.n_test, 0.0),
        kind="classification" if config.classes else "regression",
        encoding=plain_encoding(config.n_inputs, config.n_outputs if config.classes else 0),
    )


def weights(config: Config) -> list[np.ndarray]:
    """Give the teacher's weights, first layer first.

    Parameters
    ----------
    config
        The settings.

    Returns
    -------
    list of numpy.ndarray
        ``(n_post, n_pre)`` each, normal with variance ``1/n_pre``.
    """
    generator = _split_generator(config.teacher_seed, "teacher")
    return [generator.standard_normal((post, pre)) / np.sqrt(pre) for pre, post in pairwise(config.layers)]


def _answer(inputs: np.ndarray, teacher: list[np.ndarray], linear: bool) -> np.ndarray:
    activity = inputs
    for layer in teacher[:-1]:
        activity = activity @ layer.T
        if not linear:
            activity = np.tanh(activity)
    return activity @ teacher[-1].T
