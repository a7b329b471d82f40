"""How populations are connected whose neurons are the pixels of images: windows that move, kernels, and pools."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from neurosim.circuit.synapses import Ends, Image, Synapses

#: ``same`` keeps the size (over the stride, rounded up), ``valid`` adds nothing, numbers are added on either side.
Padding = Literal["same", "valid"] | tuple[int, int]


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
        margins: list[tuple[int, int]] = []
        for axis in (0, 1):
            length, size, stride = image[axis], self.size[axis], self.stride[axis]
            if self.padding == "same":
                # As TensorFlow and XLA do it: what cannot be halved is added at the end.
                total = max((-(-length // stride) - 1) * stride + size - length, 0)
                margins.append((total // 2, total - total // 2))
            else:
                each = 0 if self.padding == "valid" else self.padding[axis]
                margins.append((each, each))
        return margins[0], margins[1]

    def positions(self, image: Image) -> tuple[int, int]:
        """How many places the window takes, in rows and columns."""
        around = self.around(image)
        rows, columns = (
            (image[axis] + sum(around[axis]) - self.size[axis]) // self.stride[axis] + 1 for axis in (0, 1)
        )
        return rows, columns

    def meetings(self, image: Image, axis: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All overlaps along one axis: window position, index within the window, pixel."""
        low, places = self.around(image)[axis][0], self.positions(image)[axis]
        place, inside = (a.ravel() for a in np.indices((places, self.size[axis])))
        pixel = place * self.stride[axis] - low + inside
        there = (pixel >= 0) & (pixel < image[axis])
        return place[there], inside[there], pixel[there]

    def faults(self, image: Image) -> Iterator[str]:
        """Faults, each as one sentence."""
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
    listed = False

    @property
    def reversed(self) -> Convolution:
        """See `neurosim.circuit.connectivity.Dense.reversed`."""
        return replace(self, transposed=not self.transposed)

    def faults(self, ends: Ends) -> Iterator[str]:
        """See `neurosim.circuit.connectivity.Dense.faults`."""
        yield from _image_faults("a convolution", self.window, ends.reversed if self.transposed else ends)

    def weights_shape(self, ends: Ends) -> tuple[int, ...]:
        """See `neurosim.circuit.connectivity.Dense.weights_shape`."""
        return (ends.post_image[2], ends.pre_image[2], *self.window.size)

    def fans(self, ends: Ends) -> tuple[int, int]:
        """See `neurosim.circuit.connectivity.Dense.fans`."""
        forward = ends.reversed if self.transposed else ends
        size, stride = self.window.size, self.window.stride
        received = forward.pre_image[2] * size[0] * size[1]
        sent = forward.post_image[2] * -(-size[0] // stride[0]) * -(-size[1] // stride[1])
        return (sent, received) if self.transposed else (received, sent)

    def positions(self, ends: Ends) -> np.ndarray:
        """How many synapses share each weight, shape (height, width)."""
        return _positions(self.window, (ends.reversed if self.transposed else ends).pre_image)

    def indices(self, ends: Ends) -> None:
        """See `neurosim.circuit.connectivity.Dense.indices`; none, as synapses share weights."""
        return None

    def synapses(self, ends: Ends) -> Synapses:
        """See `neurosim.circuit.connectivity.Dense.synapses`."""
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
    listed = False

    @property
    def reversed(self) -> Pooling:
        """See `neurosim.circuit.connectivity.Dense.reversed`."""
        return replace(self, transposed=not self.transposed)

    def faults(self, ends: Ends) -> Iterator[str]:
        """See `neurosim.circuit.connectivity.Dense.faults`."""
        forward = ends.reversed if self.transposed else ends
        yield from _image_faults("pooling", self.window, forward)
        if forward.pre and forward.post and forward.pre[2] != forward.post[2]:
            yield f"pooling keeps channels apart: got {forward.post[2]} pooled channels, expected {forward.pre[2]}"

    def weights_shape(self, ends: Ends) -> tuple[int, ...]:
        """Nothing: it has no weights."""
        return (0,)

    def fans(self, ends: Ends) -> tuple[int, int]:
        """See `neurosim.circuit.connectivity.Dense.fans`."""
        size, stride = self.window.size, self.window.stride
        received, sent = size[0] * size[1], -(-size[0] // stride[0]) * -(-size[1] // stride[1])
        return (sent, received) if self.transposed else (received, sent)

    @property
    def chooses(self) -> bool:
        """Whether its way back depends on activities, as that of a maximum does."""
        return self.transposed and self.kind == "maximum"

    def counts(self, ends: Ends) -> np.ndarray:
        """How many neurons are in each window, shape (rows, columns) of windows."""
        image = (ends.reversed if self.transposed else ends).pre_image
        rows, columns = (
            np.bincount(self.window.meetings(image, axis)[0], minlength=self.window.positions(image)[axis])
            for axis in (0, 1)
        )
        return np.outer(rows, columns)

    def positions(self, ends: Ends) -> int:
        """See `neurosim.circuit.connectivity.Dense.positions`."""
        return 1

    def indices(self, ends: Ends) -> None:
        """See `neurosim.circuit.connectivity.Dense.indices`; none, as there are no weights."""
        return None

    def synapses(self, ends: Ends) -> Synapses:
        """See `neurosim.circuit.connectivity.Dense.synapses`."""
        return _pooling_synapses(self, ends)

    def __str__(self) -> str:
        return f"{self.kind} pooling {self.window}{', transposed' if self.transposed else ''}"


def _by(numbers: tuple[int, ...]) -> str:
    return " x ".join(map(str, numbers))


def _image_faults(what: str, window: Window, forward: Ends) -> Iterator[str]:
    """Faults in the ends of a pathway from an image to an image of windows."""
    if forward.pre is None or forward.post is None:
        missing = "the one it reads" if forward.pre is None else "the one with its windows"
        yield f"{what} joins populations with a shape (height, width, channels); got none for {missing}"
        return
    wrong = list(window.faults(forward.pre))
    yield from wrong
    if not wrong and forward.post[:2] != (expected := window.positions(forward.pre)):
        yield (
            f"{what} {window} makes {_by(expected)} positions of {_by(forward.pre[:2])}, got {_by(forward.post[:2])}; "
            "change the shape of either population, the stride or the padding"
        )


@functools.lru_cache(maxsize=64)
def _positions(window: Window, image: Image) -> np.ndarray:
    rows, columns = (np.bincount(window.meetings(image, axis)[1], minlength=window.size[axis]) for axis in (0, 1))
    return np.outer(rows, columns)


def _flat(window: Window, forward: Ends) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All pairs of a window position and a pixel in it, as flat indices, and the index within the window."""
    pre, post = forward.pre_image, forward.post_image
    (row, above, y), (column, left, x) = (window.meetings(pre, axis) for axis in (0, 1))

    def pairs(rows: np.ndarray, columns: np.ndarray, width: int) -> np.ndarray:
        return (rows[:, None] * width + columns).ravel()

    return pairs(row, column, post[1]), pairs(y, x, pre[1]), pairs(above, left, window.size[1])


@functools.lru_cache(maxsize=16)
def _convolution_synapses(connectivity: Convolution, ends: Ends) -> Synapses:
    forward = ends.reversed if connectivity.transposed else ends
    place, pixel, inside = _flat(connectivity.window, forward)
    n_out, n_in = forward.post_image[2], forward.pre_image[2]
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
    channels = forward.pre_image[2]
    channel = np.arange(channels)[:, None]
    average = connectivity.kind == "average"
    strength = np.tile(1.0 / connectivity.counts(ends).ravel()[place] if average else np.ones(len(place)), channels)
    post, pre = (place * channels + channel).ravel(), (pixel * channels + channel).ravel()
    return Synapses(*((post, pre) if connectivity.transposed else (pre, post)), None, strength)
