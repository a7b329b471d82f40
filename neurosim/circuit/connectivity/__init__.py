"""How two populations are connected: the shape of a pathway's weights, and which synapses they make.

A kind is a file here, or in `neurosim.circuit.images`, and an entry of `KINDS`. Everything that depends on it is asked
here: the description of a circuit, its initial weights, the explicit synapses of the Brian2 engine. The batched engine
computes the same maps in `neurosim.engines.batched.kernels.linear_maps`. All that are `listed` are one kind to engines.
"""

from __future__ import annotations

from collections.abc import Mapping

from neurosim.circuit.connectivity.dense import Dense as Dense
from neurosim.circuit.connectivity.explicit import Explicit as Explicit
from neurosim.circuit.connectivity.in_degree import InDegree as InDegree
from neurosim.circuit.connectivity.listed import Listed as Listed
from neurosim.circuit.connectivity.one_to_one import OneToOne as OneToOne
from neurosim.circuit.connectivity.out_degree import OutDegree as OutDegree
from neurosim.circuit.connectivity.per_channel import PerChannel as PerChannel
from neurosim.circuit.connectivity.size import bytes_of as bytes_of
from neurosim.circuit.connectivity.sparse import Sparse as Sparse
from neurosim.circuit.connectivity.where import Where as Where
from neurosim.circuit.images import Convolution, Pooling

Connectivity = Dense | OneToOne | PerChannel | Convolution | Pooling | Listed
#: Every kind by the name that files use.
KINDS: Mapping[str, type[Connectivity]] = {
    "dense": Dense,
    "one_to_one": OneToOne,
    "per_channel": PerChannel,
    "convolution": Convolution,
    "pooling": Pooling,
    "sparse": Sparse,
    "explicit": Explicit,
    "where": Where,
    "in_degree": InDegree,
    "out_degree": OutDegree,
}
#: Kinds without settings, written as one word.
NAMED: dict[str, Connectivity] = {"dense": Dense(), "one_to_one": OneToOne(), "per_channel": PerChannel()}


def is_linear(connectivity: Connectivity) -> bool:
    """Whether what a pathway delivers is a sum over its synapses."""
    return not isinstance(connectivity, Pooling) or connectivity.kind == "average"
