"""Each pair of neurons with the same probability."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neurosim.border import FLAG, check_fields, optional, whole
from neurosim.border.arguments import NUMBER, several
from neurosim.circuit.connectivity.listed import Pairs, Ruled
from neurosim.circuit.connectivity.size import list_faults
from neurosim.circuit.synapses import Ends
from neurosim.random import stream

#: NumPy draws so large a share of numbers without repetition from a list of all of them.
_LISTED_SHARE = 1 / 50


@dataclass(frozen=True)
class Sparse(Ruled):
    """Each pair of neurons with the same probability, independently of all others; weights ``(n_synapses,)``.

    Attributes
    ----------
    probability
        Probability of a synapse between two neurons.
    draw
        Number of the draw: which pairs have a synapse is a function of this, the probability and the sizes alone.
    senders
        The first and the one past the last of the neurons of the source that send; all by default.
    transposed
        Whether it leads back along the same synapses.
    autapses
        Whether a neuron may have a synapse with itself, within one population.

    Examples
    --------
    >>> from neurosim.circuit.synapses import Ends
    >>> made = Sparse(0.1, autapses=False).synapses(Ends(100, 100, recurrent=True))
    >>> len(made.pre), bool(np.any(made.pre == made.post))
    (1020, False)
    """

    probability: float
    draw: int = 0
    senders: tuple[int, int] | None = None
    transposed: bool = False
    autapses: bool = True

    def __post_init__(self) -> None:
        neuron = whole(0)
        check_fields(self, probability=NUMBER, draw=whole(0), senders=optional(several(neuron)))
        check_fields(self, transposed=FLAG, autapses=FLAG)

    @property
    def reversed(self) -> Sparse:
        """See `Listed.reversed`."""
        return replace(self, transposed=not self.transposed)

    def forward_faults(self, forward: Ends) -> Iterator[str]:
        """See `Ruled.forward_faults`."""
        if not 0 < self.probability <= 1:
            yield f"a synapse with probability {self.probability:g}; expected more than 0 and at most 1"
            return
        senders: Any = self.senders
        if senders is not None and not (len(senders) == 2 and 0 <= senders[0] < senders[1] <= forward.n_pre):
            yield f"senders {' to '.join(map(str, senders))}; expected a part of 0 to {forward.n_pre}"
            return
        first, last, receivers = self._pairs(forward)
        pairs = (last - first) * receivers
        drawing = pairs * 8 if self.probability > _LISTED_SHARE else 0
        remedy = "use a lower probability, fewer neurons, or InDegree, which needs no list of all pairs"
        yield from list_faults(pairs * self.probability, drawing=drawing, remedy=remedy)

    def none_at_all(self) -> str:
        """See `Listed.none_at_all`."""
        return f"no synapse at all with probability {self.probability:g}; use another draw, or a higher probability"

    def forward_pairs(self, forward: Ends) -> Pairs:
        """See `Ruled.forward_pairs`."""
        first, last, receivers = self._pairs(forward)
        pairs = (last - first) * receivers
        without = ("no autapses",) if receivers < forward.n_post else ()
        generator = stream(self.draw, "sparse", first, last, forward.n_pre, forward.n_post, *without)
        count = generator.binomial(pairs, self.probability)
        chosen = np.sort(generator.choice(pairs, count, replace=False, shuffle=False))
        pre, post = first + chosen // receivers, chosen % receivers
        return pre, post + (post >= pre) if without else post

    def _pairs(self, forward: Ends) -> tuple[int, int, int]:
        """The first sender, one past the last sender, and the number of neurons that each may reach."""
        first, last = self.senders or (0, forward.n_pre)
        return first, last, forward.n_post - (forward.recurrent and not self.autapses)

    def __str__(self) -> str:
        senders = f" of neurons {self.senders[0]} to {self.senders[1] - 1}" if self.senders is not None else ""
        return f"sparse {self.probability:g}{senders}{self._ending(self.draw, autapses=self.autapses)}"
