"""How two populations are connected: the shape of a pathway's weights, and which synapses they make.

Everything that depends on it is asked here: the description of a circuit, its initial weights, the explicit synapses
of the Brian2 engine. How the batched engine computes the same maps is in `neurosim.engines.batched.linear_maps`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from neurosim.random import stream

#: Height, width and channels of a population whose neurons are the pixels of an image, channels running fastest.
Image = tuple[int, int, int]
#: ``same`` keeps the size (over the stride, rounded up), ``valid`` adds nothing, numbers are added on either side.
Padding = Literal["same", "valid"] | tuple[int, int]


@dataclass(frozen=True)
class Ends:
    """The two populations that a pathway joins: their sizes and, if they have one, their images."""

    n_pre: int
    n_post: int
    pre: Image | None = None
    post: Image | None = None

    @property
    def reversed(self) -> Ends:
        """The same, the other way round."""
        return Ends(self.n_post, self.n_pre, self.post, self.pre)


@dataclass(frozen=True, eq=False)
class Synapses:
    """All synapses of a pathway, one by one.

    Attributes
    ----------
    pre, post
        The numbers of the neurons that each synapse joins.
    weight
        Which of the pathway's weights, counted in C order, each synapse has; none if it has no weights of its own.
    strength
        Then the strength of each synapse.
    """

    pre: np.ndarray
    post: np.ndarray
    weight: np.ndarray | None
    strength: np.ndarray | None = None


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
        return (_image(ends.post)[2], ends.n_pre)

    def fans(self, ends: Ends) -> tuple[int, int]:
        """See `Dense.fans`."""
        return ends.n_pre, ends.n_post

    def synapses(self, ends: Ends) -> Synapses:
        """See `Dense.synapses`."""
        pre = np.repeat(np.arange(ends.n_pre), ends.n_post)
        post = np.tile(np.arange(ends.n_post), ends.n_pre)
        return Synapses(pre, post, post % _image(ends.post)[2] * ends.n_pre + pre)

    def __str__(self) -> str:
        return "each channel the same"


@dataclass(frozen=True)
class Window:
    """How a window moves over an image.

    Attributes
    ----------
    size, stride
        In rows and columns.
    padding
        What is added around the image; the neurons of the padding do not exist, so no synapse comes from them.
    """

    size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: Padding = "same"

    def around(self, image: Image) -> tuple[tuple[int, int], tuple[int, int]]:
        """How many rows are added above and below, and columns left and right."""
        found = []
        for axis in (0, 1):
            length, size, stride = image[axis], self.size[axis], self.stride[axis]
            if self.padding == "same":
                # As TensorFlow and XLA do it: what cannot be halved is added at the end.
                total = max((-(-length // stride) - 1) * stride + size - length, 0)
                found.append((total // 2, total - total // 2))
            else:
                each = 0 if self.padding == "valid" else self.padding[axis]
                found.append((each, each))
        return found[0], found[1]

    def positions(self, image: Image) -> tuple[int, int]:
        """How many places the window takes, in rows and columns."""
        around = self.around(image)
        rows, columns = (
            (image[axis] + sum(around[axis]) - self.size[axis]) // self.stride[axis] + 1 for axis in (0, 1)
        )
        return rows, columns

    def meetings(self, image: Image, axis: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Along one axis, all that meet: the window's place, the number within the window, the pixel."""
        low, places = self.around(image)[axis][0], self.positions(image)[axis]
        place, inside = (a.ravel() for a in np.indices((places, self.size[axis])))
        pixel = place * self.stride[axis] - low + inside
        there = (pixel >= 0) & (pixel < image[axis])
        return place[there], inside[there], pixel[there]

    def faults(self, image: Image) -> Iterator[str]:
        """What does not fit, each as one sentence."""
        if min(*self.size, *self.stride) < 1:
            yield f"a window of {_by(self.size)} with stride {_by(self.stride)}; expected positive numbers"
        elif not isinstance(self.padding, str) and not all(
            0 <= p < s for p, s in zip(self.padding, self.size, strict=True)
        ):
            yield f"padding {_by(self.padding)} around a window of {_by(self.size)}; expected less than the window"
        elif min(self.positions(image)) < 1:
            yield f"a window of {_by(self.size)} does not fit into {_by(image[:2])} neurons; use padding"

    def __str__(self) -> str:
        padding = self.padding if isinstance(self.padding, str) else _by(self.padding)
        return f"{_by(self.size)}, stride {_by(self.stride)}, padding {padding}"


