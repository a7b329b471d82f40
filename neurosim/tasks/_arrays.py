"""Arrays from files that anybody may have written: NumPy's formats and CSV, with sizes checked before memory is taken.

An array of Python objects is refused.
"""

from __future__ import annotations

import math
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np

from neurosim.errors import DataError

SUFFIXES = (".csv", ".npy", ".npz")


def read_columns(path: Path, *, largest: int) -> Mapping[str, np.ndarray]:
    """Read a file's arrays.

    Parameters
    ----------
    path
        ``.npz`` (its arrays by name), ``.npy`` (an array of two dimensions, its columns named ``"0"``, ``"1"`` ...) or
        ``.csv`` (the columns by the names in its first line).
    largest
        Bytes, of the file and of the arrays in it, beyond which it is refused.

    Raises
    ------
    DataError
        A file that is missing, too large, damaged, of another kind, or that holds Python objects.
    """
    if path.suffix not in SUFFIXES:
        raise DataError(f"{path}: got a file '{path.suffix}', expected {', '.join(SUFFIXES)}")
    try:
        size = path.stat().st_size
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    if not path.is_file():
        raise DataError(f"{path}: is no file")
    _refuse_large(path, "the file", size, largest)
    try:
        if path.suffix == ".npz":
            return _read_npz(path, largest)
        return _read_csv(path) if path.suffix == ".csv" else _read_npy(path, largest)
    except DataError:
        raise
    except MemoryError as error:
        raise DataError(f"{path}: does not fit into memory") from error
    except Exception as error:  # whatever these readers make of a damaged file
        raise DataError(f"{path}: cannot be read as {path.suffix} ({error})") from error


def _read_npz(path: Path, largest: int) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
        total = 0
        for member in members:
            with archive.open(member) as stream:
                total += _declared(path, stream, member.file_size)
            _refuse_large(path, "its arrays unpacked", total, largest)
    with np.load(path, allow_pickle=False) as found:
        return {name: found[name] for name in found.files}


def _read_npy(path: Path, largest: int) -> dict[str, np.ndarray]:
    with path.open("rb") as stream:
        _refuse_large(path, "its array", _declared(path, stream, path.stat().st_size), largest)
    array = np.load(path, allow_pickle=False)
    if array.ndim != 2:
        raise DataError(f"{path}: got an array of shape {array.shape}, expected (examples, columns)")
    return {str(number): array[:, number] for number in range(array.shape[1])}


def _declared(path: Path, stream: IO[bytes], available: int) -> int:
    """The bytes that an array's header announces; refused if there are fewer."""
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)
    if dtype.hasobject:
        raise DataError(f"{path}: got an array of Python objects, expected numbers or text")
    announced = math.prod(shape) * dtype.itemsize
    if announced > available:
        raise DataError(f"{path}: truncated, its header announces {announced} bytes, {available} are there")
    return announced


def _read_csv(path: Path) -> dict[str, np.ndarray]:
    import pandas

    with warnings.catch_warnings():
        # Otherwise rows that are too long are cut, with a warning.
        warnings.simplefilter("error", pandas.errors.ParserWarning)
        table = pandas.read_csv(path, skipinitialspace=True, index_col=False)
    return {str(name): _column(table[name]) for name in table.columns}


def _column(series: object) -> np.ndarray:
    array = np.asarray(series)
    # Text as NumPy's own; what is missing in it stays a number that is none.
    return array.astype(str) if array.dtype.kind not in "biuf" else array


def _refuse_large(path: Path, what: str, size: int, largest: int) -> None:
    if size > largest:
        raise DataError(
            f"{path}: {what}: {size / 2**20:.0f} MiB, expected at most {largest / 2**20:.0f} MiB; "
            "task.largest_mib allows more"
        )
