"""Refuse data that scikit-learn accepts but that have no meaning: masks, dates, repeated names, missing labels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from neurosim.errors import ConfigError
from neurosim.untyped import UserValue

# NumPy's texts for a missing number, and an empty cell.
_NO_LABEL = ("nan", "NaN", "NAN", "<NA>", "NaT", "")


def refuse_no_inputs(X: UserValue) -> None:
    """Refuse inputs that only look like a table of numbers.

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


def refuse_no_numbers(name: str, given: UserValue) -> None:
    """Refuse masked values, which would be used, and dates, which would become nanoseconds.

    Raises
    ------
    ConfigError
        Naming the argument.
    """
    _refuse_masked(name, given)
    kinds = [getattr(kind, "kind", "") for kind in _dtypes(given)]
    if {"M", "m"} & set(kinds):
        raise ConfigError(f"{name}: got dates or times, expected numbers, such as the days since the first one")


def refuse_no_labels(y: UserValue) -> None:
    """Refuse missing labels, such as empty cells, and labels of types that cannot be sorted.

    Raises
    ------
    ConfigError
        Naming the first places.
    """
    _refuse_masked("y", y)
    given = _each(y)
    labels = [None if _missing(label) else label for label in given]
    missing = [n for n, label in enumerate(labels) if label is None or (isinstance(label, str) and label in _NO_LABEL)]
    if missing:
        rows = ", ".join(map(str, missing[:5])) + (" ..." if len(missing) > 5 else "")
        raise ConfigError(
            f"y: got no label at {len(missing)} places ({rows}), where there is {str(given[missing[0]])!r}; expected "
            "one for each example"
        )
    kinds = sorted({type(label).__name__ for label in labels})
    if "str" in kinds and len(set(kinds) - {"str_"}) > 1:
        raise ConfigError(f"y: got labels of different types ({', '.join(kinds)}), expected one type")


def _each(y: UserValue) -> list[Any]:
    """Labels that may be texts or objects; none where scikit-learn says what is wrong, or nothing can be."""
    if isinstance(y, list | tuple):
        return list(y)
    if y is None or not hasattr(y, "__array__"):
        return []
    # pandas' extension types change when they become arrays.
    kind = getattr(getattr(y, "dtype", None), "kind", "O")
    array = np.asarray(y, dtype=object) if kind == "O" else np.asarray(y)
    return list(array.ravel()) if array.dtype.kind in "OUTM" else []


def _missing(label: UserValue) -> bool:
    """Whether a value is NaN, NaT or pandas' missing value; none of them equals itself."""
    try:
        return label is None or bool(label != label)
    except (TypeError, ValueError):
        return type(label).__name__ == "NAType"


def _refuse_masked(name: str, given: UserValue) -> None:
    if isinstance(given, np.ma.MaskedArray) and np.ma.is_masked(given):
        raise ConfigError(
            f"{name}: got an array of which {int(np.ma.count_masked(given))} values are masked, expected values "
            "everywhere; leave these rows out, or fill them in"
        )


def _dtypes(given: UserValue) -> Iterable[Any]:
    """Data types of an array, or of the columns of a table."""
    dtypes = getattr(given, "dtypes", None)
    if dtypes is None:
        return (getattr(given, "dtype", None),)
    return tuple(dtypes) if np.ndim(dtypes) else (dtypes,)
