"""Tasks: training, validation and test splits of read-only arrays."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import numpy as np

from neurosim.border import set_fields, whole
from neurosim.errors import ConfigError, DataError
from neurosim.tasks._scaling import lost

# The range of a stream's key.
_SEED = whole(0, 2**64 - 1)


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
    """

    n_inputs: int
    n_outputs: int
    image: tuple[int, int, int] | None = None
    numbers: bool = False


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
            array = _numbers(name, getattr(self, name))
            if array.ndim != 2 or array.shape[1] == 0:
                raise DataError(f"{name}: got shape {array.shape}, expected (examples, features)")
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
        set_fields(self, labels=_frozen(labels, np.int64))

    def __len__(self) -> int:
        return len(self.inputs)

    def __repr__(self) -> str:
        inputs, targets = self.inputs.shape[1], self.targets.shape[1]
        return f"Split({len(self)} examples, {inputs} inputs, {targets} outputs)"


@dataclass(frozen=True, eq=False)
class Task:
    """A task: data to train on, to choose by and to test with.

    Parameters
    ----------
    name
        Its name in the registry.
    train, validation, test
        The splits; only the validation split may be empty.
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

    Raises
    ------
    DataError
        The splits do not fit together.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    kind: Literal["classification", "regression"]
    shape: tuple[int, int, int] | None = None
    augment: Callable[[np.ndarray, int, np.ndarray], np.ndarray] | None = None
    files: tuple[FileRead, ...] = ()
    encoding: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        splits = {"train": self.train, "validation": self.validation, "test": self.test}
        for name, split in splits.items():
            got = (split.inputs.shape[1], split.targets.shape[1])
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
        return self.train.inputs.shape[1]

    @property
    def image(self) -> tuple[int, int, int] | None:
        """As in `Sizes`."""
        return self.shape

    @property
    def n_outputs(self) -> int:
        """Number of target values: the classes of a classification."""
        return self.train.targets.shape[1]

    def __repr__(self) -> str:
        sizes = f"{len(self.train)} train, {len(self.validation)} validation, {len(self.test)} test"
        return f"Task({self.name}: {self.kind}, {self.n_inputs} inputs, {self.n_outputs} outputs; {sizes})"


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


def _numbers(name: str, given: np.ndarray) -> np.ndarray:
    """Convert to float32, if all numbers fit."""
    given = np.asarray(given)
    if given.dtype.kind not in "biuf":
        raise DataError(f"{name}: got {given.dtype}, expected numbers")
    with np.errstate(over="ignore"):
        numbers = _frozen(given, np.float32)
    if given.dtype.kind == "f" and given.ndim == 2 and given.itemsize > 4 and np.isfinite(given).all():
        fault = lost(given, numbers, np.zeros(1), np.ones(1))
        if fault:
            raise DataError(f"{name}: expected, {fault}")
    return numbers


def _frozen(array: np.ndarray, dtype: type) -> np.ndarray:
    array = np.asarray(array)
    if array.dtype != dtype or array.flags.writeable:
        # A copy, so that the caller's array cannot change the task.
        array = np.array(array, dtype=dtype)
    array.setflags(write=False)
    return array
