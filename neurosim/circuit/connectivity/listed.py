"""Listed synapses: the base of all connectivities whose weights are a list, ``(n_synapses,)``."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Self

import numpy as np

from neurosim.circuit.synapses import Ends, Synapses
from neurosim.errors import CircuitError

Pairs = tuple[np.ndarray, np.ndarray]


class Listed(ABC):
    """A list of synapses; a kind says which they are (`pairs`) and what is wrong with its settings (`settings_faults`).

    Engines ask for `listed` and never for a kind: all of them gather by the two ends of each synapse, and sum.
    """

    shared = False
    weighted = True
    listed = True
    #: Whether several synapses may join the same two neurons.
    repeats = False

    @property
    @abstractmethod
    def reversed(self) -> Self:
        """See `neurosim.circuit.connectivity.Dense.reversed`: the same list with its ends exchanged, in its order."""

    @abstractmethod
    def settings_faults(self, ends: Ends) -> Iterator[str]:
        """Faults of the settings, each as one sentence, before anything is drawn."""

    @abstractmethod
    def pairs(self, ends: Ends) -> Pairs:
        """The neurons before and behind each synapse."""

    def none_at_all(self) -> str:
        """The sentence of a list without synapses."""
        return f"no synapse at all ({self})"

    def faults(self, ends: Ends) -> Iterator[str]:
        """See `neurosim.circuit.connectivity.Dense.faults`."""
        wrong = list(self.settings_faults(ends))
        yield from wrong
        if wrong:
            return
        try:
            if not len(self.synapses(ends).pre):
                yield self.none_at_all()
        except CircuitError as error:  # more than fit, which only drawing them tells
            yield str(error)

    def weights_shape(self, ends: Ends) -> tuple[int, ...]:
        """See `neurosim.circuit.connectivity.Dense.weights_shape`."""
        return self.synapses(ends).pre.shape

    def positions(self, ends: Ends) -> int:
        """See `neurosim.circuit.connectivity.Dense.positions`."""
        return 1

    def fans(self, ends: Ends) -> tuple[int, int]:
        """See `neurosim.circuit.connectivity.Dense.fans`."""
        made = self.synapses(ends)
        return int(np.bincount(made.post).max()), int(np.bincount(made.pre).max())

    def indices(self, ends: Ends) -> Pairs:
        """See `neurosim.circuit.connectivity.Dense.indices`."""
        made = self.synapses(ends)
        return made.pre, made.post

    def synapses(self, ends: Ends) -> Synapses:
        """See `neurosim.circuit.connectivity.Dense.synapses`; in the order of the list."""
        return _synapses(self, ends)


class Ruled(Listed):
    """A list that follows from settings and the sizes: `forward_pairs`, or the same the other way round.

    Attributes
    ----------
    transposed
        Whether it leads back along the same synapses; such a one is made by `reversed`.
    """

    transposed: bool

    @abstractmethod
    def forward_faults(self, forward: Ends) -> Iterator[str]:
        """Faults of the settings, for ends in the direction of the settings."""

    @abstractmethod
    def forward_pairs(self, forward: Ends) -> Pairs:
        """The neurons of each synapse, in the direction of the settings."""

    def settings_faults(self, ends: Ends) -> Iterator[str]:
        """See `Listed.settings_faults`."""
        yield from self.forward_faults(ends.reversed if self.transposed else ends)

    def pairs(self, ends: Ends) -> Pairs:
        """See `Listed.pairs`."""
        pre, post = self.forward_pairs(ends.reversed if self.transposed else ends)
        return (post, pre) if self.transposed else (pre, post)

    def _ending(self, draw: int | None = None, *, autapses: bool = True) -> str:
        """The common end of printed settings."""
        parts = ["" if autapses else ", no autapses", "" if draw is None else f", draw {draw}"]
        return "".join([*parts, ", transposed" if self.transposed else ""])


@functools.lru_cache(maxsize=16)
def _synapses(connectivity: Listed, ends: Ends) -> Synapses:
    pre, post = connectivity.pairs(ends)
    return Synapses(pre, post, np.arange(len(pre)), repeated=connectivity.repeats)
