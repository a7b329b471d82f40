"""Centre and scale columns, whatever their unit.

Numbers are first divided by a power of two, which is exact, so that squares of large or small numbers stay in the range
of double precision.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

# Numbers converted to double precision at once: 8 MiB.
BLOCK = 1 << 20
_RANGE = "after scaling, numbers from 1.2e-38 to 3.4e38, since networks compute in single precision"
_REMEDY = "choose another unit, or standardise"
# Columns that vary by less than this fraction of their largest number are constant but for rounding.
_ROUNDING = 2 * float(np.finfo(np.float64).eps)


def moments(array: np.ndarray, rows: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation.

    Parameters
    ----------
    array
        Finite numbers of any kind, (n, d).
    rows
        Those that count; at least one.
    width
        Columns that have moments of their own: d, or the number of channels of images, whose positions are further
        examples; d is a multiple of it.

    Returns
    -------
    mean, scale : numpy.ndarray
        (width,) each, double precision. Of a column that does not vary, or by no more than rounding, the scale is its
        largest number, and at least one.
    """
    low, high = np.full(width, np.inf), np.full(width, -np.inf)
    for block in _blocks(array, rows, width):
        low, high = np.minimum(low, block.min(axis=0)), np.maximum(high, block.max(axis=0))
    peak = np.maximum(np.abs(low), np.abs(high))
    unit = np.frexp(peak)[1]
    middle = np.ldexp(low, -unit) / 2 + np.ldexp(high, -unit) / 2
    reach = np.ldexp(high, -unit) - np.ldexp(low, -unit)
    varies = reach > _ROUNDING
    inner = np.where(varies, np.frexp(reach)[1], 0)

    def around_middle(block: np.ndarray) -> np.ndarray:
        return np.ldexp(np.ldexp(block, -unit) - middle, -inner)

    count = len(rows) * array.shape[1] // width
    mean = sum(around_middle(block).sum(axis=0) for block in _blocks(array, rows, width)) / count
    square = sum(((around_middle(block) - mean) ** 2).sum(axis=0) for block in _blocks(array, rows, width)) / count
    spread = np.maximum(np.ldexp(np.sqrt(square), unit + inner), np.finfo(np.float64).smallest_subnormal)
    return np.ldexp(middle + np.ldexp(mean, inner), unit), np.where(varies, spread, np.maximum(1.0, peak))


def scaled(array: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """``(array - mean) / scale`` in single precision, in the shape of the array; infinite where it does not fit there.

    Parameters
    ----------
    array
        Numbers of any kind, (n, d).
    mean, scale
        (width,) each, as of `moments`.
    """
    unit = np.frexp(np.maximum(np.abs(mean), scale))[1]
    centre, spread = np.ldexp(mean, -unit), np.ldexp(scale, -unit)
    single = np.empty(array.shape, np.float32)
    step = _step(array)
    with np.errstate(over="ignore"):
        for start in range(0, len(array), step):
            block = array[start : start + step]
            numbers = np.ldexp(block.astype(np.float64).reshape(-1, len(mean)), -unit)
            single[start : start + step] = ((numbers - centre) / spread).reshape(block.shape)
    return single


def lost(array: np.ndarray, made: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> str | None:
    """A sentence, if numbers from `scaled` do not fit into single precision; ``None`` otherwise.

    That is numbers that are too large, or a column that nothing scales and whose numbers would all be zero.
    """
    beyond = np.flatnonzero(~np.isfinite(made).all(axis=1))
    if len(beyond):
        greatest = np.abs(array[beyond[0]].astype(np.float64)).max()
        return f"{_RANGE}: {len(beyond)} examples have greater ones, such as {greatest:g}; {_REMEDY}"
    plain = np.resize((mean == 0) & (scale == 1), made.shape[1])
    if len(made) and plain.any():
        small = np.abs(made).max(axis=0) < np.finfo(np.float32).tiny
        if (plain & small & (array != 0).any(axis=0)).any():
            return f"{_RANGE}: all of a column are smaller, so that they would be zero; {_REMEDY}"
    return None


def unscaled(array: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The inverse of `scaled` in double precision."""
    return array.astype(np.float64) * scale + mean


def _step(array: np.ndarray) -> int:
    return max(1, BLOCK // max(1, array.shape[1]))


def _blocks(array: np.ndarray, rows: np.ndarray, width: int) -> Iterator[np.ndarray]:
    step = _step(array)
    for start in range(0, len(rows), step):
        yield array[rows[start : start + step]].astype(np.float64).reshape(-1, width)
