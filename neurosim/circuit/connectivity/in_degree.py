"""The same number of synapses to each neuron."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from neurosim.border import FLAG, check_fields, whole
from neurosim.circuit.connectivity._degrees import degree_faults, drawn
from neurosim.circuit.connectivity.listed import Pairs, Ruled
from neurosim.circuit.synapses import Ends


@dataclass(frozen=True)
class InDegree(Ruled):
    """Each neuron receives the same number of synapses, from different ones; weights ``(n_synapses,)``.

    Attributes
    ----------
    k
        How many.
    draw
        Number of the draw: which neurons they are is a function of this, `k` and the sizes alone.
    autapses
        Whether a neuron may have a synapse with itself, within one population.
    transposed
        Whether it leads back along the same synapses.

    Examples
    --------
    >>> from neurosim.circuit.synapses import Ends
    >>> made = InDegree(3, autapses=False).synapses(Ends(5, 5, recurrent=True))
    >>> sorted(made.post.tolist())
    [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    """

    k: int
    draw: int = 0
    autapses: bool = True
    transposed: bool = False

    def __post_init__(self) -> None:
        check_fields(self, k=whole(1), draw=whole(0), autapses=FLAG, transposed=FLAG)

    @property
    def reversed(self) -> InDegree:
        """See `Listed.reversed`."""
        return replace(self, transposed=not self.transposed)

    def forward_faults(self, forward: Ends) -> Iterator[str]:
        """See `Ruled.forward_faults`."""
        excluded = forward.recurrent and not self.autapses
        yield from degree_faults(self.k, forward.n_post, forward.n_pre, excluded=excluded, what="receives")

    def forward_pairs(self, forward: Ends) -> Pairs:
        """See `Ruled.forward_pairs`."""
        excluded = forward.recurrent and not self.autapses
        post, pre = drawn(self.k, forward.n_post, forward.n_pre, excluded=excluded, label="in_degree", draw=self.draw)
        return pre, post

    def __str__(self) -> str:
        return f"{self.k} synapses to each neuron{self._ending(self.draw, autapses=self.autapses)}"
