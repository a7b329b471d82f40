"""Your own data: a file of arrays (.npz, .npy) or a table (.csv) beside the model file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from neurosim.border import PATH
from neurosim.errors import ConfigError, DataError
from neurosim.gate.limits import largest, opened, remedy
from neurosim.tasks._arrays import SUFFIXES, Columns, columns_of
from neurosim.tasks._csv import Csv, first_line_advice, plain_text, read_names
from neurosim.tasks._decimal_comma import decimal_comma
from neurosim.tasks._encoding import Encoding, InputColumn, described, in_units
from neurosim.tasks._scaling import moments
from neurosim.tasks._splitting import parted, parted_by_class
from neurosim.tasks._task import Split, Task, _one_hot
from neurosim.tasks._values import Label, labels, numbers

# An empty name, and pandas' name for a column without one.
_UNNAMED = re.compile(r"|Unnamed: \d+(\.\d+)?")
# More classes than this are hardly meant.
_MOST_CLASSES = 1000
#: Height, width, channels.
_Image = tuple[int, int, int]


class Config(BaseModel):
    """Settings of a user's data.

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
    separator, decimal
        How a ``.csv`` is written: between its cells, and before the decimals of its numbers.
    largest_mib
        Size of the file, of the arrays packed in it, or of the inputs that they become, beyond which it is refused. It
        can only lower what the user of this machine allows, which is half of its memory, or what the environment
        variable ``NEUROSIM_LARGEST_MIB`` says.
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
    separator: Literal[",", ";", "\t", "|", " "] = ","
    decimal: Literal[".", ","] = "."
    largest_mib: PositiveInt | None = None

    @model_validator(mode="after")
    def _can_be_parted(self) -> Config:
        if self.separator == self.decimal:
            raise ValueError("separator: got ',', which is the decimal sign too; expected another, such as ';'")
        return self


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
    path, most = PATH("task.path", config.path), _most(config)
    columns = columns_of(path, largest=most, written=Csv(config.separator, config.decimal))
    targets, read = _chosen(columns, config)
    arrays = columns.read((*read, *targets))
    _refuse_lengths(path, {name: len(arrays[name]) for name in (*read, *targets)})
    parts = [numbers(path, name, arrays[name]) for name in read]
    inputs = tuple(InputColumn(name=name, shape=arrays[name].shape[1:]) for name in read)
    encoding = Encoding(
        kind="regression", inputs=inputs, targets=targets, separator=config.separator, decimal=config.decimal
    )
    wanted = [arrays[name] for name in targets]
    classes = wanted[0].dtype.kind in "biuO" if config.problem == "auto" else config.problem == "classification"
    shares, outputs = (config.test_fraction, config.validation_fraction, config.split_seed), 0
    if classes:
        names, codes = _classes(config, path, targets, wanted)
        encoding = encoding.model_copy(update={"kind": "classification", "classes": names})
        try:
            rows, outputs = parted_by_class(codes, names, *shares), len(names)
        except ConfigError as error:
            if config.problem != "auto" or wanted[0].dtype.kind not in "iu":
                raise
            many = f"'{targets[0]}' has {len(names)} different whole numbers, which are taken for classes"
            raise ConfigError(f'{error}; {many}: to predict the number say task.problem = "regression"') from error
    else:
        codes, answers = (
            None,
            [
                numbers(path, name, array, remedy='say task.problem = "classification" if these are classes')
                for name, array in zip(targets, wanted, strict=True)
            ],
        )
        rows = parted(len(answers[0]), *shares)
    _refuse_large(path, len(parts[0]), encoding.size + outputs, most)
    image = _image(inputs)
    if config.standardise:
        mean, scale = _moments(parts, rows[0], image)
        encoding = encoding.model_copy(update={"mean": mean, "scale": scale})
    if config.standardise_target and not classes:
        mean, scale = _moments(answers, rows[0], None)
        encoding = encoding.model_copy(update={"target_mean": mean, "target_scale": scale})

    def split(chosen: np.ndarray) -> Split:
        made = in_units(path, read, parts, encoding.mean, encoding.scale, chosen)
        if codes is not None:
            return Split(made, _one_hot(codes[chosen], outputs), codes[chosen])
        return Split(made, in_units(path, targets, answers, encoding.target_mean, encoding.target_scale, chosen))

    splits = [split(chosen) for chosen in rows]
    said = described(encoding)
    return Task("table", *splits, kind=encoding.kind, shape=image, files=(columns.file,), encoding=said)


def look(config: Config) -> None:
    """Refuse a file that is missing or lacks columns, before anything heavy is imported to read it.

    Raises
    ------
    DataError, ConfigError
        As `load`.
    """
    path, most = PATH("task.path", config.path), _most(config)
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"{path}: got a file '{path.suffix}', expected {', '.join(SUFFIXES)}")
    stream, size = opened(path, most=most)
    with stream:
        if path.suffix.lower() != ".csv" or not size:
            return
        names = read_names(path, stream, Csv(config.separator, config.decimal))
    columns = Columns(path, names, {"name": path.name, "sha256": "", "bytes": size}, lambda _: {})
    _chosen(columns, config)


def _most(config: Config) -> int:
    """The limit in bytes: the user's, which a model file can only lower."""
    users = largest()
    return users if config.largest_mib is None else min(users, config.largest_mib * 2**20)


