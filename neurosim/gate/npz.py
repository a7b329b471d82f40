"""Read NumPy's files of strangers: ``.npy``, and ``.npz``, a ZIP archive of such.

An archive's directory and each array's header are checked before memory is taken; what is unpacked is bounded by what
was checked; an array of Python objects, which would be a pickle, is refused by its header.
"""

from __future__ import annotations

import contextlib
import math
import struct
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from neurosim.errors import DataError
from neurosim.gate.limits import largest as users_largest
from neurosim.gate.limits import opened, remedy, shown

# Data types that are read: numbers, booleans and text.
_KINDS = "biufcSU"
# Limit on an archive's directory: a hundred thousand arrays.
_DIRECTORY = 16 << 20
_MOST_AXES = 32
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def read_npz(
    path: Path, *, names: Sequence[str] | None = None, largest: int | None = None, hint: str = ""
) -> dict[str, np.ndarray]:
    """Arrays of an ``.npz`` file by their names.

    Parameters
    ----------
    path
        The file.
    names
        Names of the arrays to read, by default all. The other arrays are not read.
    largest
        Bytes that all arrays together, unpacked, may take; by default as `neurosim.gate.limits.largest` says.
    hint
        Text for the error about a larger size, such as how to allow it.

    Raises
    ------
    DataError
        A file that is missing, damaged or no archive; one that holds anything else than arrays of numbers and text,
        one array twice, or more than it may.
    """
    wanted = None if names is None else set(names)
    with _members(path, largest, hint) as (archive, members):
        chosen = [member for member in members if wanted is None or member.filename[:-4] in wanted]
        return {member.filename[:-4]: _member(path, archive, member) for member in chosen}


def names_in(path: Path, *, largest: int | None = None) -> tuple[str, ...]:
    """The names of the arrays of an ``.npz`` file, which are not read; parameters and errors as of `read_npz`."""
    with _members(path, largest, "") as (_, members):
        return tuple(member.filename[:-4] for member in members)


@contextlib.contextmanager
def _members(path: Path, largest: int | None, hint: str) -> Iterator[tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]]:
    """Open an archive with a checked directory; errors for damage become one type."""
    most = users_largest() if largest is None else largest
    stream, size = opened(path, most=most)
    with stream:
        try:
            _check_directory(path, stream, size)
            with zipfile.ZipFile(stream) as archive:
                members = archive.infolist()
                _check_members(path, members, most, hint)
                yield archive, members
        except DataError:
            raise
        except MemoryError as error:
            raise DataError(f"{path}: does not fit into memory") from error
        except Exception as error:  # whatever NumPy's and the archive's readers make of damage
            raise DataError(f"{path}: damaged, or no .npz file ({_said(error)})") from error


def read_npy(path: Path, *, largest: int | None = None) -> np.ndarray:
    """The array of an ``.npy`` file; parameters and errors are those of `read_npz`."""
    stream, size = opened(path, most=users_largest() if largest is None else largest)
    with stream:
        try:
            return _array(stream, size, str(path))
        except DataError:
            raise
        except MemoryError as error:
            raise DataError(f"{path}: does not fit into memory") from error
        except Exception as error:  # whatever NumPy's and the archive's readers make of damage
            raise DataError(f"{path}: damaged, or no .npy file ({_said(error)})") from error


def _said(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _check_directory(path: Path, stream: IO[bytes], size: int) -> None:
    """Refuse a directory that would take long to read: its size stands at the archive's end."""
    stream.seek(max(0, size - 65_600))
    tail = stream.read(65_600)
    stream.seek(0)
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) < end + 22:
        raise DataError(f"{path}: damaged, or no .npz file (it has not the end of an archive)")
    (length,) = struct.unpack_from("<I", tail, end + 12)
    # Archives of more than 4 GiB have another end before this one, which then says nothing.
    before = tail.rfind(b"PK\x06\x06", 0, end)
    if before >= 0 and len(tail) >= before + 48:
        (length,) = struct.unpack_from("<Q", tail, before + 40)
    if length > _DIRECTORY:
        raise DataError(f"{path}: its directory takes {shown(length)}, which that of no such file does")


def _check_members(path: Path, members: list[zipfile.ZipInfo], most: int, hint: str) -> None:
    seen: set[str] = set()
    for member in members:
        name = member.filename
        if not name.endswith(".npy") or len(name) == 4:
            raise DataError(f"{path}: holds {name[:100]!r}, expected arrays only, whose names end with .npy")
        if name in seen:
            raise DataError(f"{path}: holds {name[:100]!r} twice")
        seen.add(name)
        if member.compress_type not in _PACKED or member.flag_bits & 0x1:
            raise DataError(f"{path}: {name[:100]!r} is encrypted, or packed in another way than NumPy does")
    total = sum(member.file_size for member in members)
    if total > most:
        raise DataError(
            f"{path}: its arrays unpack to {shown(total)}, expected at most {shown(most)}{hint or remedy(most)}"
        )


def _member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(member) as stream:
        return _array(stream, member.file_size, f"{path}: {member.filename[:100]!r}")


def _array(stream: IO[bytes], available: int, where: str) -> np.ndarray:
    """Read an array whose header matches the size of its data."""
    begin = stream.tell()
    version = np.lib.format.read_magic(stream)
    header: Any = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = header(stream)
    if dtype.hasobject or dtype.kind not in _KINDS:
        what = "Python objects" if dtype.hasobject else str(dtype)[:60]
        remedy = "; texts are saved with .astype(str)" if dtype.hasobject else ""
        raise DataError(f"{where}: got an array of {what}, expected numbers or text{remedy}")
    if len(shape) > _MOST_AXES or any(isinstance(n, bool) or n < 0 for n in shape):
        raise DataError(f"{where}: damaged, got the shape {str(shape)[:60]}")
    # An array without numbers may still have axes that no array can have.
    math.prod(n for n in shape if n).to_bytes(8, "little", signed=True)
    promised, rest = math.prod(shape) * dtype.itemsize, available - (stream.tell() - begin)
    if promised > rest:
        raise DataError(f"{where}: truncated, its header announces {shown(promised)}, {shown(max(0, rest))} are there")
    if promised < rest:
        raise DataError(f"{where}: damaged, {rest - promised} bytes follow the array that its header announces")
    data = _exactly(stream, promised, where)
    return np.ndarray(shape, dtype, buffer=data, order="F" if fortran else "C")


def _exactly(stream: IO[bytes], size: int, where: str) -> bytearray:
    """Read exactly `size` bytes, then the end, where an archive compares its checksum."""
    data = bytearray()
    # In pieces, so that memory grows with the data and not with the size in the header.
    while len(data) < size and (piece := stream.read(min(size - len(data), 1 << 24))):
        data += piece
    if len(data) < size or stream.read(1):
        raise DataError(f"{where}: damaged, it holds another number of bytes than it announces")
    return data
