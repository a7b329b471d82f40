"""Nonlinear regression: a random tanh network with biases teaches, 30-20-10-10 with a linear output.

Source: Lillicrap, Cownden, Tweed & Akerman (2014), arXiv:1411.0247, task 3, in the law of Podlaski & Machens (2020),
NeurIPS, whose teacher has weights and biases between -0.01 and 0.01. Such a teacher is nearly a constant, and what is
not constant is nearly linear, so that an error above a few millionths says only how well the output's bias is learned.
`teacher_scale` makes a teacher whose curvature matters. Of the targets' mean square the best constant and the best
linear map with a bias leave unexplained, on average over teachers (which differ by a factor of two):

    teacher_scale   constant   linear
    0.01            9e-06      6e-12
    0.1             0.07       3e-04
    0.5             0.76       0.14
    1.0             0.84       0.30
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from pydantic import Field, PositiveInt

from neurosim.tasks import _regression
from neurosim.tasks._task import Sizes, Task


class Config(_regression.Config):
    """Settings, see `neurosim.tasks._regression.Config`, and those of the teacher.

    Parameters
    ----------
    hidden
        Sizes of the teacher's hidden layers.
    n_train
        Published are 10,000, or 20,000.
    teacher_scale
        Weights and biases of the teacher are uniform between minus and plus this.
    """

    hidden: tuple[PositiveInt, ...] = Field(default=(20, 10), max_length=200)
    n_train: PositiveInt = 10000
    teacher_scale: float = Field(default=0.01, gt=0, allow_inf_nan=False)

    @property
    def layers(self) -> tuple[int, ...]:
        """Sizes of the teacher's layers."""
        return (self.n_inputs, *self.hidden, self.n_outputs)


def sizes(config: Config) -> Sizes:
    """Numbers of inputs and outputs, without drawing samples."""
    return _regression.sizes(config)


def load(config: Config, *, seed: int) -> Task:
    """Draw a teacher and samples.

    Parameters
    ----------
    config
        The settings.
    seed
        Draws the samples and, if the settings do not, the teacher.

    Returns
    -------
    Task
        Regression onto the teacher's outputs, without noise.
    """
    teacher = weights(config, seed=seed)
    return _regression.answered("nonlinear_regression", config, lambda inputs: answer(inputs, teacher), seed)


def weights(config: Config, *, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The teacher's weights, ``(n_post, n_pre)``, and biases, ``(n_post,)``, first layer first."""
    generator = _regression.teacher_generator(config, seed)
    scale = config.teacher_scale
    return [
        (generator.uniform(-scale, scale, (post, pre)), generator.uniform(-scale, scale, post))
        for pre, post in pairwise(config.layers)
    ]


def answer(inputs: np.ndarray, teacher: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Outputs of the teacher: ``(n, n_inputs)`` to ``(n, n_outputs)``."""
    activity = inputs
    for matrix, bias in teacher[:-1]:
        activity = np.tanh(activity @ matrix.T + bias)
    matrix, bias = teacher[-1]
    return activity @ matrix.T + bias