def _chosen(columns: Columns, config: Config) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Targets and inputs."""
    targets = _named(columns, config.target, "target")
    read = _others(columns, targets) if config.inputs is None else _named(columns, config.inputs, "inputs")
    _refuse_target_among_inputs(targets, read)
    return targets, read


def _named(columns: Columns, wanted: str | tuple[str, ...], key: str) -> tuple[str, ...]:
    names = tuple(plain_text(name) for name in ((wanted,) if isinstance(wanted, str) else wanted))
    missing = [name for name in names if name not in columns.names or not name]
    if missing or not names:
        known = ", ".join(columns.names[:20]) + (" ..." if len(columns.names) > 20 else "")
        advice = first_line_advice(columns.names) if columns.path.suffix.lower() == ".csv" else ""
        raise ConfigError(
            f"task.{key}: got {', '.join(missing) or 'no column'}, expected columns of {columns.path}: {known}{advice}"
        )
    if len(set(names)) < len(names):
        raise ConfigError(f"task.{key}: got {', '.join(names)}, expected each column once")
    return names


def _others(columns: Columns, targets: tuple[str, ...]) -> tuple[str, ...]:
    """All columns except the targets."""
    if any(_UNNAMED.fullmatch(name) for name in columns.names if name not in targets):
        raise ConfigError(
            f"task.inputs: {columns.path} has a column without a name, which may hold the numbers of its rows "
            "(pandas calls it 'Unnamed: 0'); give it a name, delete it, or name the columns to learn from with "
            "task.inputs"
        )
    names = tuple(name for name in columns.names if name not in targets)
    if not names:
        raise ConfigError(f"task.inputs: {columns.path} has no column besides the target")
    return names


def _refuse_target_among_inputs(targets: tuple[str, ...], read: tuple[str, ...]) -> None:
    both = [name for name in targets if name in read]
    # If targets and inputs are the same, the network is an autoencoder.
    if both and set(targets) != set(read):
        raise ConfigError(f"task.inputs: got '{both[0]}', which is the target; expected columns to learn it from")


def _refuse_lengths(path: Path, lengths: dict[str, int]) -> None:
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in list(lengths.items())[:20])
        raise DataError(
            f"{path}: arrays of different length ({listed}), expected one row an example; "
            "if some are not to be learned from, name those that are with task.inputs"
        )


def _refuse_large(path: Path, rows: int, width: int, most: int) -> None:
    size = 4 * rows * width
    if size > most:
        raise DataError(
            f"{path}: {rows} examples of {width} inputs and classes take {size / 2**20:.0f} MiB in single precision, "
            f"expected at most {most / 2**20:.0f} MiB; leave columns out with task.inputs{remedy(most)}"
        )


def _classes(
    config: Config, path: Path, targets: tuple[str, ...], wanted: list[np.ndarray]
) -> tuple[tuple[Label, ...], np.ndarray]:
    """The classes, and the class of each row."""
    name, values = targets[0], wanted[0]
    width = int(np.prod(values.shape[1:], dtype=int))
    if len(targets) > 1 or width != 1:
        shape = f"{len(targets)} columns" if len(targets) > 1 else f"shape {values.shape}"
        rows = values.reshape(len(values), -1)
        hot = len(targets) == 1 and rows.dtype.kind in "biuf" and ((rows != 0).sum(axis=1) == 1).all()
        advice = (
            "; these look like rows with a one at the class, numpy.argmax(..., axis=1) gives classes" if hot else ""
        )
        raise ConfigError(
            f"task.target: got {shape} of {path}, expected one column of classes, or problem='regression'{advice}"
        )
    names, codes = labels(path, name, values.reshape(-1))
    if config.problem == "auto" and 2 * len(names) > len(codes) > 2:
        if values.dtype.kind in "iu":
            raise ConfigError(
                f"task.target: '{name}' of {path} has {len(names)} different whole numbers in {len(codes)} rows, which "
                'would be as many classes; to predict the number say task.problem = "regression"'
            )
        comma = any(isinstance(each, str) and decimal_comma(each) for each in names)
        raise ConfigError(
            f"task.target: '{name}' of {path} has {len(names)} different texts in {len(codes)} rows, which would be as "
            "many classes; expected classes with several examples each, or numbers"
            + ("; if these are numbers with decimal commas, say task.decimal = ','" if comma else "")
        )
    if not 2 <= len(names) <= _MOST_CLASSES:
        raise ConfigError(
            f"task.target: '{name}' of {path} has {len(names)} different values, expected 2 to {_MOST_CLASSES} "
            "classes, or problem='regression'"
        )
    return names, codes


def _image(inputs: tuple[InputColumn, ...]) -> _Image | None:
    """The image shape of inputs that are one array of images."""
    shape = inputs[0].shape
    if len(inputs) > 1 or len(shape) not in (2, 3) or 0 in shape:
        return None
    return (shape[0], shape[1], shape[2] if len(shape) == 3 else 1)


def _moments(
    parts: list[np.ndarray], train: np.ndarray, image: _Image | None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each column, or of each channel, in the training split."""
    # Each position of an image is a further sample of its channels.
    each_part = [moments(part, train, image[2] if image else part.shape[1]) for part in parts]
    mean, scale = (np.concatenate([pair[number] for pair in each_part]) for number in (0, 1))
    return tuple(mean.tolist()), tuple(scale.tolist())
