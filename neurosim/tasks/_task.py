"""Tasks: training, validation and test splits of read-only arrays."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from neurosim.border import set_fields, whole
from neurosim.errors import ConfigError, DataError
from neurosim.tasks._facts import Criterion as Criterion
from neurosim.tasks._facts import FileRead as FileRead
from neurosim.tasks._facts import LossHint as LossHint
from neurosim.tasks._facts import Sizes as Sizes
from neurosim.tasks._read_only import read_only, single_numbers
from neurosim.tasks._timed import TimedSplit
from neurosim.units import format_quantity

# The range of a stream's key.
_SEED = whole(0, 2**64 - 1)


@dataclass(frozen=True, eq=False)
class Split:
    """Examples with their targets; the arrays are copied if need be and made read-only.

    Parameters
    ----------
    inputs
        ``(n, d)`` float32.
    targets
        ``(n, k)`` float32; one-hot rows for a classification.
    labels
        ``(n,)`` integers, the classes; ``None`` for a regression.

    Raises
    ------
    DataError
        Shapes that do not fit together, or numbers that are not finite.
    """

    inputs: np.ndarray
    targets: np.ndarray
    labels: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name in ("inputs", "targets"):
            array = single_numbers(name, getattr(self, name))
            if array.ndim != 2 or array.shape[1] == 0:
                timed = "; trials over time are a neurosim.tasks.TimedSplit" if array.ndim == 3 else ""
                raise DataError(f"{name}: got shape {array.shape}, expected (examples, features){timed}")
            if not np.isfinite(array).all():
                raise DataError(f"{name}: {int((~np.isfinite(array)).sum())} values are not finite")
            set_fields(self, **{name: array})
        if len(self.targets) != len(self.inputs):
            raise DataError(f"targets: got {len(self.targets)} rows, expected {len(self.inputs)} as in inputs")
        if self.labels is None:
            return
        labels = np.asarray(self.labels)
        if labels.shape != (len(self.inputs),) or not np.issubdtype(labels.dtype, np.integer):
            raise DataError(
                f"labels: got {labels.dtype} of shape {labels.shape}, expected integers of shape ({len(self.inputs)},)"
            )
        set_fields(self, labels=read_only(labels, np.int64))

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def n_inputs(self) -> int:
        """Number of input features."""
        return self.inputs.shape[1]

    @property
    def n_outputs(self) -> int:
        """Number of target values."""
        return self.targets.shape[1]

    def __repr__(self) -> str:
        return f"Split({len(self)} examples, {self.n_inputs} inputs, {self.n_outputs} outputs)"


@dataclass(frozen=True, eq=False)
class Task:
    """A task: data to train on, to choose by and to test with.

    Parameters
    ----------
    name
        Its name in the registry.
    train, validation, test
        The splits; only the validation split may be empty. A task over time has a `TimedSplit` for each of them.
    kind
        What the outputs mean.
    shape
        Height, width and channels of inputs that are images, in this order, channels fastest.
    augment
        ``augment(inputs, seed, presentations)`` gives training inputs ``(n, d)`` as they are presented for the
        ``presentations``-th time, numbers of shape (n,) counted through the whole training. It is a function of its
        arguments alone, so that a run that goes on has the same bits; validation and test inputs never go through it.
    files
        The files read, in this order; empty for synthetic data.
    encoding
        What predictions need, for JSON: see `neurosim.tasks._encoding`, whose ``encode`` reads another file's rows as
        inputs and whose ``decode`` says what outputs stand for.
    loss
        The readout that suits the targets, if one does more than others.
    criterion
        When it counts as learned, if its authors say so.
    floors
        Numbers to compare with: losses of who knows nothing, or only part of it; names that end in ``_accuracy`` are
        percent.
    stream
        Whether each trial is a long stretch of an endless sequence, which training cuts into windows that follow one
        another without a reset.

    Raises
    ------
    DataError
        The splits do not fit together.
    """

    name: str
    train: Split | TimedSplit
    validation: Split | TimedSplit
    test: Split | TimedSplit
    kind: Literal["classification", "regression"]
    shape: tuple[int, int, int] | None = None
    augment: Callable[[np.ndarray, int, np.ndarray], np.ndarray] | None = None
    files: tuple[FileRead, ...] = ()
    encoding: Mapping[str, Any] | None = None
    loss: LossHint | None = None
    criterion: Criterion | None = None
    floors: Mapping[str, float] = field(default_factory=dict[str, float])
    stream: bool = False

    def __post_init__(self) -> None:
        splits = {"train": self.train, "validation": self.validation, "test": self.test}
        _refuse_other_times(self.name, splits)
        if self.dt is None and self.stream:
            raise DataError(f"task {self.name}: stream: got true, expected false, since its examples have no time")
        if self.stream and any(split.labels is not None for split in splits.values()):
            raise DataError(f"task {self.name}: stream: got true with labels, expected none: a stream decides nothing")
        if self.dt is not None and (self.shape is not None or self.augment is not None):
            given = "shape" if self.shape is not None else "augment"
            raise DataError(f"task {self.name}: {given}: got one, expected none of a task over time; leave it out")
        for name, split in splits.items():
            got = (split.n_inputs, split.n_outputs)
            if got != (self.n_inputs, self.n_outputs):
                raise DataError(
                    f"task {self.name}: the {name} split has {got[0]} inputs and {got[1]} outputs, expected "
                    f"{self.n_inputs} and {self.n_outputs} as in the training split"
                )
            if not len(split) and name != "validation":
                raise DataError(f"task {self.name}: the {name} split is empty")
            if self.kind == "classification" and split.labels is None:
                raise DataError(f"task {self.name}: the {name} split has no labels")
        if self.shape is not None and np.prod(self.shape) != self.n_inputs:
            raise DataError(f"task {self.name}: shape {self.shape} does not hold {self.n_inputs} inputs")

    @property
    def n_inputs(self) -> int:
        """Number of input features."""
        return self.train.n_inputs

    @property
    def steps(self) -> int | None:
        """Grid steps in a trial; none without time."""
        return self.train.steps if isinstance(self.train, TimedSplit) else None

    @property
    def dt(self) -> float | None:
        """Time between two grid steps, in seconds; none without time."""
        return self.train.dt if isinstance(self.train, TimedSplit) else None

    @property
    def events(self) -> bool:
        """Whether inputs are spikes."""
        return isinstance(self.train, TimedSplit) and self.train.events

    @property
    def image(self) -> tuple[int, int, int] | None:
        """As in `Sizes`."""
        return self.shape

    @property
    def n_outputs(self) -> int:
        """Number of target values: the classes of a classification."""
        return self.train.n_outputs

    def __repr__(self) -> str:
        sizes = f"{len(self.train)} train, {len(self.validation)} validation, {len(self.test)} test"
        time = "" if self.dt is None else f", {self.steps} steps of {format_quantity(self.dt, 'second')}"
        listed = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in self.floors.items())
        floors = f"; floors: {listed}" if listed else ""
        return (
            f"Task({self.name}: {self.kind}, {self.n_inputs} inputs, {self.n_outputs} outputs{time}; {sizes}{floors})"
        )


def _refuse_other_times(task: str, splits: Mapping[str, Split | TimedSplit]) -> None:
    """Refuse splits of which only some have time, or that have other grids."""
    first = splits["train"]
    for name, split in splits.items():
        if isinstance(split, TimedSplit) != isinstance(first, TimedSplit):
            got, expected = type(split).__name__, type(first).__name__
            raise DataError(f"task {task}: the {name} split is a {got}, expected a {expected} as the training split")
        if isinstance(split, TimedSplit) and isinstance(first, TimedSplit):
            grids = [f"{each.steps} steps of {format_quantity(each.dt, 'second')}" for each in (split, first)]
            if (split.steps, split.dt, split.events) != (first.steps, first.dt, first.events):
                kinds = ["spikes" if each.events else "numbers" for each in (split, first)]
                raise DataError(
                    f"task {task}: the {name} split has {grids[0]} and {kinds[0]} as inputs, expected {grids[1]} and "
                    f"{kinds[1]} as in the training split"
                )


def _one_hot(labels: np.ndarray, n_classes: int) -> np.ndarray:
    """Rows of zeros with a one at the label."""
    return np.eye(n_classes, dtype=np.float32)[labels]


def _split_generator(seed: int, stream: str = "split") -> np.random.Generator:
    """The random stream of splits and subsets, independent of other uses of the seed.

    Raises
    ------
    ArgumentError
        A seed that is no whole number, or below zero.
    """
    key = np.array([_SEED("seed", seed), zlib.crc32(stream.encode())], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


def _stratified(
    rows: np.ndarray,
    labels: np.ndarray,
    fraction: float,
    generator: np.random.Generator,
    key: str,
    names: Sequence[Any] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Kept and held-out rows, both shuffled.

    Parameters
    ----------
    rows, labels
        Some rows, and the classes of all.
    fraction
        Share of each class to hold out.
    generator
        Draws the held-out rows.
    key
        The setting of the fraction, for messages.
    names
        Of the classes, for messages.

    Raises
    ------
    ConfigError
        No example of a class would be left.
    """
    kept, held_out = [], []
    for label in np.unique(labels[rows]):
        members = generator.permutation(rows[labels[rows] == label])
        n_held_out = round(fraction * len(members))
        if n_held_out == len(members):
            of_class = f" of the class {names[label] if names else label!r}" if len(np.unique(labels[rows])) > 1 else ""
            raise ConfigError(
                f"{key}: got {fraction}, which takes all {len(members)} examples{of_class}; expected a share that "
                "leaves some to learn from, or more examples"
            )
        held_out.append(members[:n_held_out])
        kept.append(members[n_held_out:])
    return generator.permutation(np.concatenate(kept)), generator.permutation(np.concatenate(held_out))
