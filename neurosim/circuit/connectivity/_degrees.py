"""Shared by `in_degree` and `out_degree`: a fixed number of synapses for each neuron."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from neurosim.border import FLAG, check_fields, whole
from neurosim.circuit.connectivity.listed import Pairs, Ruled
from neurosim.circuit.connectivity.size import list_faults
from neurosim.circuit.synapses import Ends
from neurosim.random import stream

if TYPE_CHECKING:
    from typing import Self


@dataclass(frozen=True)
class Degree(Ruled):
    """The same number of synapses at each neuron of one side; see `InDegree` and `OutDegree`."""

    #: Which side has the number, what its neurons do, and the name of the random stream.
    receives: ClassVar[bool]
    label: ClassVar[str]

    k: int
    draw: int = 0
    autapses: bool = True
    transposed: bool = False

    def __post_init__(self) -> None:
        check_fields(self, k=whole(1), draw=whole(0), autapses=FLAG, transposed=FLAG)

    @property
    def reversed(self) -> Self:
        """See `Listed.reversed`."""
        return replace(self, transposed=not self.transposed)

    def forward_faults(self, forward: Ends) -> Iterator[str]:
        """See `Ruled.forward_faults`."""
        what = "receives" if self.receives else "sends"
        yield from degree_faults(self.k, *self._sides(forward), excluded=self._excluded(forward), what=what)

    def forward_pairs(self, forward: Ends) -> Pairs:
        """See `Ruled.forward_pairs`."""
        excluded = self._excluded(forward)
        own, other = drawn(self.k, *self._sides(forward), excluded=excluded, label=self.label, draw=self.draw)
        return (other, own) if self.receives else (own, other)

    def _sides(self, forward: Ends) -> tuple[int, int]:
        """The number of neurons on the side with the fixed degree, and on the other side."""
        return (forward.n_post, forward.n_pre) if self.receives else (forward.n_pre, forward.n_post)

    def _excluded(self, forward: Ends) -> bool:
        return forward.recurrent and not self.autapses

    def __str__(self) -> str:
        way = "to" if self.receives else "from"
        return f"{self.k} synapses {way} each neuron{self._ending(self.draw, autapses=self.autapses)}"


def degree_faults(k: int, neurons: int, others: int, *, excluded: bool, what: str) -> Iterator[str]:
    """Faults of a degree: each of `neurons` neurons has `k` synapses, each with another of `others` neurons."""
    if k > (most := others - excluded):
        but = " but itself" if excluded else ""
        yield f"each neuron {what} {k:,} synapses; expected at most {most:,}, one with each of {others:,} neurons{but}"
    else:
        yield from list_faults(k * neurons, remedy="use fewer synapses a neuron, or fewer neurons")


def drawn(k: int, neurons: int, others: int, *, excluded: bool, label: str, draw: int) -> Pairs:
    """For each of `neurons`, `k` different ones of `others`, in rising order.

    Returns
    -------
    tuple of numpy.ndarray
        The neuron and the other, shape (neurons*k,) each.
    """
    generator = stream(draw, label, k, neurons, others, *(("no autapses",) if excluded else ()))
    partners = np.empty((neurons, k), np.int64)
    for neuron in range(neurons):
        chosen = generator.choice(others - excluded, k, replace=False, shuffle=False)
        partners[neuron] = chosen + (chosen >= neuron) if excluded else chosen
    return np.repeat(np.arange(neurons), k), np.sort(partners, axis=1).ravel()
