"""Links into each layer of a network: from the layer below it, and past others (skips).

A skip connection joins a layer with one further up: both add to the same drive, and feedback comes back along either.
Where the settings say that both layers have the same form, it is the identity, without anything to learn (He, Zhang,
Ren & Sun 2016, CVPR); else it has weights of its own: dense ones into a layer without positions, kernels of 1 x 1 into
a layer of maps, with the stride of all layers in between. The input is always of another form.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from neurosim.circuit.connectivity import Dense, OneToOne
from neurosim.circuit.images import Convolution, Pooling, Window
from neurosim.circuit.synapses import Image
from neurosim.errors import ConfigError
from neurosim.networks.layers import shapes
from neurosim.networks.layers.shapes import AnyLayer, Convolved, Plain, Pooled


@dataclass(frozen=True)
class Link:
    """A way from one layer up to another, and the way back.

    Attributes
    ----------
    start, end
        Numbers of the two layers; that of the input is zero.
    below, above
        Their names.
    connectivity
        On the way up.
    """

    start: int
    end: int
    below: str
    above: str
    connectivity: Dense | OneToOne | Convolution | Pooling

    @property
    def skips(self) -> bool:
        """Whether there are layers in between."""
        return self.end - self.start > 1

    @property
    def learns(self) -> bool:
        """Whether it has weights; pools and identities have none."""
        return isinstance(self.connectivity, Dense | Convolution)

    @property
    def forward(self) -> str:
        """The name of the pathway up: ``W2``, ``pool2``; past layers ``W1_3``, ``skip1_3``."""
        kind = "pool" if isinstance(self.connectivity, Pooling) else "W" if self.learns else "skip"
        return kind + (f"{self.start}_{self.end}" if self.skips else f"{self.end}")

    @property
    def feedback(self) -> str:
        """The name of the pathway back: ``B1``, ``unpool2``; past layers ``B1_3``, ``unskip1_3``."""
        if not self.learns:
            return f"un{self.forward}"
        return f"B{self.start}_{self.end}" if self.skips else f"B{self.start}"


def links(hidden: Sequence[AnyLayer]) -> tuple[Link, ...]:
    """All ways up, in the order of the layers they lead into: first from the layer below, then past others."""
    layers = ("input", *shapes.names(hidden), "output")
    ways: list[Link] = []
    for end, above in enumerate(layers[1:], start=1):
        layer = hidden[end - 1] if end <= len(hidden) else None
        direct = Dense() if layer is None else shapes.connectivity_into(layer)
        ways.append(Link(end - 1, end, layers[end - 1], above, direct))
        if isinstance(layer, Plain | Convolved):
            for below in shapes.skipped_from(layer):
                start = layers.index(below)
                ways.append(Link(start, end, below, above, _past(hidden, start, end, layer)))
    return tuple(ways)


def faults(hidden: Sequence[AnyLayer]) -> Iterator[tuple[int, str]]:
    """What is wrong with where skips start: the number of the layer that they lead to (from 0), and a sentence."""
    names = ("input", *shapes.names(hidden))
    pooled = [
        name for name, pools in zip(names, (isinstance(layer, Pooled) for layer in hidden), strict=False) if pools
    ]
    for number, layer in enumerate(hidden):
        given = shapes.skipped_from(layer)
        possible = [name for name in names[:number] if name not in pooled]
        wrong = next((name for name in given if name not in possible or given.count(name) > 1), None)
        if wrong is None:
            continue
        expected = f"one or more of {', '.join(possible)}" if possible else "none, as there is no layer in between"
        why = ", each once" if wrong in possible else ""
        if wrong in pooled:
            why = f"; '{wrong}' gets its feedback from the pools that read it, so that skips start from these"
        yield number, f"got '{wrong}', expected {expected}{why}"


def fitting(hidden: Sequence[AnyLayer], forms: Sequence[tuple[int, Image | None]], image: Image | None) -> None:
    """Whether what skips lead into is as large as what they make.

    Parameters
    ----------
    forms
        The number of neurons and the image of each hidden layer.
    image
        Of the input, if it is one.

    Raises
    ------
    ConfigError
        Naming the setting, what the layers have and what was expected.
    """
    images = [image, *(shape for _, shape in forms)]
    for link in links(hidden):
        if not link.skips or isinstance(link.connectivity, Dense):
            continue
        source, target = images[link.start], images[link.end]
        if source is None or target is None:
            continue
        stride = link.connectivity.window.stride if isinstance(link.connectivity, Convolution) else (1, 1)
        made = tuple(-(-source[axis] // stride[axis]) for axis in (0, 1))
        if made != target[:2]:
            raise ConfigError.at(
                f"network.hidden[{link.end - 1}].skip_from",
                f"got '{link.below}' of {_by(source)} positions, of which a "
                f"skip with the strides of the layers in between ({_by(stride)}) makes {_by(made)}; expected the "
                f"layer's {_by(target)}: let all layers in between have the padding 'same'",
            )


def _past(hidden: Sequence[AnyLayer], start: int, end: int, layer: Plain | Convolved) -> Dense | OneToOne | Convolution:
    if isinstance(layer, Plain):
        same = start > 0 and shapes.size_of(hidden[start - 1]) == layer.size
        return OneToOne() if same else Dense()
    windows = [shapes.connectivity_into(between) for between in hidden[start:end]]
    strides = [into.window.stride for into in windows if not isinstance(into, Dense)]
    stride = (math.prod(rows for rows, _ in strides), math.prod(columns for _, columns in strides))
    if stride == (1, 1) and _channels(hidden, start) == layer.channels:
        return OneToOne()
    return Convolution(Window((1, 1), stride, "valid"))


def _channels(hidden: Sequence[AnyLayer], number: int) -> int | None:
    """How many maps a layer has; None of the input's, which no setting of the network tells."""
    layer = hidden[number - 1] if number else None
    if isinstance(layer, Pooled):
        return _channels(hidden, number - 1)
    return layer.channels if isinstance(layer, Convolved) else None


def _by(numbers: Sequence[int]) -> str:
    return " x ".join(map(str, numbers[:2]))
