"""The hidden layers of a network: plain sizes, convolutions and pools, and the images that they make of an input.

What leads into each of them is in `links`.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence
from typing import Annotated, Any, Literal, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    NonNegativeInt,
    PositiveInt,
    Tag,
    model_validator,
)

from neurosim.circuit.connectivity import Dense
from neurosim.circuit.images import Convolution, Padding, Pooling, Window
from neurosim.circuit.synapses import Image
from neurosim.errors import ConfigError

_Pair = tuple[PositiveInt, PositiveInt]
_Around = Literal["same", "valid"] | NonNegativeInt | tuple[NonNegativeInt, NonNegativeInt]
#: Names of layers; one of them can stand alone.
_Names = str | tuple[str, ...]


class Plain(BaseModel):
    """A layer of neurons without positions, as a table.

    Attributes
    ----------
    size
        How many.
    skip_from
        Layers further down that lead here as well, see `neurosim.networks.layers.links`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    size: PositiveInt
    # Left out where there is none, so that a model's hash stays what it was before there were any.
    skip_from: _Names = Field(default=(), exclude_if=operator.not_)


class Convolved(BaseModel):
    """A layer of feature maps, each the convolution of the maps below with kernels of its own.

    Attributes
    ----------
    channels
        How many maps.
    kernel, stride
        Height and width, or one number for both.
    padding
        ``same`` (maps as large as those below, over the stride), ``valid`` (none), or rows and columns on either side.
    skip_from
        Layers further down that lead here as well, see `neurosim.networks.layers.links`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    channels: PositiveInt
    kernel: PositiveInt | _Pair
    stride: PositiveInt | _Pair = 1
    padding: _Around = "same"
    skip_from: _Names = Field(default=(), exclude_if=operator.not_)

    @property
    def connectivity(self) -> Convolution:
        """How the layer below reaches it."""
        return Convolution(Window(_pair(self.kernel), _pair(self.stride), _around(self.padding)))


class Pooled(BaseModel):
    """A layer of pools, each of a window of one map below.

    Attributes
    ----------
    pool
        What it makes of its window: the ``average``, or the ``maximum``, whose feedback goes to the largest neuron.
    window, stride
        Height and width, or one number for both; the stride is the window by default.
    padding
        As for a convolution; what is added does not count.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    pool: Literal["average", "maximum"]
    window: PositiveInt | _Pair
    stride: PositiveInt | _Pair
    padding: _Around = "same"

    @model_validator(mode="before")
    @classmethod
    def _side_by_side(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        table = cast(dict[str, Any], given)
        # Filled in, since text has no word for nothing.
        return {"stride": table.get("window", 1), **table}

    @property
    def connectivity(self) -> Pooling:
        """How the layer below reaches it."""
        window = Window(_pair(self.window), _pair(self.stride), _around(self.padding))
        return Pooling(window, kind=self.pool)


def _kind(given: Any) -> str:
    if isinstance(given, dict):
        return "pooling" if "pool" in given else "dense" if "size" in given else "convolution"
    kind = cast(type[Any], type(given))
    return {Convolved: "convolution", Pooled: "pooling", Plain: "dense"}.get(kind, "size")


#: The kinds of layers.
AnyLayer = int | Plain | Convolved | Pooled
Layer = Annotated[
    Annotated[PositiveInt, Tag("size")]
    | Annotated[Plain, Tag("dense")]
    | Annotated[Convolved, Tag("convolution")]
    | Annotated[Pooled, Tag("pooling")],
    Discriminator(_kind),
]


def names(hidden: Sequence[AnyLayer]) -> tuple[str, ...]:
    """``hidden1`` ... from the input on."""
    return tuple(f"hidden{number}" for number in range(1, len(hidden) + 1))


def size_of(layer: AnyLayer) -> int | None:
    """The number of neurons of a layer without positions; None of all others."""
    if isinstance(layer, Plain):
        return layer.size
    return layer if isinstance(layer, int) else None


def skipped_from(layer: AnyLayer) -> tuple[str, ...]:
    """The layers whose skips lead into a layer."""
    given = layer.skip_from if isinstance(layer, Plain | Convolved) else ()
    return (given,) if isinstance(given, str) else given


def connectivity_into(layer: AnyLayer) -> Dense | Convolution | Pooling:
    """How a layer is reached from the one below it."""
    return layer.connectivity if isinstance(layer, Convolved | Pooled) else Dense()


def forms(hidden: Sequence[AnyLayer], image: Image | None) -> list[tuple[int, Image | None]]:
    """The number of neurons and the image of each hidden layer.

    Parameters
    ----------
    hidden
        The layers, from the input on.
    image
        Of the input, if it is one.

    Raises
    ------
    ConfigError
        Where a convolution or a pool finds no image below it, or its window does not fit in.
    """
    sizes: list[tuple[int, Image | None]] = []
    for number, layer in enumerate(hidden):
        if isinstance(layer, int | Plain):
            image = None
            sizes.append((size_of(layer) or 0, None))
            continue
        window, where = layer.connectivity.window, f"network.hidden[{number}]"
        if image is None:
            below = "the task's inputs are no images" if number == 0 else "the layer below is none of images"
            raise ConfigError.at(where, f"got {layer.connectivity}, but {below}; expected a size")
        for fault in window.faults(image):
            raise ConfigError.at(where, fault)
        image = (*window.positions(image), layer.channels if isinstance(layer, Convolved) else image[2])
        sizes.append((image[0] * image[1] * image[2], image))
    return sizes


def pooled(hidden: Sequence[AnyLayer]) -> list[bool]:
    """For each layer, whether a pool reads it."""
    return [isinstance(above, Pooled) for _, above in itertools.pairwise((*hidden, 0))]


def _pair(given: int | tuple[int, int]) -> tuple[int, int]:
    return (given, given) if isinstance(given, int) else given


def _around(given: str | int | tuple[int, int]) -> Padding:
    return given if given in ("same", "valid") else _pair(given)  # type: ignore[return-value, arg-type]
