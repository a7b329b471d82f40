"""Spikes that pretend to be differentiable."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from neurosim.circuit.wiring import Wiring
from neurosim.engines.setting import Setting

#: Width of the pseudo-derivative where the setting names none: a tenth of the distance of rest and threshold.
SURROGATE_WIDTH = 0.1


def with_surrogate(circuit: Wiring, setting: Setting, width: float | None = None) -> Setting:
    """The setting with a width of the pseudo-derivative: this one if given; else, of what spikes, its own or another.

    A circuit in which nothing spikes needs none.
    """
    spiking = any(population.model.threshold is not None for population in circuit.populations)
    if not spiking or (width is None and setting.surrogate_width is not None):
        return setting
    return replace(setting, surrogate_width=SURROGATE_WIDTH if width is None else width)


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


def told_spikes(margin: Any, crossed: Any, pseudo_derivative: Any) -> Any:
    """One where the threshold is crossed, else zero; differentiated as the neuron's own equations say."""
    spikes = jnp.asarray(crossed).astype(margin.dtype)
    return spikes + jax.lax.stop_gradient(pseudo_derivative) * (margin - jax.lax.stop_gradient(margin))
