"""Read columns and arrays by name from NumPy's formats and CSV; the files may be a stranger's.

What is not asked for is not read where the format allows that, and sizes are checked before memory is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from neurosim.errors import DataError
from neurosim.gate.limits import opened
from neurosim.gate.npz import names_in, read_npy, read_npz
from neurosim.tasks._csv import Csv, plain_text, read_cells, read_names, text_column
from neurosim.tasks._files import file_read
from neurosim.tasks._task import FileRead

_LEAVE = "if it is not to be learned from, name those that are with task.inputs"
SUFFIXES = (".csv", ".npy", ".npz")


@dataclass(frozen=True)
class Columns:
    """The content of a file.

    Attributes
    ----------
    path
        Where it is.
    names
        Of its columns or arrays, in the file's order; ``""`` for a column without a name.
    file
        Name, checksum and size.
    """

    path: Path
    names: tuple[str, ...]
    file: FileRead
    _read: Callable[[Sequence[str]], Mapping[str, np.ndarray]] = field(repr=False)

    def read(self, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Read some of them: (n, ...) each, one row an example; numbers, or texts as objects, ``None`` if empty.

        Raises
        ------
        DataError
            Damage, Python objects, no rows, or a single number instead of rows.
        """
        columns = {}
        for name, array in self._read(tuple(dict.fromkeys(names))).items():
            if array.ndim == 0:
                raise DataError(f"{self.path}: '{name}' is a single number, expected one row an example; {_LEAVE}")
            if not len(array):
                raise DataError(f"{self.path}: '{name}' has no rows (shape {array.shape}), expected one an example")
            if not array.size:
                raise DataError(f"{self.path}: '{name}' has the shape {array.shape}, expected at least one entry a row")
            columns[name] = _as_text(self.path, name, array) if array.dtype.kind in "SU" else array
        return columns


def columns_of(path: Path, *, largest: int, written: Csv | None = None) -> Columns:
    """Open a file of arrays or columns.

    Parameters
    ----------
    path
        ``.npz`` (its arrays by name), ``.npy`` (an array of two dimensions, its columns named ``"0"``, ``"1"`` ...) or
        ``.csv`` (the columns by the names in its first line).
    largest
        Bytes, of the file and of the arrays in it, beyond which it is refused.
    written
        How a ``.csv`` is written.

    Raises
    ------
    DataError
        A file that is missing, too large, damaged, of another kind, or that holds Python objects.
    """
    kind = path.suffix.lower()
    if kind not in SUFFIXES:
        raise DataError(f"{path}: got a file '{path.suffix}', expected {', '.join(SUFFIXES)}")
    stream, size = opened(path, most=largest)
    with stream:
        if not size:
            raise DataError(f"{path}: cannot be read as {kind}: the file is empty")
        file = file_read(path, stream)
        if kind == ".csv":
            written = written or Csv()
            names = read_names(path, stream, written)
            return Columns(path, names, file, _cells_of(path, written, names, largest))
    if kind == ".npz":
        held = names_in(path, largest=largest)
        called = {plain_text(name): name for name in held}
        if len(called) < len(held):
            raise DataError(f"{path}: names of its arrays differ by blanks alone: {', '.join(map(repr, held))}")
        if not called:
            raise DataError(f"{path}: holds no arrays")
        return Columns(path, tuple(called), file, _arrays_of(path, called, largest))
    arrays = _columns_of_one(path, read_npy(path, largest=largest))
    if not arrays:
        raise DataError(f"{path}: holds no arrays")
    return Columns(path, tuple(arrays), file, lambda names: {name: arrays[name] for name in names})


def _arrays_of(
    path: Path, called: Mapping[str, str], largest: int
) -> Callable[[Sequence[str]], Mapping[str, np.ndarray]]:
    def read(wanted: Sequence[str]) -> Mapping[str, np.ndarray]:
        # Arrays that are not asked for may hold anything: dates, records, a scalar.
        try:
            arrays = read_npz(path, names=[called[name] for name in wanted], largest=largest)
        except DataError as error:
            raise (DataError(f"{error}; {_LEAVE}") if "expected numbers or text" in str(error) else error) from error
        return {name: arrays[called[name]] for name in wanted}

    return read


def _cells_of(
    path: Path, written: Csv, names: tuple[str, ...], largest: int
) -> Callable[[Sequence[str]], Mapping[str, np.ndarray]]:
    def read(wanted: Sequence[str]) -> Mapping[str, np.ndarray]:
        stream, _ = opened(path, most=largest)
        with stream:
            return read_cells(path, stream, written, names, wanted, largest)

    return read


def _columns_of_one(path: Path, array: np.ndarray) -> dict[str, np.ndarray]:
    if array.ndim != 2:
        raise DataError(
            f"{path}: got an array of shape {array.shape}, expected (examples, columns); several arrays beside each "
            "other fit into a .npz"
        )
    return {str(number): array[:, number] for number in range(array.shape[1])}


def _as_text(path: Path, name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind == "S":
        try:
            array = np.char.decode(array, "utf-8")
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: '{name}' holds bytes that are no UTF-8 text, expected text or numbers") from error
    return text_column(array.ravel()).reshape(array.shape)
