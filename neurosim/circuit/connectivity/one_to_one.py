"""Each neuron to the neuron with the same index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurosim.circuit.synapses import Ends, Synapses


@dataclass(frozen=True)
class OneToOne:
    """Each neuron to the neuron with the same index; weights ``(n,)``.

    Examples
    --------
    >>> str(OneToOne())
    'one to one'
    """

    shared = False
    weighted = True
    listed = False

    @property
    def reversed(self) -> OneToOne:
        """See `neurosim.circuit.connectivity.Dense.reversed`."""
        return self

    def faults(self, ends: Ends) -> Iterator[str]:
        """See `neurosim.circuit.connectivity.Dense.faults`."""
        if ends.n_pre != ends.n_post:
            yield f"one_to_one needs equal sizes, got {ends.n_pre} -> {ends.n_post}"

    def weights_shape(self, ends: Ends) -> tuple[int, ...]:
        """See `neurosim.circuit.connectivity.Dense.weights_shape`."""
        return (ends.n_post,)

    def positions(self, ends: Ends) -> int:
        """See `neurosim.circuit.connectivity.Dense.positions`."""
        return 1

    def fans(self, ends: Ends) -> tuple[int, int]:
        """Those of a dense pathway of this size, so that both draw weights of the same width."""
        return ends.n_pre, ends.n_post

    def indices(self, ends: Ends) -> tuple[np.ndarray, np.ndarray]:
        """See `neurosim.circuit.connectivity.Dense.indices`."""
        return np.arange(ends.n_pre), np.arange(ends.n_pre)

    def synapses(self, ends: Ends) -> Synapses:
        """See `neurosim.circuit.connectivity.Dense.synapses`."""
        index = np.arange(ends.n_pre)
        return Synapses(index, index, index)

    def __str__(self) -> str:
        return "one to one"
