"""Own data: a file of arrays (.npz, .npy) or a table (.csv) beside the model file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from neurosim.errors import ConfigError, DataError
from neurosim.tasks._arrays import read_columns
from neurosim.tasks._files import file_read
from neurosim.tasks._task import Split, Task, _one_hot, _split_generator, _stratified

# More classes than this are hardly meant as such.
_MOST_CLASSES = 1000
#: Height, width, channels.
_Image = tuple[int, int, int]


class Config(BaseModel):
    """Settings of one's own data.

    Parameters
    ----------
    path
        The file, relative to the folder of the model file that says so, else to the working directory. Arrays in
        ``.npz`` have one row an example; ``.npy`` holds one array whose columns are called ``"0"``, ``"1"`` ...;
        ``.csv`` has names in its first line.
    target
        The column or array that is to be learned; several columns for a regression with several outputs.
    inputs
        The columns or arrays to learn from, in this order; by default all others. A single array of the shape
        (examples, height, width) or (examples, height, width, channels) holds images, which convolutions can read.
    problem
        ``classification``, ``regression``, or ``auto``: whole numbers, truth values and text are classes, other
        numbers are not.
    test_fraction, validation_fraction
        Shares that are held out: of all for the test, of the rest for validation; of classes each in its share.
    split_seed
        Which examples are held out; apart from the seed of the run.
    standardise
        Centre and scale each input, of images each channel, by the training split.
    standardise_target
        The same for the targets of a regression, so that a loss of one half is that of the mean.
    largest_mib
        Size of the file, or of the arrays packed in it, beyond which it is refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    target: str | tuple[str, ...]
    inputs: str | tuple[str, ...] | None = None
    problem: Literal["auto", "classification", "regression"] = "auto"
    test_fraction: float = Field(default=0.2, gt=0, lt=1)
    validation_fraction: float = Field(default=0.1, ge=0, lt=1)
    split_seed: int = Field(default=0, ge=0, lt=2**64)
    standardise: bool = True
    standardise_target: bool = True
    largest_mib: PositiveInt = 1024


def load(config: Config, *, seed: int) -> Task:
    """Read the file and split it.

    Parameters
    ----------
    config
        The settings.
    seed
        The seed of the run; these data do not depend on it.

    Raises
    ------
    DataError
        A file that is missing, too large or damaged, columns that are no numbers, values that are missing.
    ConfigError
        Columns that are not there, or settings that do not fit the data.
    """
    path = config.path.expanduser()
    columns = read_columns(path, largest=config.largest_mib * 2**20)
    with path.open("rb") as stream:
        files = (file_read(path, stream),)
    targets = _named(columns, config.target, "target", path)
    others = tuple(name for name in columns if name not in targets)
    read = others if config.inputs is None else _named(columns, config.inputs, "inputs", path)
    inputs, image = _joined(path, columns, read), _image(columns, read)
    values = columns[targets[0]]
    classes = values.dtype.kind in "biuU" if config.problem == "auto" else config.problem == "classification"
    if classes:
        return replace(_classification(config, path, inputs, image, targets, values), files=files)
    wanted = _joined(path, columns, targets)
    _refuse_lengths(path, inputs, len(wanted), targets)
    generator = _split_generator(config.split_seed)
    rest, test = _parted(generator.permutation(len(inputs)), config.test_fraction)
    train, validation = _parted(rest, config.validation_fraction)
    _refuse_empty(path, len(inputs), train, test)
    inputs = _standardised(inputs, train, image) if config.standardise else inputs
    wanted = _standardised(wanted, train) if config.standardise_target else wanted
    parts = [Split(inputs[rows], wanted[rows]) for rows in (train, validation, test)]
    return Task("table", *parts, kind="regression", shape=image, files=files)


