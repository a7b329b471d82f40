"""Facts of a task that need none of its data: sizes, files that it reads, when it counts as learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypedDict


@dataclass(frozen=True)
class Sizes:
    """The sizes of a task, which a circuit needs.

    A task whose data must be fetched gives them without the data: ``sizes(config) -> Sizes``.

    Attributes
    ----------
    n_inputs, n_outputs
        Input features and target values.
    image
        Height, width and channels of inputs that are images; the inputs are in this order, channels fastest.
    numbers
        Whether targets are known to be real numbers of any sign and size, which no loss of classes suits.
    steps, dt
        Of a task over time: grid steps in a trial, and the time between two of them in seconds; none otherwise.
    events
        Whether inputs are spikes.
    stream
        Whether trials are endless sequences, of which windows are presented one after the other.
    """

    n_inputs: int
    n_outputs: int
    image: tuple[int, int, int] | None = None
    numbers: bool = False
    steps: int | None = None
    dt: float | None = None
    events: bool = False
    stream: bool = False


class FileRead(TypedDict):
    """A file that a task read, as in a run's provenance: the same bytes at another path are the same data.

    Attributes
    ----------
    name
        Of the file, without its folder.
    sha256, bytes
        Checksum and number of its bytes; of IDX files unpacked, so that it does not matter who gzipped them.
    """

    name: str
    sha256: str
    bytes: int


#: The name of a readout whose loss suits a task.
LossHint = Literal["squared_error", "cross_entropy", "sigmoid_cross_entropy"]


@dataclass(frozen=True)
class Criterion:
    """When a task counts as learned.

    Attributes
    ----------
    measure
        The ``loss``, which has to fall to the value, or the ``accuracy`` in percent, which has to reach it.
    value
        Which.
    """

    measure: Literal["loss", "accuracy"]
    value: float

    def met(self, loss: float, accuracy: float) -> bool:
        """Whether these numbers meet it; numbers that are not there do not."""
        return loss <= self.value if self.measure == "loss" else accuracy >= self.value
