"""Articles of clothing as grey images of 28x28 pixels: Fashion-MNIST, 60,000 to learn from and 10,000 for the test.

Source: Xiao, Rasul and Vollgraf, Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms,
arXiv:1708.07747, 2017.
"""

from __future__ import annotations

from neurosim.tasks._idx_images import IdxConfig, IdxSource, load_idx
from neurosim.tasks._task import Sizes, Task

SOURCE = IdxSource(
    "fashion_mnist",
    mirror="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    md5={
        "train-images-idx3-ubyte": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte": "bb300cfdad3c16e7a12a480ee83cd310",
    },
    # Published are those of the gzipped files alone.
    sha256={},
    borrows_names=True,
)

#: The test split is the publisher's: another one would be another data set.
PUBLISHED_TEST = True


class Config(IdxConfig):
    """Settings of Fashion-MNIST.

    Parameters
    ----------
    standardise
        Centre and scale all pixels by the training split's one mean and one standard deviation; otherwise
        pixels lie between 0 and 1.
    folder, n_train, n_test, validation, split_seed, verify
        See `neurosim.tasks._images.ImageConfig`; the subfolder is ``fashion_mnist``, because the files are called as
        those of MNIST are. Checksums are those of the gzipped files.
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