@dataclass(frozen=True)
class Convolution:
    """Kernels that move over an image; weights ``(post channels, pre channels, height, width)``.

    Attributes
    ----------
    window
        Size, stride and padding of the kernels.
    transposed
        Whether it leads back along the synapses of a convolution from its target to its source, by kernels of its own:
        a synapse has the number within the window that the forward synapse has, so that these kernels compare with the
        forward ones with the first two axes swapped.
    """

    window: Window
    transposed: bool = False

    shared = True
    weighted = True

    @property
    def reversed(self) -> Convolution:
        """See `Dense.reversed`."""
        return replace(self, transposed=not self.transposed)

    def faults(self, ends: Ends) -> Iterator[str]:
        """See `Dense.faults`."""
        yield from _image_faults("a convolution", self.window, ends.reversed if self.transposed else ends)

    def weights_shape(self, ends: Ends) -> tuple[int, ...]:
        """See `Dense.weights_shape`."""
        return (_image(ends.post)[2], _image(ends.pre)[2], *self.window.size)

    def fans(self, ends: Ends) -> tuple[int, int]:
        """See `Dense.fans`."""
        forward = ends.reversed if self.transposed else ends
        size, stride = self.window.size, self.window.stride
        received = _image(forward.pre)[2] * size[0] * size[1]
        sent = _image(forward.post)[2] * -(-size[0] // stride[0]) * -(-size[1] // stride[1])
        return (sent, received) if self.transposed else (received, sent)

    def positions(self, ends: Ends) -> np.ndarray:
        """How many synapses share each weight, shape (height, width)."""
        return _positions(self.window, _image((ends.reversed if self.transposed else ends).pre))

    def synapses(self, ends: Ends) -> Synapses:
        """See `Dense.synapses`."""
        return _convolution_synapses(self, ends)

    def __str__(self) -> str:
        return f"convolution {self.window}{', transposed' if self.transposed else ''}"


@dataclass(frozen=True)
class Pooling:
    """The mean or the maximum over a window of each channel, without weights.

    Attributes
    ----------
    kind
        ``average`` or ``maximum``.
    window
        Size, stride and padding; the padding does not count.
    transposed
        Whether it leads back along the same synapses, each as strong as it is forward: from the pools of a maximum,
        to the neuron that is largest in each window (the first of them in reading order, where several are).
    """

    window: Window
    transposed: bool = False
    kind: Literal["average", "maximum"] = "average"

    shared = False
    weighted = False

    @property
    def reversed(self) -> Pooling:
        """See `Dense.reversed`."""
        return replace(self, transposed=not self.transposed)

    def faults(self, ends: Ends) -> Iterator[str]:
        """See `Dense.faults`."""
        forward = ends.reversed if self.transposed else ends
        yield from _image_faults("pooling", self.window, forward)
        if forward.pre and forward.post and forward.pre[2] != forward.post[2]:
            yield f"pooling keeps channels apart: got {forward.post[2]} pooled channels, expected {forward.pre[2]}"

    def weights_shape(self, ends: Ends) -> tuple[int, ...]:
        """Nothing: it has no weights."""
        return (0,)

    def fans(self, ends: Ends) -> tuple[int, int]:
        """See `Dense.fans`."""
        size, stride = self.window.size, self.window.stride
        received, sent = size[0] * size[1], -(-size[0] // stride[0]) * -(-size[1] // stride[1])
        return (sent, received) if self.transposed else (received, sent)

    @property
    def chooses(self) -> bool:
        """Whether what it delivers back depends on activities: those of the neurons that were pooled."""
        return self.transposed and self.kind == "maximum"

    def counts(self, ends: Ends) -> np.ndarray:
        """How many neurons are in each window, shape (rows, columns) of windows."""
        image = _image((ends.reversed if self.transposed else ends).pre)
        rows, columns = (
            np.bincount(self.window.meetings(image, axis)[0], minlength=self.window.positions(image)[axis])
            for axis in (0, 1)
        )
        return np.outer(rows, columns)

    def synapses(self, ends: Ends) -> Synapses:
        """See `Dense.synapses`."""
        return _pooling_synapses(self, ends)

    def __str__(self) -> str:
        return f"{self.kind} pooling {self.window}{', transposed' if self.transposed else ''}"


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


def size_of(image: Image) -> int:
    """The number of neurons of an image."""
    return image[0] * image[1] * image[2]


def _by(numbers: tuple[int, ...]) -> str:
    return " x ".join(map(str, numbers))


def _image(image: Image | None) -> Image:
    assert image is not None, "the circuit is checked before it is used"
    return image


def _image_faults(what: str, window: Window, forward: Ends) -> Iterator[str]:
    """Ends of a map that reads a window of an image and has an image of windows."""
    if forward.pre is None or forward.post is None:
        missing = "the one it reads" if forward.pre is None else "the one with its windows"
        yield f"{what} joins populations with a shape (height, width, channels); got none for {missing}"
        return
    found = list(window.faults(forward.pre))
    yield from found
    if not found and forward.post[:2] != (expected := window.positions(forward.pre)):
        yield (
            f"{what} {window} makes {_by(expected)} positions of {_by(forward.pre[:2])}, got {_by(forward.post[:2])}; "
            "change the shape of either population, the stride or the padding"
        )


@functools.lru_cache(maxsize=64)
def _positions(window: Window, image: Image) -> np.ndarray:
    rows, columns = (np.bincount(window.meetings(image, axis)[1], minlength=window.size[axis]) for axis in (0, 1))
    return np.outer(rows, columns)


def _flat(window: Window, forward: Ends) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All pairs of a window's place and a pixel in it, as numbers of positions, and the number within the window."""
    pre, post = _image(forward.pre), _image(forward.post)
    (row, above, y), (column, left, x) = (window.meetings(pre, axis) for axis in (0, 1))

    def pairs(rows: np.ndarray, columns: np.ndarray, width: int) -> np.ndarray:
        return (rows[:, None] * width + columns).ravel()

    return pairs(row, column, post[1]), pairs(y, x, pre[1]), pairs(above, left, window.size[1])


@functools.lru_cache(maxsize=16)
def _convolution_synapses(connectivity: Convolution, ends: Ends) -> Synapses:
    forward = ends.reversed if connectivity.transposed else ends
    place, pixel, inside = _flat(connectivity.window, forward)
    n_out, n_in = _image(forward.post)[2], _image(forward.pre)[2]
    size = connectivity.window.size[0] * connectivity.window.size[1]
    out, into = (a.ravel()[:, None] for a in np.indices((n_out, n_in)))
    post, pre = (place * n_out + out).ravel(), (pixel * n_in + into).ravel()
    if connectivity.transposed:
        return Synapses(post, pre, ((into * n_out + out) * size + inside).ravel())
    return Synapses(pre, post, ((out * n_in + into) * size + inside).ravel())


@functools.lru_cache(maxsize=16)
def _pooling_synapses(connectivity: Pooling, ends: Ends) -> Synapses:
    forward = ends.reversed if connectivity.transposed else ends
    place, pixel, _ = _flat(connectivity.window, forward)
    channels = _image(forward.pre)[2]
    channel = np.arange(channels)[:, None]
    average = connectivity.kind == "average"
    strength = np.tile(1.0 / connectivity.counts(ends).ravel()[place] if average else np.ones(len(place)), channels)
    post, pre = (place * channels + channel).ravel(), (pixel * channels + channel).ravel()
    return Synapses(*((post, pre) if connectivity.transposed else (pre, post)), None, strength)


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
