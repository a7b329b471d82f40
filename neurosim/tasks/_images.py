"""Tasks of images: settings, splits, and conversion of pixels to inputs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosim.errors import ConfigError, DataError
from neurosim.random import held_uniform, key_words
from neurosim.tasks._encoding import image_encoding
from neurosim.tasks._task import FileRead, Split, Task, _one_hot, _split_generator


class ImageConfig(BaseModel):
    """Settings of a data set of images.

    Parameters
    ----------
    folder
        Where the files lie, in it or in its subfolder of the task's name; relative to the folder of the model file that
        says so, else to the working directory. Without it, the folder that the environment variable ``NEUROSIM_DATA``
        names; without the files there, they are downloaded and kept.
    n_train, n_test
        How many training and test examples to keep; all by default.
    validation
        How many of the training examples are held out for validation.
    split_seed
        Which examples are held out and kept; apart from the seed of the run.
    verify
        Check the files' bytes against the official checksums.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path | None = None
    n_train: int | None = Field(default=None, gt=0)
    n_test: int | None = Field(default=None, gt=0)
    validation: int = Field(default=5000, ge=0)
    split_seed: int = Field(default=0, ge=0, lt=2**64)
    verify: bool = True


@dataclass(frozen=True)
class Augmentation:
    """Images as they are presented: mirrored and shifted at random; see `Task` for what this is a function of.

    Attributes
    ----------
    shape
        Height, width and channels.
    flips
        Mirror from left to right in half of the presentations.
    crops
        Shift by up to this many pixels in both directions, each shift as often; zeros come in at the edges.
    """

    shape: tuple[int, int, int]
    flips: bool
    crops: int

    def __call__(self, inputs: np.ndarray, seed: int, presentations: np.ndarray) -> np.ndarray:
        """The inputs ``(n, d)`` at these presentations ``(n,)``, in the same shape."""
        chances = np.asarray(_compiled_uniform()(key_words(seed, "augment"), presentations, 3))
        height, width, channels = self.shape
        images = inputs.reshape(-1, height, width, channels)
        if self.flips:
            images = np.where(chances[:, 0, None, None, None] < 0.5, images[:, :, ::-1], images)
        if self.crops:
            edge = self.crops
            shifts = np.minimum((chances[:, 1:] * (2 * edge + 1)).astype(int), 2 * edge)
            padded = np.pad(images, ((0, 0), (edge, edge), (edge, edge), (0, 0)))
            rows = shifts[:, 0, None, None] + np.arange(height)[:, None]
            columns = shifts[:, 1, None, None] + np.arange(width)
            images = padded[np.arange(len(images))[:, None, None], rows, columns]
        return np.ascontiguousarray(images).reshape(inputs.shape)


@functools.cache
def _compiled_uniform() -> Any:
    import jax

    # Without jit, each operation would compile alone.
    return jax.jit(held_uniform, static_argnums=2)


#: Bytes ``(n, height, width, channels)`` and labels ``(n,)``.
Labelled = tuple[np.ndarray, np.ndarray]


def split_images(
    name: str,
    config: ImageConfig,
    train: Labelled,
    test: Labelled,
    n_classes: int,
    standard: Callable[[np.ndarray], tuple[np.ndarray | float, np.ndarray | float]] | None,
    augment: Callable[[np.ndarray, int, np.ndarray], np.ndarray] | None = None,
    *,
    files: Sequence[FileRead],
) -> Task:
    """A classification of images.

    Parameters
    ----------
    name, config
        Of the task.
    train, test
        The official parts.
    n_classes
        How many there are.
    standard
        Mean and spread, in units of a pixel's full range, of the bytes that are learned from; ``None`` for pixels
        between 0 and 1.
    augment
        See `Task`; of standardised inputs.
    files
        What was read.

    Returns
    -------
    Task
        Inputs in the order height, width, channel.

    Raises
    ------
    ConfigError
        More examples are asked for than there are.
    """
    (images, labels), (test_images, test_labels) = train, test
    n_train, n_test = _kept(config, len(images), len(test_images))
    generator = _split_generator(config.split_seed)
    order = generator.permutation(len(images))
    # Test sets of growing size contain each other, and all of it keeps the official order.
    test_order = np.sort(generator.permutation(len(test_images))[:n_test])
    train_rows = order[config.validation : config.validation + n_train]
    mean, spread = (0.0, 1.0) if standard is None else standard(images[train_rows])

    def split(pixels: np.ndarray, classes: np.ndarray, rows: np.ndarray) -> Split:
        # In place, because all of CIFAR-10 in single precision takes 600 MB.
        inputs = pixels[rows].reshape(len(rows), pixels[0].size).astype(np.float32)
        inputs /= 255
        inputs -= np.float32(mean)
        inputs /= np.float32(spread)
        inputs.setflags(write=False)
        return Split(inputs, _one_hot(classes[rows], n_classes), classes[rows])

    return Task(
        name,
        split(images, labels, train_rows),
        split(images, labels, order[: config.validation]),
        split(test_images, test_labels, test_order),
        kind="classification",
        shape=images.shape[1:],
        augment=augment,
        files=tuple(files),
        encoding=image_encoding(images.shape[1:], range(n_classes), mean, spread),
    )


def _kept(config: ImageConfig, train: int, test: int) -> tuple[int, int]:
    """Numbers of training and test examples to keep."""
    if config.n_train is None and config.validation >= train:
        raise ConfigError(
            f"task.validation: got {config.validation} of {train} examples, expected a number that leaves "
            "at least one training example"
        )
    n_train = train - config.validation if config.n_train is None else config.n_train
    if n_train + config.validation > train:
        raise ConfigError(
            f"task.n_train: got {n_train} with task.validation {config.validation}, expected no more than {train} in "
            "all"
        )
    n_test = test if config.n_test is None else config.n_test
    if n_test > test:
        raise ConfigError(f"task.n_test: got {n_test}, but there are {test} test examples")
    return n_train, n_test


def refuse_labels(path: Path, labels: np.ndarray, n_classes: int) -> None:
    """Refuse labels of unknown classes.

    Raises
    ------
    DataError
        Naming the file and the label.
    """
    if labels.size and labels.max() >= n_classes:
        raise DataError(f"{path}: got the label {labels.max()}, expected 0 to {n_classes - 1}")
