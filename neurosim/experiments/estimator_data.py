"""Data that scikit-learn would take and that mean nothing: masks, dates, names that stand twice, missing labels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from neurosim.errors import ConfigError

# What NumPy makes of a missing number among texts, and what an empty cell is.
_NO_LABEL = ("nan", "NaN", "NAN", "<NA>", "NaT", "")


def refuse_no_inputs(X: Any) -> None:
    """Refuse what is no table of numbers though it looks like one.

    Raises
    ------
    ConfigError
        Masked values, dates, or columns with the same name.
    """
    refuse_no_numbers("X", X)
    names = [str(name) for name in getattr(X, "columns", ())]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise ConfigError(f"X: got the column '{twice[0]}' more than once, expected a name of its own for each column")


def refuse_no_numbers(name: str, given: Any) -> None:
    """Refuse values that are masked, which would count, and dates, which would be counted in nanoseconds.

    Raises
    ------
    ConfigError
        Naming the argument.
    """
    _refuse_masked(name, given)
    kinds = [getattr(kind, "kind", "") for kind in _dtypes(given)]
    if {"M", "m"} & set(kinds):
        raise ConfigError(f"{name}: got dates or times, expected numbers, such as the days since the first one")


def refuse_no_labels(y: Any) -> None:
    """Refuse labels that are none, such as those of empty cells, and kinds of labels that cannot be sorted.

    Raises
    ------
    ConfigError
        Naming the first places.
    """
    _refuse_masked("y", y)
    if y is None or np.ndim(y) == 0:
        return  # scikit-learn says what is wrong with these
    if getattr(getattr(y, "dtype", None), "kind", "O") not in "OUT":
        return
    labels = np.empty(len(y), dtype=object)
    labels[:] = [None if _missing(label) else label for label in y]
    missing = np.flatnonzero([label is None or (isinstance(label, str) and label in _NO_LABEL) for label in labels])
    if len(missing):
        rows = ", ".join(map(str, missing[:5])) + (" ..." if len(missing) > 5 else "")
        raise ConfigError(
            f"y: got no label at {len(missing)} places ({rows}), where there is {y_at(y, missing[0])!r}; expected one "
            "for each example"
        )
    kinds = sorted({type(label).__name__ for label in labels})
    if "str" in kinds and len(set(kinds) - {"str_"}) > 1:
        raise ConfigError(f"y: got labels of different types ({', '.join(kinds)}), expected one type")


def y_at(y: Any, place: int) -> Any:
    """A label by its place, whatever index it has."""
    found = list(y)[place]
    return str(found) if isinstance(found, str) else found


def _missing(label: Any) -> bool:
    """Not a number, not a time, or pandas' missing value, none of which is equal to itself."""
    try:
        return label is None or bool(label != label)
    except (TypeError, ValueError):
        return type(label).__name__ == "NAType"


def _refuse_masked(name: str, given: Any) -> None:
    if isinstance(given, np.ma.MaskedArray) and np.ma.is_masked(given):
        raise ConfigError(
            f"{name}: got an array of which {int(np.ma.count_masked(given))} values are masked, expected values "
            "everywhere; leave these rows out, or fill them in"
        )


def _dtypes(given: Any) -> Iterable[Any]:
    """Of an array, or of the columns of a table."""
    found = getattr(given, "dtypes", None)
    if found is None:
        return (getattr(given, "dtype", None),)
    return tuple(found) if np.ndim(found) else (found,)
