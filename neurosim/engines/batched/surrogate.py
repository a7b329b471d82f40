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


@jax.custom_jvp
def expected_spikes(margin: Any) -> Any:
    """One where the margin is positive, else zero; differentiated as its expectation.

    For a margin that is a probability minus a uniform random number the expectation is that probability, so the
    derivative of the spike is the margin's own: Bengio, Leonard & Courville (2013), arXiv 1308.3432, section 4.
    """
    return (margin > 0).astype(margin.dtype)


@expected_spikes.defjvp
def _expectation(primals: Any, tangents: Any) -> Any:
    return expected_spikes(*primals), tangents[0]
