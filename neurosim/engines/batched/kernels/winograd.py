"""Convolutions over rows of images with fewer multiplications, for the CPU.

Where a window has r columns, m neighbouring results are found as coefficients of a product of two polynomials, which
are evaluated at m + r - 1 points, multiplied there, and interpolated (Toom and Cook; Winograd 1980, *Arithmetic
complexity of computations*; for networks Lavin & Gray 2016, arXiv:1509.09308). So all channels meet in m + r - 1
products, not m r. It is done along columns only, and rows are summed as ever: in both directions it writes more, and
rounds worse.

Results are those of a convolution but for rounding, in single precision one or two millionths of their standard
deviation where a convolution has a third of one. A sum of zeros need not be zero, either. So this serves what is linear
afterwards, errors and increments, and not drives, of which zero is a special value: a slope, or a tie, depends on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

#: Where polynomials are evaluated, besides infinity; more points than these round too much.
_POINTS = tuple(Fraction(text) for text in ("0", "1", "-1", "2", "-2", "1/2", "-1/2"))
_TILE = 4
#: Up to this share of the multiplications, and from this many channels on each side, it takes less time.
MOST_SHARE, LEAST_CHANNELS = 0.7, 16
_IMAGES = ("NHWC", "HWIO", "NHWC")


def pays(columns: int, places: int, channels: Sequence[int]) -> bool:
    """Whether windows of so many columns at so many neighbouring places are computed faster in this way."""
    tile = _tile(columns)
    if tile < 1 or min(channels) < LEAST_CHANNELS:
        return False
    return -(-places // tile) * (tile + columns - 1) <= MOST_SHARE * places * columns


def numbers(size: tuple[int, int], image: Sequence[int]) -> int:
    """How many numbers `kernel_products` writes for maps of so many rows and columns, for each channel below them."""
    tile = _tile(size[1])
    return image[0] * size[0] * -(-image[1] // tile) * (tile + size[1] - 1)


def convolve(images: Any, kernels: Any, padding: Sequence[tuple[int, int]]) -> Any:
    """A convolution at every place.

    Parameters
    ----------
    images
        Shape (trial, row, column, from).
    kernels
        Shape (row, column, from, to).
    padding
        Rows and columns of zeros before and after; a negative number takes some away.

    Returns
    -------
    jax.Array
        Shape (trial, row, column, to).
    """
    columns = kernels.shape[1]
    rows, across = padding
    places = images.shape[2] + sum(across) - columns + 1
    tile = _tile(columns)
    read, evaluate, interpolate = _matrices(tile, columns)
    tiles = -(-places // tile)
    seen = _combined(read, _columns(images, ((0, 0), across), tile, tiles, len(read)))
    factors = jnp.einsum("pj,ijco->pico", jnp.asarray(evaluate, kernels.dtype), kernels)
    products = [
        lax.conv_general_dilated(part, factor[:, None], (1, 1), (rows, (0, 0)), dimension_numbers=_IMAGES)
        for part, factor in zip(seen, factors, strict=True)
    ]
    received = jnp.stack(_combined(interpolate.T, products), axis=3)
    return received.reshape(*received.shape[:2], tiles * tile, -1)[:, :, :places]


def kernel_products(images: Any, maps: Any, padding: Sequence[tuple[int, int]]) -> Any:
    """The transpose of `convolve` with respect to its kernels.

    Parameters
    ----------
    images
        Shape (trial, row, column, from).
    maps
        Shape (trial, row, column, to).

    Returns
    -------
    jax.Array
        Shape (row, column, from, to).
    """
    height, places = maps.shape[1:3]
    size, columns = (
        length + sum(edges) - there + 1
        for length, edges, there in zip(images.shape[1:3], padding, maps.shape[1:3], strict=True)
    )
    tile = _tile(columns)
    read, evaluate, interpolate = _matrices(tile, columns)
    tiles = -(-places // tile)
    seen = _combined(read, _columns(images, padding, tile, tiles, len(read)))
    given = _combined(interpolate, _columns(maps, ((0, 0), (0, 0)), tile, tiles, tile))

    def product(part: Any, of: Any) -> Any:
        rows = jnp.concatenate([part[:, row : row + height] for row in range(size)], axis=-1)
        return rows.reshape(-1, rows.shape[-1]).T @ of.reshape(-1, of.shape[-1])

    summed = jnp.stack([product(*parts) for parts in zip(seen, given, strict=True)])
    summed = summed.reshape(len(summed), size, images.shape[3], maps.shape[3])
    return jnp.einsum("pj,pico->ijco", jnp.asarray(evaluate, summed.dtype), summed)


def _tile(columns: int) -> int:
    """How many neighbouring results are computed together."""
    return min(_TILE, len(_POINTS) + 2 - columns)


@cache
def _matrices(tile: int, columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How tiles are read and kernels evaluated, and how products make results; each with a row for each point.

    A sliding sum of products is the transpose of a product of polynomials (Lavin & Gray 2016, section 4.1): what
    interpolates there reads here, and what evaluates one factor there adds up here.
    """
    count = tile + columns - 1

    def powers(length: int) -> np.ndarray:
        infinity = [Fraction(power == length - 1) for power in range(length)]
        rows = [[point**power for power in range(length)] for point in _POINTS[: count - 1]]
        return np.array([*rows, infinity], dtype=float)

    read = np.linalg.inv(powers(count)).T
    read[np.abs(read) < 1e-12] = 0.0
    # Numbers of one size round least.
    size = np.abs(read).max(axis=1, keepdims=True)
    return read / size, powers(columns) * size, powers(tile)


def _columns(images: Any, padding: Sequence[tuple[int, int]], tile: int, tiles: int, count: int) -> list[Any]:
    """The first columns of each tile, into the next where needed; each of shape (trial, row, tile, channel)."""
    rows, (before, after) = padding
    whole = tiles + -(-count // tile) - 1
    after += whole * tile - (images.shape[2] + before + after)
    padded = lax.pad(images, jnp.zeros((), images.dtype), ((0, 0, 0), (*rows, 0), (before, after, 0), (0, 0, 0)))
    split = padded.reshape(*padded.shape[:2], whole, tile, padded.shape[3])
    return [split[:, :, column // tile : column // tile + tiles, column % tile] for column in range(count)]


def _combined(matrix: np.ndarray, parts: Sequence[Any]) -> list[Any]:
    """Sums of arrays, a number for each, zeros left out."""
    return [
        sum(factor * part if factor != 1 else part for factor, part in zip(row.tolist(), parts, strict=True) if factor)
        for row in matrix
    ]
