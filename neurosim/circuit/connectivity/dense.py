"""Every neuron to every neuron."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurosim.circuit.connectivity.size import matrix_faults
from neurosim.circuit.synapses import Ends, Synapses


@dataclass(frozen=True)
class Dense:
    """Every neuron of the one population to every neuron of the other; weights ``(n_post, n_pre)``.

    Examples
    --------
    >>> Dense().weighted, Dense() == Dense()
    (True, True)
    """

    shared = False
    weighted = True
    listed = False

    @property
    def reversed(self) -> Dense:
        """The connectivity whose synapses lead back."""
        return self

    def faults(self, ends: Ends) -> Iterator[str]:
        """Faults, each as one sentence; nothing large is made."""
        yield from matrix_faults(ends)

    def weights_shape(self, ends: Ends) -> tuple[int, ...]:
        """The shape of the array of weights."""
        return (ends.n_post, ends.n_pre)

    def positions(self, ends: Ends) -> int:
        """How many synapses share each weight."""
        return 1

    def fans(self, ends: Ends) -> tuple[int, int]:
        """The most synapses that a neuron receives, and that a neuron sends."""
        return ends.n_pre, ends.n_post

    def indices(self, ends: Ends) -> tuple[np.ndarray, np.ndarray]:
        """Presynaptic and postsynaptic neuron of each weight, broadcastable to the weights' shape."""
        return np.arange(ends.n_pre)[None, :], np.arange(ends.n_post)[:, None]

    def synapses(self, ends: Ends) -> Synapses:
        """All synapses, by presynaptic neuron first."""
        pre = np.repeat(np.arange(ends.n_pre), ends.n_post)
        post = np.tile(np.arange(ends.n_post), ends.n_pre)
        return Synapses(pre, post, post * ends.n_pre + pre)

    def __str__(self) -> str:
        return ""
