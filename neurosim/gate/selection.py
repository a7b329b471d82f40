"""Which chunks of an array hold what is asked for, and where in them it is."""

from __future__ import annotations

from typing import Any

import numpy as np

#: What is asked for of an axis: a number, a slice, or several numbers.
Part = slice | int | np.ndarray


def numbers(part: Part, size: int) -> np.ndarray | range:
    """The places along an axis that are asked for, from zero on."""
    if isinstance(part, slice):
        return range(*part.indices(size))
    several = np.atleast_1d(np.asarray(part))
    if several.size and (several.min() < -size or several.max() >= size):
        raise IndexError(f"index out of bounds for an axis of size {size}")
    return np.where(several < 0, several + size, several)


def by_chunk(axis: np.ndarray | range, length: int) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Chunk number -> places in what is asked for, and places in the chunk."""
    if not len(axis):
        return {}
    places = np.asarray(axis)
    numbers = places // length
    found: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    order = np.argsort(numbers, kind="stable")
    for outer in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1):
        number = int(numbers[outer[0]])
        found[number] = (outer, places[outer] - number * length)
    return found


def index(axes: list[np.ndarray]) -> Any:
    """An index of places along each axis: slices where these follow one another, which copies quickly."""
    if all(len(axis) == 1 or (np.diff(axis) == 1).all() for axis in axes):
        return tuple(slice(int(axis[0]), int(axis[-1]) + 1) for axis in axes)
    return np.ix_(*axes)


def numbers_of(key: str, axes: int) -> tuple[int, ...]:
    """The numbers of a chunk with this name."""
    return tuple(map(int, key.split("."))) if axes else ()


def name_of(key: tuple[int, ...]) -> str:
    """The name of a chunk with these numbers."""
    return ".".join(map(str, key)) or "0"
