"""Handwritten digits of 28x28 pixels: MNIST, 60,000 to learn from and 10,000 for the test.

Source: LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition,
Proceedings of the IEEE, 1998.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosim.errors import ConfigError, DataError
from neurosim.tasks._idx import read_idx
from neurosim.tasks._task import Sizes, Split, Task, _one_hot, _split_generator

_MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"

# Of the unpacked bytes, which are the same whoever gzipped them.
_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

# Of the gzipped files as the mirror serves them.
_MD5 = {
    "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
}


class Config(BaseModel):
    """Settings of MNIST.

    Parameters
    ----------
    folder
        Where the four IDX files lie, gzipped or not, in it or in its ``mnist`` subfolder; in a model file relative to
        the folder of that file. Without it, the folder that the environment variable ``NEUROSIM_DATA`` names; without
        the files there, they are downloaded and kept.
    n_train, n_test
        How many training and test examples to keep; all by default.
    validation
        How many of the 60,000 are held out for validation.
    split_seed
        Which examples are held out and kept; apart from the seed of the run.
    standardise
        Centre and scale all pixels by the training split's one mean and one standard deviation; otherwise
        pixels lie between 0 and 1.
    verify
        Check the files' bytes against the official checksums.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path | None = None
    n_train: int | None = Field(default=None, gt=0)
    n_test: int | None = Field(default=None, gt=0)
    validation: int = Field(default=5000, ge=0)
    split_seed: int = Field(default=0, ge=0, lt=2**64)
    standardise: bool = False
    verify: bool = True


def sizes(config: Config) -> Sizes:
    """Pixels and classes."""
    return Sizes(784, 10, (28, 28, 1))


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
    images, labels = _pair("train", config)
    test_images, test_labels = _pair("t10k", config)
    n_train = len(images) - config.validation if config.n_train is None else config.n_train
    if n_train < 1 or n_train + config.validation > len(images):
        raise ConfigError(
            f"mnist: n_train = {n_train} and validation = {config.validation} need at least one training "
            f"example and no more than {len(images)} in all"
        )
    n_test = len(test_images) if config.n_test is None else config.n_test
    if n_test > len(test_images):
        raise ConfigError(f"mnist: n_test = {n_test}, but there are {len(test_images)} test examples")
    generator = _split_generator(config.split_seed)
    order = generator.permutation(len(images))
    # Test sets of growing size contain each other, and all of it keeps the official order.
    test_order = np.sort(generator.permutation(len(test_images))[:n_test])
    train_rows = order[config.validation : config.validation + n_train]

    mean, spread = 0.0, 1.0
    if config.standardise:
        kept = images[train_rows]
        mean, spread = float(kept.mean()) / 255, max(float(kept.std()) / 255, 1e-3)

    def split(pixels: np.ndarray, classes: np.ndarray, rows: np.ndarray) -> Split:
        inputs = pixels[rows].reshape(len(rows), math.prod(pixels.shape[1:])).astype(np.float32) / 255
        return Split((inputs - np.float32(mean)) / np.float32(spread), _one_hot(classes[rows], 10), classes[rows])

    return Task(
        "mnist",
        split(images, labels, train_rows),
        split(images, labels, order[: config.validation]),
        split(test_images, test_labels, test_order),
        kind="classification",
        shape=(28, 28),
    )


def _pair(part: str, config: Config) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 28, 28) and labels (n,) of one part, both bytes."""
    image_file, labels_file = (
        _find(f"{part}-{rest}", config.folder) for rest in ("images-idx3-ubyte", "labels-idx1-ubyte")
    )
    images, labels = (
        read_idx(path, sha256=_SHA256[path.name.removesuffix(".gz")] if config.verify else None)
        for path in (image_file, labels_file)
    )
    if images.shape[1:] != (28, 28) or images.dtype != np.uint8:
        raise DataError(f"{image_file}: got {images.dtype} of shape {images.shape}, expected uint8 of (n, 28, 28)")
    if labels.shape != images.shape[:1] or labels.dtype != np.uint8:
        raise DataError(
            f"{labels_file}: got {labels.dtype} of shape {labels.shape}, expected uint8 of ({len(images)},), "
            f"one for each image in {image_file.name}"
        )
    if labels.size and labels.max() > 9:
        raise DataError(f"{labels_file}: got the label {labels.max()}, expected 0 to 9")
    return images, labels


def _find(stem: str, folder: Path | None) -> Path:
    named = folder is not None
    if folder is None and os.environ.get("NEUROSIM_DATA"):
        folder = Path(os.environ["NEUROSIM_DATA"])
    if folder is not None:
        folder = folder.expanduser()
        for place in (folder, folder / "mnist"):
            for name in (stem, f"{stem}.gz"):
                if (place / name).is_file():
                    return place / name
        if named:
            raise DataError(f"{stem}: got no such file, gzipped or not, in {folder} or {folder / 'mnist'}")
    return _download(stem, folder)


def _download(stem: str, searched: Path | None) -> Path:
    import pooch

    try:
        path = pooch.retrieve(
            url=f"{_MIRROR}{stem}.gz",
            known_hash=f"md5:{_MD5[stem]}",
            fname=f"{stem}.gz",
            path=pooch.os_cache("neurosim") / "mnist",
        )
    except (OSError, ValueError) as error:
        where = f" It is not in {searched} either." if searched else ""
        raise DataError(
            f"{stem}: could not be downloaded from {_MIRROR} ({error}).{where} Set NEUROSIM_DATA to a folder "
            "that holds the MNIST files, or use the task 'digits', which needs none."
        ) from error
    return Path(path)
