"""How two populations are connected: the shape of a pathway's weights, and which synapses they make.

Everything that depends on it is asked here: the description of a circuit, its initial weights, the explicit synapses
of the Brian2 engine. The batched engine computes the same maps in `neurosim.engines.batched.kernels.linear_maps`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from neurosim.circuit.images import Convolution, Pooling
from neurosim.circuit.synapses import Ends, Synapses
from neurosim.random import stream


@dataclass(frozen=True)
class Dense:
    """Every neuron of the one population to every neuron of the other; weights ``(n_post, n_pre)``."""

    shared = False
    weighted = True

    @property
    def reversed(self) -> Dense:
        """The connectivity whose synapses lead back."""
        return self

    def faults(self, ends: Ends) -> Iterator[str]:
        """What does not fit, each as one sentence."""
        return iter(())

    def weights_shape(self, ends: Ends) -> tuple[int, ...]:
        """The shape of the array of weights."""
        return (ends.n_post, ends.n_pre)

    def positions(self, ends: Ends) -> int:
        """How many synapses share each weight."""
        return 1

    def fans(self, ends: Ends) -> tuple[int, int]:
        """The most synapses that a neuron receives, and that a neuron sends."""
        return ends.n_pre, ends.n_post

    def synapses(self, ends: Ends) -> Synapses:
        """All synapses, by presynaptic neuron first."""
        pre = np.repeat(np.arange(ends.n_pre), ends.n_post)
        post = np.tile(np.arange(ends.n_post), ends.n_pre)
        return Synapses(pre, post, post * ends.n_pre + pre)

    def __str__(self) -> str:
        return ""


@dataclass(frozen=True)
class OneToOne:
    """Every neuron to the one of the same number; weights ``(n,)``."""

    shared = False
    weighted = True

    @property
    def reversed(self) -> OneToOne:
        """See `Dense.reversed`."""
        return self

    def faults(self, ends: Ends) -> Iterator[str]:
        """See `Dense.faults`."""
        if ends.n_pre != ends.n_post:
            yield f"one_to_one needs equal sizes, got {ends.n_pre} -> {ends.n_post}"

    def weights_shape(self, ends: Ends) -> tuple[int, ...]:
        """See `Dense.weights_shape`."""
        return (ends.n_post,)

    def positions(self, ends: Ends) -> int:
        """See `Dense.positions`."""
        return 1

    def fans(self, ends: Ends) -> tuple[int, int]:
        """Those of a dense pathway of this size, so that both draw weights of the same width."""
        return ends.n_pre, ends.n_post

    def synapses(self, ends: Ends) -> Synapses:
        """See `Dense.synapses`."""
        index = np.arange(ends.n_pre)
        return Synapses(index, index, index)

    def __str__(self) -> str:
        return "one to one"


@dataclass(frozen=True)
class PerChannel:
    """Every neuron to every one of an image, by weights that all positions of a channel share.

    Weights ``(channels, n_pre)``: from a unit that is always on, one bias for each channel.
    """

    shared = True
    weighted = True

    @property
    def reversed(self) -> None:
        """None: the channels of an image are one way only."""
        return None

    def faults(self, ends: Ends) -> Iterator[str]:
        """See `Dense.faults`."""
        if ends.post is None:
            yield "weights for each channel need a target population with a shape (height, width, channels)"

    def weights_shape(self, ends: Ends) -> tuple[int, ...]:
        """See `Dense.weights_shape`."""
        return (ends.post_image[2], ends.n_pre)

    def positions(self, ends: Ends) -> int:
        """See `Dense.positions`."""
        return math.prod(ends.post_image[:2])

    def fans(self, ends: Ends) -> tuple[int, int]:
        """See `Dense.fans`."""
        return ends.n_pre, ends.n_post

    def synapses(self, ends: Ends) -> Synapses:
        """See `Dense.synapses`."""
        pre = np.repeat(np.arange(ends.n_pre), ends.n_post)
        post = np.tile(np.arange(ends.n_post), ends.n_pre)
        return Synapses(pre, post, post % ends.post_image[2] * ends.n_pre + pre)

    def __str__(self) -> str:
        return "each channel the same"


@dataclass(frozen=True)
class Sparse:
    """Each pair of neurons with the same probability, independently of all others; weights ``(n_synapses,)``.

    Attributes
    ----------
    probability
        Of a synapse between two neurons.
    draw
        Number of the draw: which pairs have a synapse is a function of this, the probability and the sizes alone.
    senders
        The first and the one past the last of the neurons of the source that send; all by default.
    transposed
        Whether it leads back along the same synapses.
    """

    probability: float
    draw: int = 0
    senders: tuple[int, int] | None = None
    transposed: bool = False

    shared = False
    weighted = True

    @property
    def reversed(self) -> Sparse:
        """See `Dense.reversed`."""
        return replace(self, transposed=not self.transposed)

    def faults(self, ends: Ends) -> Iterator[str]:
        """See `Dense.faults`."""
        if not 0 < self.probability <= 1:
            yield f"a synapse with probability {self.probability:g}; expected more than 0 and at most 1"
            return
        n_pre = (ends.reversed if self.transposed else ends).n_pre
        if self.senders is not None and not 0 <= self.senders[0] < self.senders[1] <= n_pre:
            yield f"senders {self.senders[0]} to {self.senders[1]}; expected a part of 0 to {n_pre}"
        elif not len(self.synapses(ends).pre):
            yield f"no synapse at all with probability {self.probability:g}; use another draw, or a higher probability"

    def weights_shape(self, ends: Ends) -> tuple[int, ...]:
        """See `Dense.weights_shape`."""
        return self.synapses(ends).pre.shape

    def positions(self, ends: Ends) -> int:
        """See `Dense.positions`."""
        return 1

    def fans(self, ends: Ends) -> tuple[int, int]:
        """See `Dense.fans`."""
        made = self.synapses(ends)
        return int(np.bincount(made.post).max()), int(np.bincount(made.pre).max())

    def synapses(self, ends: Ends) -> Synapses:
        """See `Dense.synapses`."""
        return _sparse_synapses(self, ends)

    def __str__(self) -> str:
        senders = f" of neurons {self.senders[0]} to {self.senders[1] - 1}" if self.senders is not None else ""
        return f"sparse {self.probability:g}{senders}, draw {self.draw}{', transposed' if self.transposed else ''}"


Connectivity = Dense | OneToOne | PerChannel | Convolution | Pooling | Sparse
#: What can be written as one word.
NAMED: dict[str, Connectivity] = {"dense": Dense(), "one_to_one": OneToOne(), "per_channel": PerChannel()}


def is_linear(connectivity: Connectivity) -> bool:
    """Whether what a pathway delivers is a sum over its synapses."""
    return not isinstance(connectivity, Pooling) or connectivity.kind == "average"


@functools.lru_cache(maxsize=16)
def _sparse_synapses(connectivity: Sparse, ends: Ends) -> Synapses:
    forward = ends.reversed if connectivity.transposed else ends
    first, last = connectivity.senders or (0, forward.n_pre)
    pairs = (last - first) * forward.n_post
    generator = stream(connectivity.draw, "sparse", first, last, forward.n_pre, forward.n_post)
    count = generator.binomial(pairs, connectivity.probability)
    chosen = np.sort(generator.choice(pairs, count, replace=False, shuffle=False))
    pre, post = first + chosen // forward.n_post, chosen % forward.n_post
    return Synapses(*((post, pre) if connectivity.transposed else (pre, post)), np.arange(count))
