"""Map an index of an array to chunks and places in them."""

from __future__ import annotations

from typing import Any

import numpy as np

#: An index along an axis: a number, a slice, or several numbers.
AxisIndex = slice | int | np.ndarray
#: Places in a row.
Run = range | np.ndarray


def places(part: AxisIndex, size: int) -> np.ndarray | range:
    """The indexed places along an axis, counted from zero."""
    if isinstance(part, slice):
        numbers = range(*part.indices(size))
        return numbers if numbers.step > 0 else np.asarray(numbers, int)
    several = np.atleast_1d(np.asarray(part))
    if several.size and (several.min() < -size or several.max() >= size):
        raise IndexError(f"index out of bounds for an axis of size {size}")
    return np.where(several < 0, several + size, several)


def by_chunk(axis: np.ndarray | range, length: int, there: frozenset[int]) -> dict[int, tuple[Run, Run]]:
    """The existing chunks of an axis: number -> places in the selection, and places in the chunk."""
    if isinstance(axis, range):
        return _by_chunk_in_range(axis, length, there) if axis else {}
    numbers = axis // length
    order = np.argsort(numbers, kind="stable")
    order = order[np.isin(numbers[order], list(there))]
    runs: dict[int, tuple[Run, Run]] = {}
    for outer in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1) if order.size else ():
        number = int(numbers[outer[0]])
        runs[number] = (outer, axis[outer] - number * length)
    return runs


def _by_chunk_in_range(axis: range, length: int, there: frozenset[int]) -> dict[int, tuple[Run, Run]]:
    # An index may span far more chunks than exist.
    first, last, step = axis[0] // length, axis[-1] // length, axis.step
    few = last - first < len(there)
    numbers = range(first, last + 1) if few else sorted(there)
    runs: dict[int, tuple[Run, Run]] = {}
    for number in numbers:
        begin = max(0, -((axis.start - number * length) // step))
        end = min(len(axis), -((axis.start - (number + 1) * length) // step))
        if begin < end and number in there:
            inner = axis.start + begin * step - number * length
            runs[number] = (range(begin, end), range(inner, inner + (end - begin - 1) * step + 1, step))
    return runs


def index(axes: list[Run]) -> Any:
    """An index of places along each axis: slices where these are evenly spaced, which copies quickly."""
    if all(isinstance(axis, range) for axis in axes):
        return tuple(slice(axis.start, axis.stop, axis.step) for axis in axes if isinstance(axis, range))
    return np.ix_(*map(np.asarray, axes))


def numbers_of(key: str, axes: int) -> tuple[int, ...]:
    """The numbers of a chunk with this name."""
    return tuple(map(int, key.split("."))) if axes else ()


def name_of(key: tuple[int, ...]) -> str:
    """The name of a chunk with these numbers."""
    return ".".join(map(str, key)) or "0"
