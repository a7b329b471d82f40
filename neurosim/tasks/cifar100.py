"""Colour photographs of 32x32 pixels in a hundred classes: CIFAR-100, 50,000 to learn from and 10,000 for the test.

Source: Krizhevsky, Learning multiple layers of features from tiny images, University of Toronto, 2009.
"""

from __future__ import annotations

from typing import Literal

from neurosim.tasks._cifar import CifarConfig, CifarSource, load_cifar
from neurosim.tasks._task import Sizes, Task

SOURCE = CifarSource(
    "cifar100",
    archive="https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
    archive_md5="03b5dce01913d631647c71ecec9e9cb8",
    folder="cifar-100-binary",
    train={"train.bin": "6172c7755cfe09b2fe270c85cebc1b15"},
    test={"test.bin": "4499cfba6c016c1be1438163640a0898"},
    labels={"coarse_labels": 20, "fine_labels": 100},
)

#: The test split is the publisher's: another one would be another data set.
PUBLISHED_TEST = True


class Config(CifarConfig):
    """Settings of CIFAR-100.

    Parameters
    ----------
    labels
        Which classes are learned: 100 ``fine`` ones, or the 20 ``coarse`` ones that these belong to.
    standardise, flips, crops
        See `neurosim.tasks._cifar.CifarConfig`.
    folder, n_train, n_test, validation, split_seed, verify
        See `neurosim.tasks._images.ImageConfig`; the subfolder is ``cifar100``.
    """

    labels: Literal["fine", "coarse"] = "fine"


def sizes(config: Config) -> Sizes:
    """Numbers of pixels and classes, without the data."""
    return Sizes(3072, SOURCE.labels[f"{config.labels}_labels"], image=(32, 32, 3))


def load(config: Config, *, seed: int) -> Task:
    """Read the files and split the 50,000 into training and validation.

    Parameters
    ----------
    config
        The settings.
    seed
        The seed of the run; these data do not depend on it.

    Returns
    -------
    Task
        3072 inputs in the order height, width, channel, so that a population of shape (32, 32, 3) reads them as they
        are; 100 one-hot outputs, or 20.

    Raises
    ------
    DataError
        A file is missing, broken, or not the official one.
    ConfigError
        More examples are asked for than there are.
    """
    return load_cifar(SOURCE, config, f"{config.labels}_labels")
