"""Interpret the columns of a table as numbers or class labels, and name the rows where that fails."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.errors import DataError
from neurosim.tasks._decimal_comma import decimal_comma

Label = bool | int | float | str

# How programs write a missing number, in a column of texts.
_NO_NUMBER = ("nan", "NaN", "NAN")
# How people write a missing value; any of these may also be a class label.
_MISSING = ("NA", "N/A", "n/a", "n.a.", "None", "none", "NULL", "Null", "null", "<NA>", "NaT", "missing", "-", "?", ".")
_LEAVE_OUT = "leave it out with task.inputs"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_KINDS = {"c": "complex numbers", "M": "dates", "m": "times", "V": "records", "O": "objects"}


def numbers(path: Path, name: str, column: np.ndarray, *, remedy: str = _LEAVE_OUT) -> np.ndarray:
    """A column as finite numbers (n, k).

    Parameters
    ----------
    path, name
        For messages.
    column
        (n, ...) as `neurosim.tasks._arrays.Columns` gives it.
    remedy
        The remedy for a column of another type, for messages.

    Raises
    ------
    DataError
        Text, or values that are missing or infinite, naming their rows.
    """
    values = column.reshape(len(column), -1)
    if values.dtype.kind == "O":
        values = _from_text(path, name, values, remedy)
    kind = values.dtype.kind
    if kind not in "biuf":
        raise DataError(
            f"{path}: the column '{name}' holds {_KINDS.get(kind, values.dtype)}, expected numbers; {remedy}"
        )
    if kind == "f":
        # Some numbers with more than 64 bits are infinite in double precision.
        with np.errstate(over="ignore"):
            double = values.astype(np.float64) if values.itemsize > 8 else values
        _refuse_missing(path, name, np.isfinite(double).all(axis=1))
    return values


def labels(path: Path, name: str, column: np.ndarray) -> tuple[tuple[Label, ...], np.ndarray]:
    """The classes of a column, sorted, and which of them each row has.

    Texts count without the blanks around them. Words such as "None" or "NA" are labels like others; an empty cell is
    none, nor is "nan", which is what programs write for a missing number.

    Parameters
    ----------
    path, name
        For messages.
    column
        (n,).

    Raises
    ------
    DataError
        Labels that are missing, naming their rows, or that are neither numbers nor text.
    """
    kind = column.dtype.kind
    if kind not in "biufO":
        raise DataError(
            f"{path}: '{name}' holds {_KINDS.get(kind, column.dtype)}, expected classes: text or whole numbers"
        )
    if kind == "f":
        _refuse_missing(path, name, np.isfinite(column))
    if kind == "O":
        _refuse_no_label(path, name, column)
    names, codes = np.unique(column, return_inverse=True)
    return tuple(_plain(value) for value in names.tolist()), codes.reshape(-1)


def _refuse_no_label(path: Path, name: str, column: np.ndarray) -> None:
    empty = np.flatnonzero([cell is None for cell in column])
    if len(empty):
        raise DataError(
            f"{path}: '{name}' has no label in {row_names(empty)}, expected one in each row; leave these rows out, or "
            "give them a label of their own"
        )
    # Beside numbers, any such word says that a number is missing; beside other words it may be a label.
    words = {cell for cell in column if not _NUMBER.fullmatch(cell)}
    missing = words if words <= {*_MISSING, *_NO_NUMBER} and len(words) < len(set(column)) else words & {*_NO_NUMBER}
    rows = np.flatnonzero([cell in missing for cell in column])
    if len(rows):
        raise DataError(
            f"{path}: '{name}' has '{column[rows[0]]}' for a label in {row_names(rows)}, which programs write for "
            "missing values; leave these rows out, or give them another label"
        )


def _plain(value: Label) -> Label:
    return value if isinstance(value, bool | int | float | str) else str(value)


def _from_text(path: Path, name: str, cells: np.ndarray, remedy: str) -> np.ndarray:
    """Convert texts that are numbers, such as integers beyond 64 bits."""
    empty = np.array([[text is None for text in row_cells] for row_cells in cells])
    texts = [(row, text) for row, row_cells in enumerate(cells) for text in row_cells if text is not None]
    other = next(((row, text) for row, text in texts if not _NUMBER.fullmatch(text)), None)
    if other is not None:
        raise DataError(f"{path}: {_text_found(name, cells, *other, remedy)}")
    _refuse_missing(path, name, ~empty.any(axis=1))
    return cells.astype(np.float64)


def _text_found(name: str, cells: np.ndarray, row: int, text: str, remedy: str) -> str:
    shown = repr(text if len(text) <= 30 else f"{text[:27]}...")
    if text in _MISSING or text in _NO_NUMBER:
        # A column that is otherwise numbers: this is a missing value.
        rows = [n for n, row_cells in enumerate(cells) if text in row_cells.tolist()]
        return (
            f"'{name}' has {shown} in {row_names(np.array(rows))}, expected finite numbers; leave these rows out, or "
            "the column"
        )
    if decimal_comma(text):
        return (
            f"the column '{name}' holds text ({shown} in row {row + 1}), expected numbers; if that is a decimal comma, "
            "say task.decimal = ',', and separate columns by another sign, such as task.separator = ';'"
        )
    return f"the column '{name}' holds text ({shown} in row {row + 1}), expected numbers; {remedy}"


def _refuse_missing(path: Path, name: str, right: Any) -> None:
    broken = np.flatnonzero(~np.asarray(right))
    if len(broken):
        raise DataError(
            f"{path}: '{name}' has {len(broken)} examples with missing or infinite values, the first in "
            f"{row_names(broken)}; expected finite numbers"
        )


def row_names(places: Sequence[int] | np.ndarray) -> str:
    """Rows in words, counted from one without the line of names."""
    named = [str(place + 1) for place in places[:5]]
    more = f" and {len(places) - 5} more" if len(places) > 5 else ""
    return f"row{'s' if len(places) > 1 else ''} {', '.join(named)}{more}"
