"""MNIST images to be reproduced at the output: an autoencoder's task.

Source of the images: see `neurosim.tasks.mnist`.
"""

from __future__ import annotations

from neurosim.tasks import mnist
from neurosim.tasks._task import Sizes, Split, Task

#: The test split is the publisher's: another one would be another data set.
PUBLISHED_TEST = True


class Config(mnist.Config):
    """Settings of MNIST, see `neurosim.tasks.mnist`."""


def sizes(config: Config) -> Sizes:
    """Pixels in, pixels out."""
    return Sizes(784, 784, image=(28, 28, 1))


def load(config: Config, *, seed: int) -> Task:
    """The splits of MNIST with their inputs as targets.

    Raises
    ------
    DataError, ConfigError
        As `neurosim.tasks.mnist.load`.
    """
    task = mnist.load(config, seed=seed)
    parts = (Split(split.inputs, split.inputs) for split in (task.train, task.validation, task.test))
    return Task(
        "mnist_autoencoder",
        *parts,
        kind="regression",
        shape=task.shape,
        files=task.files,
        encoding={**(task.encoding or {}), "kind": "regression", "classes": None},
    )
