"""Helpers with which metrics run on NumPy and JAX arrays alike, also under ``jax.jit``."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.errors import ArgumentError
from neurosim.untyped import Array, ArrayModule


def namespace(*arrays: Array) -> tuple[Array, ...]:
    """Choose NumPy or JAX, and convert the arrays to its floating-point arrays.

    Returns
    -------
    tuple
        The namespace (``numpy``, ``jax.numpy``), then one array per argument. Nested lists become NumPy
        arrays, and one JAX array among the arguments makes all of them JAX arrays.
    """
    namespaces = [a.__array_namespace__() for a in arrays if hasattr(a, "__array_namespace__")]
    xp: Any = next((module for module in namespaces if module is not np), np)
    converted = [xp.asarray(a) for a in arrays]
    floats = [a if xp.issubdtype(a.dtype, xp.floating) else a.astype(float) for a in converted]
    return (xp, *floats)


def pair(delivered: Array, true: Array, *, same: bool = False) -> tuple[Array, ...]:
    """As `namespace`, for two arrays to compare, whose shapes have to fit.

    Parameters
    ----------
    same
        Whether both have one shape; otherwise the last axis is the same, and the others fit by broadcasting.

    Raises
    ------
    ArgumentError
        Naming both shapes.
    """
    xp, delivered, true = namespace(delivered, true)
    got, wanted = tuple(delivered.shape), tuple(true.shape)
    fits = got == wanted
    if not fits and not same and got and wanted and got[-1] == wanted[-1]:
        fits = all(a == b or 1 in (a, b) for a, b in zip(got[-2::-1], wanted[-2::-1], strict=False))
    if not fits or (not same and not got):
        raise ArgumentError("delivered", _Shape(got), f"an array that fits the shape {wanted} of true")
    return xp, delivered, true


class _Shape(tuple[int, ...]):
    """A shape, shown in messages in place of its array."""

    def __repr__(self) -> str:
        return f"shape {tuple(self)}"


def unit_vectors(xp: ArrayModule, vectors: Array) -> tuple[Array, Array]:
    """Split vectors along the last axis into direction and length.

    Returns
    -------
    tuple
        Unit vectors ``(..., n)``, nan for a zero vector, and lengths ``(...)``.
    """
    # Gradients in float32 are often so small that their squares would vanish.
    largest = xp.max(xp.abs(vectors), axis=-1, keepdims=True)
    safe = xp.where(largest > 0, largest, xp.nan)
    scaled = vectors / safe
    length = xp.sqrt(xp.sum(scaled * scaled, axis=-1, keepdims=True))
    directions = scaled / length
    lengths = xp.where(largest > 0, length * largest, xp.where(xp.isnan(largest), xp.nan, 0.0))
    return directions, lengths[..., 0]