def _classification(
    config: Config,
    path: Path,
    inputs: np.ndarray,
    image: _Image | None,
    targets: tuple[str, ...],
    values: np.ndarray,
) -> Task:
    name = targets[0]
    if len(targets) > 1 or values.ndim != 1:
        shape = f"{len(targets)} columns" if len(targets) > 1 else f"shape {values.shape}"
        raise ConfigError(
            f"task.target: got {shape} of {path}, expected one column of classes, or problem='regression'"
        )
    _refuse_lengths(path, inputs, len(values), targets)
    if values.dtype.kind == "f":
        _refuse_missing(path, name, values)
    names, labels = np.unique(values, return_inverse=True)
    if not 2 <= len(names) <= _MOST_CLASSES:
        raise ConfigError(
            f"task.target: '{name}' of {path} has {len(names)} different values, expected 2 to {_MOST_CLASSES} "
            "classes, or problem='regression'"
        )
    generator = _split_generator(config.split_seed)
    rest, test = _stratified(np.arange(len(labels)), labels, config.test_fraction, generator)
    train, validation = _stratified(rest, labels, config.validation_fraction, generator)
    _refuse_empty(path, len(inputs), train, test)
    inputs = _standardised(inputs, train, image) if config.standardise else inputs
    parts = [
        Split(inputs[rows], _one_hot(labels[rows], len(names)), labels[rows]) for rows in (train, validation, test)
    ]
    return Task("table", *parts, kind="classification", shape=image)


def _named(columns: Mapping[str, np.ndarray], wanted: str | tuple[str, ...], key: str, path: Path) -> tuple[str, ...]:
    names = (wanted,) if isinstance(wanted, str) else wanted
    missing = [name for name in names if name not in columns]
    if missing or not names:
        known = ", ".join(list(columns)[:20]) + (" ..." if len(columns) > 20 else "")
        raise ConfigError(f"task.{key}: got {', '.join(missing) or 'no column'}, expected columns of {path}: {known}")
    return names


def _joined(path: Path, columns: Mapping[str, np.ndarray], names: tuple[str, ...]) -> np.ndarray:
    """Columns and arrays beside each other, ``(examples, features)``."""
    if not names:
        raise ConfigError(f"task.inputs: {path} has no column besides the target")
    parts = []
    for name in names:
        array = columns[name]
        if array.dtype.kind not in "biuf":
            raise DataError(f"{path}: the column '{name}' holds text, expected numbers; leave it out with task.inputs")
        if array.ndim == 0:
            raise DataError(f"{path}: '{name}' is a single number, expected one row an example")
        _refuse_missing(path, name, array)
        parts.append(array.reshape(len(array), -1).astype(np.float64))
    lengths = {name: len(part) for name, part in zip(names, parts, strict=True)}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise DataError(f"{path}: arrays of different length ({listed}), expected one row an example")
    return np.concatenate(parts, axis=1)


def _image(columns: Mapping[str, np.ndarray], names: tuple[str, ...]) -> _Image | None:
    """What inputs are that are one array of images."""
    shape = columns[names[0]].shape[1:]
    if len(names) > 1 or len(shape) not in (2, 3) or 0 in shape:
        return None
    return (shape[0], shape[1], shape[2] if len(shape) == 3 else 1)


def _refuse_missing(path: Path, name: str, array: np.ndarray) -> None:
    broken = np.flatnonzero(~np.isfinite(array.reshape(len(array), -1)).all(axis=1))
    if len(broken):
        raise DataError(
            f"{path}: '{name}' has {len(broken)} examples with missing or infinite values, the first in row "
            f"{broken[0] + 1}; expected finite numbers"
        )


def _refuse_lengths(path: Path, inputs: np.ndarray, count: int, targets: tuple[str, ...]) -> None:
    if len(inputs) != count:
        raise DataError(f"{path}: {len(inputs)} rows of inputs and {count} of '{targets[0]}', expected as many")


def _refuse_empty(path: Path, count: int, train: np.ndarray, test: np.ndarray) -> None:
    if not len(train) or not len(test):
        raise DataError(f"{path}: {count} examples are too few to hold out a test split; see task.test_fraction")


def _parted(rows: np.ndarray, fraction: float) -> tuple[np.ndarray, np.ndarray]:
    held_out = round(fraction * len(rows))
    return rows[held_out:], rows[:held_out]


def _standardised(array: np.ndarray, train: np.ndarray, image: _Image | None = None) -> np.ndarray:
    # The positions of an image are further examples of its channels.
    columns = array.reshape(len(array), -1, image[2]) if image else array[:, None]
    mean, spread = columns[train].mean(axis=(0, 1)), columns[train].std(axis=(0, 1))
    # A column that never changes has nothing to divide by.
    scaled = (columns - mean) / np.where(spread > 1e-12 * np.maximum(1.0, np.abs(mean)), spread, 1.0)
    return scaled.reshape(array.shape)
