"""The encoding of inputs and outputs that predictions need beside the weights: columns, scales, and classes.

A run keeps it as JSON, so that a network that was trained on a table can be asked about another one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from neurosim.errors import DataError
from neurosim.gate.limits import check_size, largest
from neurosim.tasks._arrays import columns_of
from neurosim.tasks._csv import Csv
from neurosim.tasks._scaling import lost, scaled, unscaled
from neurosim.tasks._values import Label, numbers, row_names

_Floats = tuple[float, ...]


class InputColumn(BaseModel):
    """An array or a column of inputs.

    Parameters
    ----------
    name
        As the file has it.
    shape
        Of one example: nothing for a column.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    shape: tuple[int, ...] = ()


class Encoding(BaseModel):
    """How rows of a file become inputs, and outputs become predictions.

    Parameters
    ----------
    kind
        Of the task.
    inputs
        The columns or arrays read, in this order.
    named
        Whether to read by name; otherwise by position, if the number of columns fits.
    mean, scale
        An input is ``(number - mean) / scale``. As many as there are inputs, or as there are channels of images, whose
        channels are fastest.
    targets
        Names of the predicted columns.
    classes
        Classes of the outputs of a classification.
    target_mean, target_scale
        A prediction of a regression is ``output * target_scale + target_mean``.
    separator, decimal
        How a ``.csv`` is written.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal[1] = 1
    kind: Literal["classification", "regression"]
    inputs: tuple[InputColumn, ...] = Field(min_length=1)
    named: bool = True
    mean: _Floats = (0.0,)
    scale: _Floats = (1.0,)
    targets: tuple[str, ...] = ()
    classes: tuple[Label, ...] | None = None
    target_mean: _Floats = (0.0,)
    target_scale: _Floats = (1.0,)
    separator: str = ","
    decimal: str = "."

    @model_validator(mode="after")
    def _fits(self) -> Encoding:
        for name in ("mean", "target_mean"):
            here, there = getattr(self, name), getattr(self, name.replace("mean", "scale"))
            if len(here) != len(there) or min(there, default=0.0) <= 0:
                raise ValueError(f"{name}: expected as many as scales, which are above zero")
        sizes = [n for each in self.inputs for n in each.shape]
        if min(sizes, default=1) < 1 or self.size > 1 << 31 or self.size % len(self.mean):
            raise ValueError(f"inputs: got {self.size} numbers and {len(self.mean)} scales")
        if (self.kind == "classification") != (self.classes is not None):
            raise ValueError("classes: expected those of a classification")
        return self

    @property
    def size(self) -> int:
        """Number of inputs."""
        return sum(math.prod(each.shape) for each in self.inputs)


def image_encoding(
    shape: tuple[int, ...], classes: Iterable[int] | None, mean: Any, spread: Any, *, full: float = 255.0
) -> dict[str, Any]:
    """The encoding of images: pixels from 0 to `full` in an array ``images`` (n, *shape).

    Parameters
    ----------
    shape
        Height and width, and channels if there are some.
    classes
        Those that outputs stand for; ``None`` for pixels.
    mean, spread
        In units of a pixel's full range: one of each, or one for each channel or input.
    full
        A pixel's greatest value.
    """
    centre, scale = (np.atleast_1d(np.asarray(each, np.float64)).ravel() * full for each in (mean, spread))
    return described(
        Encoding(
            kind="regression" if classes is None else "classification",
            inputs=(InputColumn(name="images", shape=shape),),
            named=False,
            mean=tuple(centre.tolist()),
            scale=tuple(scale.tolist()),
            classes=None if classes is None else tuple(classes),
        )
    )


def plain_encoding(count: int, classes: int = 0) -> dict[str, Any]:
    """The encoding of unscaled inputs, an array ``inputs`` (n, count): of a regression, or of so many classes."""
    inputs, names = (InputColumn(name="inputs", shape=(count,)),), tuple(range(classes)) or None
    kind = "classification" if classes else "regression"
    return described(Encoding(kind=kind, inputs=inputs, classes=names, named=False))


def described(encoding: Encoding) -> dict[str, Any]:
    """The encoding for JSON."""
    return encoding.model_dump(mode="json")


def checked(encoding: Mapping[str, Any]) -> Encoding:
    """Read an encoding from a mapping.

    Raises
    ------
    DataError
        It is none.
    """
    try:
        return Encoding.model_validate(encoding)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "as a whole"
        raise DataError(f"what predictions need is damaged: {where}: {first['msg']}") from error


def encode(encoding: Mapping[str, Any], path: Path) -> np.ndarray:
    """Encode the rows of a file as inputs of a network.

    Parameters
    ----------
    encoding
        `neurosim.tasks._task.Task.encoding`, as it was or read from JSON.
    path
        A file as the task ``table`` reads it, ``.csv``, ``.npz`` or ``.npy``; other columns are not looked at. Of
        ``.npy`` the columns are taken as they come if there are as many as inputs.

    Returns
    -------
    numpy.ndarray
        (rows, inputs), float32.

    Raises
    ------
    DataError
        A file that cannot be read, that lacks columns, or holds what does not fit.
    """
    how = checked(encoding)
    columns = columns_of(path, largest=largest(), written=Csv(how.separator, how.decimal))
    names = [each.name for each in how.inputs]
    if all(name in columns.names for name in names):
        values = columns.read(names)
        parts = [_fitting(path, each, values[each.name]) for each in how.inputs]
    else:
        parts = _in_order(path, how, columns.names, columns.read(columns.names))
        names = ["a column"]
    lengths = {len(part) for part in parts}
    if len(lengths) > 1:
        raise DataError(f"{path}: arrays of different length {sorted(lengths)}, expected one row an example")
    check_size(4 * len(parts[0]) * how.size, f"{path}: its inputs")
    return in_units(path, names, parts, how.mean, how.scale)


def decode(encoding: Mapping[str, Any], outputs: np.ndarray) -> np.ndarray:
    """Decode outputs (rows, outputs).

    Returns
    -------
    numpy.ndarray
        Of a classification the classes (rows,) with the greatest output; of a regression the numbers (rows, outputs)
        in the units of the targets.

    Raises
    ------
    DataError
        Another number of outputs than the encoding has.
    """
    how = checked(encoding)
    if how.classes is None:
        if len(how.target_mean) not in (1, outputs.shape[1]):
            raise DataError(f"got {outputs.shape[1]} outputs, expected {len(how.target_mean)}")
        return unscaled(outputs, np.array(how.target_mean), np.array(how.target_scale))
    if len(how.classes) != outputs.shape[1]:
        raise DataError(f"got {outputs.shape[1]} outputs, expected {len(how.classes)}, one for each class")
    return np.array(how.classes)[outputs.argmax(axis=1)]


def in_units(
    path: Path,
    names: Sequence[str],
    parts: Sequence[np.ndarray],
    mean: Sequence[float],
    scale: Sequence[float],
    rows: np.ndarray | None = None,
) -> np.ndarray:
    """Scale arrays (n, k) and join their columns: (n, d), float32.

    Parameters
    ----------
    path, names
        For messages.
    parts
        Finite numbers.
    mean, scale
        For each column, or for each channel of one array.
    rows
        Which of them; by default all.

    Raises
    ------
    DataError
        Numbers that do not fit into single precision: too large, or all of a column too small.
    """
    rows = np.arange(len(parts[0])) if rows is None else rows
    numbers = np.empty((len(rows), sum(part.shape[1] for part in parts)), np.float32)
    centre, spread = np.array(mean), np.array(scale)
    begin = 0
    for name, part in zip(names, parts, strict=True):
        end = begin + part.shape[1]
        here = slice(begin, end) if len(mean) == numbers.shape[1] else slice(None)
        chosen, made = part[rows], numbers[:, begin:end]
        made[:] = scaled(chosen, centre[here], spread[here])
        if fault := lost(chosen, made, centre[here], spread[here]):
            beyond = np.flatnonzero(~np.isfinite(made).all(axis=1))
            where = f" in {row_names(np.sort(rows[beyond]))}" if len(beyond) else ""
            raise DataError(f"{path}: '{name}'{where}: expected, {fault}")
        begin = end
    return numbers


def _fitting(path: Path, wanted: InputColumn, array: np.ndarray) -> np.ndarray:
    if array.shape[1:] != wanted.shape and math.prod(array.shape[1:]) != math.prod(wanted.shape):
        raise DataError(
            f"{path}: '{wanted.name}' has the shape {array.shape}, expected {('n', *wanted.shape)} as in training"
        )
    return numbers(path, wanted.name, array)


def _in_order(path: Path, how: Encoding, names: tuple[str, ...], values: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """All columns of the file, where they are read by position."""
    size = sum(math.prod(array.shape[1:]) for array in values.values())
    if (how.named and path.suffix.lower() != ".npy") or size != how.size:
        wanted = ", ".join(f"'{each.name}'" for each in how.inputs[:20]) + (" ..." if len(how.inputs) > 20 else "")
        missing = [each.name for each in how.inputs if each.name not in names]
        raise DataError(
            f"{path}: got no '{missing[0]}' among {', '.join(map(repr, names[:20]))}, expected what the network was "
            f"trained on, {how.size} numbers for each example: {wanted}"
        )
    beside = [numbers(path, name, array) for name, array in values.items()]
    return [np.concatenate(beside, axis=1)]
