"""Every neuron to every neuron of an image; all positions of a channel share their weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurosim.circuit.synapses import Ends, Synapses


@dataclass(frozen=True)
class PerChannel:
    """Every neuron to every neuron of an image; all positions of a channel share their weights.

    Weights ``(channels, n_pre)``: from a unit that is always on, one bias for each channel.
    """

    shared = True
    weighted = True
    listed = False

    @property
    def reversed(self) -> None:
        """None: the channels of an image are one way only."""
        return None

    def faults(self, ends: Ends) -> Iterator[str]:
        """See `neurosim.circuit.connectivity.Dense.faults`."""
        if ends.post is None:
            yield "weights for each channel need a target population with a shape (height, width, channels)"

    def weights_shape(self, ends: Ends) -> tuple[int, ...]:
        """See `neurosim.circuit.connectivity.Dense.weights_shape`."""
        return (ends.post_image[2], ends.n_pre)

    def positions(self, ends: Ends) -> int:
        """See `neurosim.circuit.connectivity.Dense.positions`."""
        return math.prod(ends.post_image[:2])

    def fans(self, ends: Ends) -> tuple[int, int]:
        """See `neurosim.circuit.connectivity.Dense.fans`."""
        return ends.n_pre, ends.n_post

    def indices(self, ends: Ends) -> None:
        """See `neurosim.circuit.connectivity.Dense.indices`; none, as synapses share weights."""
        return None

    def synapses(self, ends: Ends) -> Synapses:
        """See `neurosim.circuit.connectivity.Dense.synapses`."""
        pre = np.repeat(np.arange(ends.n_pre), ends.n_post)
        post = np.tile(np.arange(ends.n_post), ends.n_pre)
        return Synapses(pre, post, post % ends.post_image[2] * ends.n_pre + pre)

    def __str__(self) -> str:
        return "each channel the same"
