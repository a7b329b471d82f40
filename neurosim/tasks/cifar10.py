"""Colour photographs of 32x32 pixels in ten classes: CIFAR-10, 50,000 to learn from and 10,000 for the test.

Source: Krizhevsky, Learning multiple layers of features from tiny images, University of Toronto, 2009.
"""

from __future__ import annotations

from neurosim.tasks._cifar import CifarConfig, CifarSource, load_cifar
from neurosim.tasks._task import Sizes, Task

SOURCE = CifarSource(
    "cifar10",
    archive="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    archive_md5="c32a1d4ab5d03f1284b67883e8d87530",
    folder="cifar-10-batches-bin",
    train={
        "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
        "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
        "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
        "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
        "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
    },
    test={"test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d"},
    labels={"labels": 10},
)

#: The test split is the publisher's: another one would be another data set.
PUBLISHED_TEST = True


class Config(CifarConfig):
    """Settings of CIFAR-10.

    Parameters
    ----------
    standardise, flips, crops
        See `neurosim.tasks._cifar.CifarConfig`.
    folder, n_train, n_test, validation, split_seed, verify
        See `neurosim.tasks._images.ImageConfig`; the subfolder is ``cifar10``.
    """


def sizes(config: Config) -> Sizes:
    """Numbers of pixels and classes, without the data."""
    return Sizes(3072, 10, image=(32, 32, 3))


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
        are; 10 one-hot outputs.

    Raises
    ------
    DataError
        A file is missing, broken, or not the official one.
    ConfigError
        More examples are asked for than there are.
    """
    return load_cifar(SOURCE, config, "labels")
