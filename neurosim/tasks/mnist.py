"""Handwritten digits of 28x28 pixels: MNIST, 60,000 to learn from and 10,000 for the test.

Source: LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition,
Proceedings of the IEEE, 1998.
"""

from __future__ import annotations

from neurosim.tasks._idx_images import IdxConfig, IdxSource, load_idx
from neurosim.tasks._task import Sizes, Task

SOURCE = IdxSource(
    "mnist",
    mirror="https://ossci-datasets.s3.amazonaws.com/mnist/",
    md5={
        "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
    },
    sha256={
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
)

#: The test split is the publisher's: another one would be another data set.
PUBLISHED_TEST = True


class Config(IdxConfig):
    """Settings of MNIST.

    Parameters
    ----------
    standardise
        Centre and scale all pixels by the training split's one mean and one standard deviation; otherwise
        pixels lie between 0 and 1.
    folder, n_train, n_test, validation, split_seed, verify
        See `neurosim.tasks._images.ImageConfig`; the subfolder is ``mnist``.
    """


def sizes(config: Config) -> Sizes:
    """Numbers of pixels and classes, without the data."""
    return Sizes(784, 10, image=(28, 28, 1))


def load(config: Config, *, seed: int) -> Task:
    """Read the files and split the 60,000 into training and validation.

    Parameters
    ----------
    config
        The settings.
    seed
        The seed of the run; these data do not depend on it.

    Returns
    -------
    Task
        784 inputs, 10 one-hot outputs.

    Raises
    ------
    DataError
        A file is missing, broken, or not the official one.
    ConfigError
        More examples are asked for than there are.
    """
    return load_idx(SOURCE, config)
