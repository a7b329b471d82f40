"""A list of synapses that joins many of all pairs, as a matrix with holes."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurosim.circuit.connectivity.dense import Dense
from neurosim.circuit.connectivity.listed import Listed
from neurosim.circuit.synapses import Ends, Synapses


@dataclass(frozen=True)
class Masked(Dense):
    """The synapses of a list, with weights ``(n_post, n_pre)`` that are zero where there is none.

    No circuit of a user has it: an engine puts it in the place of a list for which a matrix is quicker.
    """

    listing: Listed

    @property
    def reversed(self) -> Masked:
        """See `Dense.reversed`."""
        return Masked(self.listing.reversed)

    def faults(self, ends: Ends) -> Iterator[str]:
        """See `Dense.faults`."""
        yield from self.listing.faults(ends)

    def fans(self, ends: Ends) -> tuple[int, int]:
        """See `Dense.fans`."""
        return self.listing.fans(ends)

    def synapses(self, ends: Ends) -> Synapses:
        """See `Dense.synapses`; in the order of the list."""
        made = self.listing.synapses(ends)
        return Synapses(made.pre, made.post, made.post * ends.n_pre + made.pre)

    def mask(self, ends: Ends) -> np.ndarray:
        """One where there is a synapse, else zero, ``(n_post, n_pre)``."""
        return _mask(self, ends)

    def __str__(self) -> str:
        return str(self.listing)


@functools.lru_cache(maxsize=16)
def _mask(connectivity: Masked, ends: Ends) -> np.ndarray:
    made, mask = connectivity.listing.synapses(ends), np.zeros((ends.n_post, ends.n_pre), np.float32)
    mask[made.post, made.pre] = 1
    return mask
