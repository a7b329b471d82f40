"""How much memory weights and lists of synapses take, asked before any are drawn."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from neurosim.circuit.synapses import Ends
from neurosim.gate.limits import memory, shown

if TYPE_CHECKING:
    from neurosim.circuit.connectivity import Connectivity

#: Bytes of a weight, in double precision.
WEIGHT = 8
#: Bytes of a synapse in a list: both ends and the number of its weight.
LISTED = 24
#: Neurons are numbered by integers of 32 bits where synapses are gathered, and so are synapses.
MOST_SYNAPSES = 2**31 - 1


def bytes_of(connectivity: Connectivity, ends: Ends, *, copies: int = 1) -> int:
    """Bytes that a pathway's weights take in double precision, with the list of its synapses if it has one.

    Parameters
    ----------
    connectivity, ends
        The kind, and the populations that it joins; both are checked.
    copies
        Copies of the weights, such as one for each trial. There is one list of synapses whatever their number.
    """
    weights = math.prod(connectivity.weights_shape(ends))
    return copies * weights * WEIGHT + (weights * LISTED if connectivity.listed else 0)


def most_bytes() -> int:
    """Bytes that one pathway may take: half of this machine's memory."""
    return memory() // 2


def matrix_faults(ends: Ends) -> Iterator[str]:
    """One sentence, if a dense matrix of weights does not fit."""
    if (size := ends.n_pre * ends.n_post * WEIGHT) > most_bytes():
        yield (
            f"a matrix of {ends.n_post:,} x {ends.n_pre:,} weights takes {shown(size)}, and a pathway may take "
            f"{shown(most_bytes())}, half of this machine's memory; connect fewer neurons, or those of a list: Sparse, "
            "InDegree, OutDegree, Where or Explicit"
        )


def list_faults(count: float, *, drawing: float = 0.0, remedy: str) -> Iterator[str]:
    """One sentence, if a list of synapses does not fit.

    Parameters
    ----------
    count
        How many synapses, or how many are expected.
    drawing
        Bytes that are needed while they are drawn.
    remedy
        What makes fewer.
    """
    size = int(max(count * (LISTED + WEIGHT), drawing))
    if count > MOST_SYNAPSES:
        yield f"{int(count):,} synapses ({shown(size)}); expected at most {MOST_SYNAPSES:,}: {remedy}"
    elif size > most_bytes():
        yield (
            f"{int(count):,} synapses take {shown(size)}, and a pathway may take {shown(most_bytes())}, half of this "
            f"machine's memory; {remedy}"
        )
