"""The same number of synapses from each neuron."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from neurosim.circuit.connectivity._degrees import Degree


@dataclass(frozen=True)
class OutDegree(Degree):
    """Each neuron sends the same number of synapses, to different ones; weights ``(n_synapses,)``.

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
    >>> made = OutDegree(3, autapses=False).synapses(Ends(5, 5, recurrent=True))
    >>> sorted(made.pre.tolist())
    [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    """

    receives: ClassVar[bool] = False
    label: ClassVar[str] = "out_degree"
