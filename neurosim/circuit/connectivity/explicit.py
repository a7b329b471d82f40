"""Synapses that are listed by the user."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurosim.border import check_fields
from neurosim.circuit.connectivity.listed import Listed, Pairs
from neurosim.circuit.connectivity.size import MOST_SYNAPSES
from neurosim.circuit.content import digest, unchanging
from neurosim.circuit.synapses import Ends
from neurosim.errors import ArgumentError
from neurosim.units import is_quantity
from neurosim.untyped import UserValue


@dataclass(frozen=True, eq=False)
class Explicit(Listed):
    """Synapses between the neurons of two lists; weights ``(n_synapses,)`` in their order.

    As with Brian2's ``connect(i=pre, j=post)``, several synapses may join the same two neurons, each with a weight of
    its own. Equal if the lists hold the same numbers.

    Attributes
    ----------
    pre, post
        The numbers of the neurons before and behind each synapse, counted from zero.

    Raises
    ------
    ArgumentError
        If one is no list of whole numbers from zero, or they are of different lengths.

    Examples
    --------
    >>> ring = Explicit(pre=np.arange(5), post=(np.arange(5) + 1) % 5)
    >>> str(ring).split(",")[0], ring == Explicit([0, 1, 2, 3, 4], [1, 2, 3, 4, 0])
    ('5 listed synapses', True)
    """

    pre: UserValue
    post: UserValue

    repeats = True

    def __post_init__(self) -> None:
        check_fields(self, pre=_neurons, post=_neurons)
        if len(self.pre) != len(self.post):
            raise ArgumentError(
                "Explicit.post", self.post, f"{len(self.pre):,} numbers, as in Explicit.pre, not {len(self.post):,}"
            )
        if len(self.pre) > MOST_SYNAPSES:
            raise ArgumentError("Explicit.pre", self.pre, f"at most {MOST_SYNAPSES:,} synapses, not {len(self.pre):,}")

    @functools.cached_property
    def content(self) -> str:
        """Digest of the lists, by which they are compared."""
        return digest(self.pre, self.post)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Explicit) and self.content == other.content

    def __hash__(self) -> int:
        return hash(self.content)

    @property
    def reversed(self) -> Explicit:
        """See `Listed.reversed`."""
        return self._reversed

    @functools.cached_property
    def _reversed(self) -> Explicit:
        return Explicit(self.post, self.pre)

    def settings_faults(self, ends: Ends) -> Iterator[str]:
        """See `Listed.settings_faults`."""
        for side, numbers, size in (("pre", self.pre, ends.n_pre), ("post", self.post, ends.n_post)):
            if len(numbers) and (largest := int(numbers.max())) >= size:
                place = int(np.argmax(numbers))
                yield f"{side}[{place}] is neuron {largest:,}; expected 0 to {size - 1:,}, the population has {size:,}"

    def pairs(self, ends: Ends) -> Pairs:
        """See `Listed.pairs`."""
        return self.pre, self.post

    def __str__(self) -> str:
        return f"{len(self.pre):,} listed synapses, {self.content}"


def _neurons(name: str, value: UserValue) -> np.ndarray:
    """Numbers of neurons as a list that nobody changes."""
    expected = "a list or an array of whole numbers, the neurons counted from zero"
    try:
        numbers = np.asarray(value)
    except (TypeError, ValueError) as error:  # lists of unequal lengths
        raise ArgumentError(name, value, expected) from error
    if numbers.ndim != 1 or is_quantity(value):
        raise ArgumentError(name, value, expected)
    if not numbers.size:
        return unchanging(np.zeros(0, np.int64))
    if numbers.dtype.kind not in "iuf" or not np.all(np.isfinite(numbers)) or np.any(numbers % 1):
        raise ArgumentError(name, value, expected)
    if numbers.min() < 0 or numbers.max() > MOST_SYNAPSES:
        worst = int(np.argmin(numbers) if numbers.min() < 0 else np.argmax(numbers))
        raise ArgumentError(f"{name}[{worst}]", numbers[worst].item(), "the number of a neuron, counted from zero")
    return unchanging(numbers.astype(np.int64))
