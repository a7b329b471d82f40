"""Spikes that pretend to be differentiable."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def soft_spikes(margin: Any, width: float) -> Any:
    """One where the margin is positive, else zero; differentiated as a fast sigmoid of the given width.

    Source: Zenke & Ganguli (2018), Neural Computation 30:1514, equation 3.
    """
    return (margin > 0).astype(margin.dtype)


@soft_spikes.defjvp
def _derivative(width: float, primals: Any, tangents: Any) -> Any:
    (margin,), (tangent,) = primals, tangents
    return soft_spikes(margin, width), tangent / (width * (1 + jnp.abs(margin) / width) ** 2)
