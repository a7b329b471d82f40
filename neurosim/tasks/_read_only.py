"""Arrays as tasks keep them: in single precision, and read-only."""

from __future__ import annotations

import numpy as np

from neurosim.errors import DataError
from neurosim.tasks._scaling import lost


def single_numbers(name: str, given: np.ndarray) -> np.ndarray:
    """Convert to float32, if all numbers fit; axes of any number, features last.

    Raises
    ------
    DataError
        What is no number, or does not fit into single precision.
    """
    given = np.asarray(given)
    if given.dtype.kind not in "biuf":
        raise DataError(f"{name}: got {given.dtype}, expected numbers")
    with np.errstate(over="ignore"):
        numbers = read_only(given, np.float32)
    if given.dtype.kind == "f" and given.ndim >= 2 and given.size and given.itemsize > 4 and np.isfinite(given).all():
        width = given.shape[-1]
        fault = lost(given.reshape(-1, width), numbers.reshape(-1, width), np.zeros(1), np.ones(1))
        if fault:
            raise DataError(f"{name}: expected, {fault}")
    return numbers


def read_only(array: np.ndarray, dtype: type) -> np.ndarray:
    """An array of this type that nobody can change."""
    array = np.asarray(array)
    if array.dtype != dtype or array.flags.writeable:
        # A copy, so that the caller's array cannot change the task.
        array = np.array(array, dtype=dtype)
    array.setflags(write=False)
    return array
