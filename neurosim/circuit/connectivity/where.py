"""Pairs of neurons whose numbers meet a condition."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from neurosim.border import FLAG, check_fields, set_fields, whole
from neurosim.border.arguments import NUMBER, TEXT
from neurosim.circuit.connectivity.listed import Pairs, Ruled
from neurosim.circuit.connectivity.size import list_faults
from neurosim.circuit.pair_text import PairText
from neurosim.circuit.synapses import Ends
from neurosim.errors import CircuitError, NeurosimError
from neurosim.random import stream

#: Pairs that are looked at together.
BLOCK = 1 << 20
#: Pairs that are looked at at all, in some minutes.
_MOST_PAIRS = 1 << 33


@dataclass(frozen=True)
class Where(Ruled):
    """Each pair of neurons that meets a condition, with the same probability; weights ``(n_synapses,)``.

    As Brian2's ``connect(condition=..., p=...)``, in the same order: by the neuron before the synapse first. Pairs are
    looked at block by block, so that memory holds the synapses only.

    Attributes
    ----------
    condition
        A condition in ``i`` and ``j``, the numbers of the neurons before and behind the synapse, and ``N_pre`` and
        ``N_post``, how many there are.
    p
        The probability of a synapse where the condition is met: a number, or an expression in the same names, such as
        ``"exp(-(i - j)**2/100)"``.
    draw
        Number of the draw: which pairs have a synapse is a function of this, `p`, the condition and the sizes.
    transposed
        Whether it leads back along the same synapses. The condition stays that of the way forth.

    Raises
    ------
    EquationError
        With line and column, if the text is no such condition.

    Examples
    --------
    >>> from neurosim.circuit.synapses import Ends
    >>> made = Where("i != j and abs(i - j) < 2").synapses(Ends(3, 3))
    >>> made.pre.tolist(), made.post.tolist()
    ([0, 1, 1, 2], [1, 0, 2, 1])
    """

    condition: str
    p: float | str = 1.0
    draw: int = 0
    transposed: bool = False

    def __post_init__(self) -> None:
        check_fields(self, condition=TEXT, p=TEXT if isinstance(self.p, str) else NUMBER)
        check_fields(self, draw=whole(0), transposed=FLAG)
        set_fields(self, condition=self._text.text)  # is read now, so that its place is told here
        if self._chance is not None:
            set_fields(self, p=self._chance.text)

    @functools.cached_property
    def _text(self) -> PairText:
        return PairText(self.condition, "the condition of synapses")

    @functools.cached_property
    def _chance(self) -> PairText | None:
        """The probability, if it is text."""
        return PairText(self.p, "the probability of synapses") if isinstance(self.p, str) else None

    @property
    def reversed(self) -> Where:
        """See `Listed.reversed`."""
        return replace(self, transposed=not self.transposed)

    def forward_faults(self, forward: Ends) -> Iterator[str]:
        """See `Ruled.forward_faults`."""
        if not isinstance(self.p, str) and not 0 < self.p <= 1:
            yield f"a synapse with probability {self.p:g}; expected more than 0 and at most 1"
            return
        try:
            self._text.check_condition()
            if self._chance is not None:
                self._chance.check_unit("1")
        except NeurosimError as error:
            yield str(error)
            return
        if (pairs := forward.n_pre * forward.n_post) > _MOST_PAIRS:
            yield (
                f"the condition would be tried on {pairs:,} pairs of neurons; expected at most {_MOST_PAIRS:,}: list "
                "the synapses by Explicit"
            )

    def none_at_all(self) -> str:
        """See `Listed.none_at_all`."""
        return f"no synapse at all where '{self.condition}'{f' with probability {self.p}' if self.p != 1 else ''}"

    def forward_pairs(self, forward: Ends) -> Pairs:
        """See `Ruled.forward_pairs`.

        Raises
        ------
        CircuitError
            If there are more than fit into memory, or a probability is none.
        """
        generator = stream(self.draw, "where", self.condition, forward.n_pre, forward.n_post)
        text, rows, total = self._text, max(1, BLOCK // forward.n_post), 0
        pairs: list[Pairs] = []
        for first in range(0, forward.n_pre, rows):
            i = np.arange(first, min(first + rows, forward.n_pre))
            met = text.evaluated(i[:, None], np.arange(forward.n_post)[None, :], forward)
            pre, post = np.nonzero(met)
            pre = pre + first
            if self.p != 1:
                # One number for each pair that meets the condition, in order: whatever the size of a block.
                chosen = generator.random(len(pre)) < self._probabilities(pre, post, forward)
                pre, post = pre[chosen], post[chosen]
            pairs.append((pre, post))
            total += len(pre)
            for fault in list_faults(total, remedy="use a condition that fewer pairs meet, or a lower p"):
                raise CircuitError(f"where '{self.condition}': at least {fault}")
        return np.concatenate([pre for pre, _ in pairs]), np.concatenate([post for _, post in pairs])

    def _probabilities(self, pre: np.ndarray, post: np.ndarray, forward: Ends) -> np.ndarray | float:
        if self._chance is None:
            return float(self.p)
        chances = self._chance.evaluated(pre, post, forward)
        wrong = np.flatnonzero(~((chances >= 0) & (chances <= 1)))
        if len(wrong):
            place = wrong[0]
            raise CircuitError(
                f"p = '{self.p}' is {chances[place]:g} from neuron {pre[place]} to neuron {post[place]}; expected 0 to "
                "1, as clip(..., 0, 1) makes it"
            )
        return chances

    def __str__(self) -> str:
        shown = f"{self.p:g}" if isinstance(self.p, float) else self.p
        drawn = f", p = {shown}{self._ending(self.draw)}" if self.p != 1 else self._ending()
        return f"where {self.condition}{drawn}"
