"""CIFAR-10 and CIFAR-100: the binary layout of their files, standardisation, flips and crops.

Source: Krizhevsky, Learning multiple layers of features from tiny images, University of Toronto, 2009, and the layout
described with the files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from neurosim.errors import DataError
from neurosim.tasks._files import contents, downloaded, file_read, searched
from neurosim.tasks._images import Augmentation, ImageConfig, Labelled, refuse_labels, split_images
from neurosim.tasks._task import FileRead, Task

_SHAPE = (32, 32, 3)
_PIXELS = 3072
# The largest official file has 155 MB.
_LARGEST = 1 << 28
# Avoids division by zero for a constant pixel.
_LEAST_SPREAD = 1e-3


class CifarConfig(ImageConfig):
    """Settings of CIFAR-10 and CIFAR-100.

    Parameters
    ----------
    standardise
        Centre and scale by mean and standard deviation of the training split: of each colour ``channel``, of each
        ``pixel`` and channel, or ``none``, for pixels between 0 and 1.
    flips
        Mirror each training image from left to right in half of its presentations.
    crops
        Shift each training image at every presentation by up to this many pixels up or down and left or right; inputs
        that come in at the edges are zero, which is the mean where images are standardised.
    folder, n_train, n_test, validation, split_seed, verify
        See `neurosim.tasks._images.ImageConfig`. The files of the binary layout lie in the folder, in its subfolder of
        the task's name, or unpacked below these as the archive has them.
    """

    standardise: Literal["none", "channel", "pixel"] = "channel"
    flips: bool = False
    crops: int = Field(default=0, ge=0, le=16)


@dataclass(frozen=True)
class CifarSource:
    """The source of a data set.

    Attributes
    ----------
    name
        Of the task.
    archive, archive_md5
        Address of the binary layout, and the checksum that its authors give.
    folder, train, test
        The folder in the archive, the names of the files with training examples and of that with test examples, with
        their checksums.
    labels
        How many classes each label byte before an image has.
    """

    name: str
    archive: str
    archive_md5: str
    folder: str
    train: Mapping[str, str]
    test: Mapping[str, str]
    labels: Mapping[str, int]


def load_cifar(source: CifarSource, config: CifarConfig, label: str) -> Task:
    """Read the files and split the training examples into training and validation.

    Parameters
    ----------
    source
        The data set.
    config
        The settings.
    label
        Which of its labels is learned.

    Returns
    -------
    Task
        3072 inputs in the order height, width, channel; one-hot outputs.

    Raises
    ------
    DataError
        A file is missing, broken, or not the official one.
    ConfigError
        More examples are asked for than there are.
    """
    folder = _found(source, config)
    (train, read), (test, read_too) = (
        _joined(source, config, label, folder, part) for part in (source.train, source.test)
    )
    standard = None if config.standardise == "none" else _standard(config.standardise)
    augment = Augmentation(_SHAPE, config.flips, config.crops) if config.flips or config.crops else None
    classes = source.labels[label]
    return split_images(source.name, config, train, test, classes, standard, augment, files=[*read, *read_too])


def _standard(by: str) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    axes = (0, 1) if by == "channel" else ()

    def standard(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean, square = (total.mean(axis=axes, keepdims=True) / len(pixels) for total in _sums(pixels))
        spread = np.sqrt(np.maximum(square - mean**2, _LEAST_SPREAD**2))
        return np.broadcast_to(mean, _SHAPE).ravel(), np.broadcast_to(spread, _SHAPE).ravel()

    return standard


def _sums(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum and sum of squares over images, of each pixel and channel, in units of the full range."""
    total, squares = np.zeros((2, *_SHAPE), np.int64)
    # In blocks: integers, which are exact, take four times the memory of bytes.
    for block in np.array_split(pixels, -(-len(pixels) // 1000)):
        numbers = block.astype(np.int32)
        total += numbers.sum(axis=0)
        squares += (numbers * numbers).sum(axis=0)
    return total / 255, squares / 255**2


def _found(source: CifarSource, config: CifarConfig) -> Path:
    """The folder that holds the files."""
    places = searched(config.folder, ["", source.name])
    names = [*source.train, *source.test]
    for folder in (folder for place in places for folder in (place, place / source.folder)):
        if all((folder / name).is_file() for name in names):
            return folder
    if config.folder is not None:
        raise DataError(
            f"{source.name}: got no folder with {', '.join(names)} in {places[0]} or {places[1]}; unpack "
            f"{source.archive.rpartition('/')[2]} there, the binary layout (that for Python consists of pickles, which "
            "are not read, because a pickle may run code)"
        )
    members = [f"{source.folder}/{name}" for name in names]
    return downloaded(source.archive, source.archive_md5, source.name, places, members=members)[0].parent


def _joined(
    source: CifarSource, config: CifarConfig, label: str, folder: Path, files: Mapping[str, str]
) -> tuple[Labelled, list[FileRead]]:
    """Images (n, 32, 32, 3) and labels (n,) of some files one after the other, and what was read."""
    images, labels, reads = [], [], []
    for name, md5 in files.items():
        path = folder / name
        data = contents(path, md5=md5 if config.verify else None, largest=_LARGEST)
        pixels, files_read = _parted(source, path, data)
        for kind, count in source.labels.items():
            refuse_labels(path, files_read[kind], count)
        # Files store one plane a channel.
        images.append(np.ascontiguousarray(pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)))
        labels.append(files_read[label])
        reads.append(file_read(path, data))
    return (np.concatenate(images), np.concatenate(labels)), reads


def _parted(source: CifarSource, path: Path, data: bytes) -> tuple[np.ndarray, Mapping[str, np.ndarray]]:
    """Pixels (n, 3072) and the labels (n,) of each kind."""
    before = len(source.labels)
    if not data or len(data) % (before + _PIXELS):
        raise DataError(
            f"{path}: got {len(data)} bytes, expected a multiple of {before + _PIXELS}, for each image {before} of "
            f"labels and {_PIXELS} of pixels"
        )
    rows = np.frombuffer(data, np.uint8).reshape(-1, before + _PIXELS)
    return rows[:, before:], {kind: rows[:, number] for number, kind in enumerate(source.labels)}
