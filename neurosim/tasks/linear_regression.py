"""Linear regression: a random matrix answers to standard normal inputs, without noise; 30 inputs, 10 outputs.

Source: Lillicrap, Cownden, Tweed & Akerman (2014), arXiv:1411.0247, task 1, in the law of Podlaski & Machens (2020),
NeurIPS. Samples are in single precision: the mean squared error of the best network is not zero, but about 1e-15 of
the targets' mean square.
"""

from __future__ import annotations

import numpy as np

from neurosim.tasks import _regression
from neurosim.tasks._task import Sizes, Task


class Config(_regression.Config):
    """Settings, see `neurosim.tasks._regression.Config`: published are 2,000 training samples, or 4,000."""


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
        Targets with a variance of ``n_inputs/3``.
    """
    matrix = weights(config, seed=seed)
    return _regression.answered("linear_regression", config, lambda inputs: inputs @ matrix.T, seed)


def weights(config: Config, *, seed: int) -> np.ndarray:
    """The teacher, ``(n_outputs, n_inputs)``, uniform between -1 and 1."""
    generator = _regression.teacher_generator(config, seed)
    return generator.uniform(-1, 1, (config.n_outputs, config.n_inputs))
