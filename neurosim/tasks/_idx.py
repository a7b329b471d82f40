"""Read IDX files, the format of MNIST, gzipped or not, without trusting their headers.

Source of the format: LeCun, Cortes and Burges, The MNIST database of handwritten digits.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from neurosim.errors import DataError
from neurosim.gate.limits import opened
from neurosim.tasks._task import FileRead

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_CHUNK = 1 << 20
# The highest ratio of Deflate (zlib's technical details).
_HIGHEST_COMPRESSION = 1032
# NumPy has no more than 64; data sets in this format have up to four.
_MOST_AXES = 8


def read_idx(
    path: str | Path, *, sha256: str | None = None, largest: int, hint: str = ""
) -> tuple[np.ndarray, FileRead]:
    """Read one IDX file.

    Parameters
    ----------
    path
        The file; gzip is recognised by its first bytes, not by its name.
    sha256
        Checksum of the unpacked bytes, checked if given.
    largest
        Bytes of unpacked data beyond which it is refused, before they are read.
    hint
        What to say of more than that, such as how it can be allowed.

    Returns
    -------
    array : numpy.ndarray
        The shape and type that the header names, in the machine's byte order; at least one number.
    read : FileRead
        What was read, unpacked.

    Raises
    ------
    DataError
        The file is missing, truncated, longer than its header says, too large, empty, no IDX, broken gzip, or has
        another checksum. No memory is allocated because of a header.
    """
    path = Path(path)
    try:
        raw, n_packed = opened(path)
        with raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if not zipped:
                return _read(path, raw, n_packed, sha256, largest, hint)
            with gzip.GzipFile(fileobj=raw) as unpacked:
                return _read(path, unpacked, n_packed * _HIGHEST_COMPRESSION, sha256, largest, hint)
    except DataError:
        raise
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: broken or truncated gzip ({error})") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error


def _read(
    path: Path, stream: BinaryIO | gzip.GzipFile, n_possible: int, sha256: str | None, largest: int, hint: str
) -> tuple[np.ndarray, FileRead]:
    digest = hashlib.sha256()

    def take(n_bytes: int, what: str) -> bytearray:
        data = _read_up_to(stream.read, n_bytes)
        digest.update(data)
        if len(data) < n_bytes:
            raise DataError(f"{path}: truncated, got {len(data)} bytes of {what}, expected {n_bytes}")
        return data

    magic = take(4, "the magic number")
    n_axes = magic[3]
    if magic[:2] != b"\0\0" or magic[2] not in _TYPES or n_axes == 0:
        raise DataError(
            f"{path}: no IDX file, got the magic number 0x{magic.hex()}, expected 0x0000, a type of "
            f"{', '.join(f'{code:#04x}' for code in _TYPES)} and the number of axes"
        )
    dtype = np.dtype(_TYPES[magic[2]])
    shape = tuple(int(n) for n in np.frombuffer(take(4 * n_axes, "the axes"), ">u4"))
    n_data = math.prod(shape) * dtype.itemsize
    if n_data > n_possible:
        raise DataError(
            f"{path}: truncated, or its header lies: axes {shape} need {n_data} bytes, the file cannot hold "
            f"more than {n_possible}"
        )
    if n_data > largest:
        raise DataError(
            f"{path}: axes {shape} need {n_data / 2**20:.0f} MiB, expected at most {largest / 2**20:.0f} MiB here{hint}"
        )
    if len(shape) > _MOST_AXES or not n_data:
        raise DataError(f"{path}: got axes {shape}, expected 1 to {_MOST_AXES} axes, each with at least one entry")
    data = take(n_data, "data")
    if stream.read(1):
        raise DataError(f"{path}: trailing bytes after the {n_data} bytes of data that axes {shape} need")
    if sha256 is not None and digest.hexdigest() != sha256:
        raise DataError(
            f"{path}: the checksum does not match, got sha256 {digest.hexdigest()} of the unpacked bytes, "
            f"expected {sha256}"
        )
    array = np.frombuffer(data, dtype).reshape(shape)
    name = path.name.removesuffix(".gz")
    size = 4 + 4 * n_axes + n_data
    return array.astype(dtype.newbyteorder("="), copy=False), FileRead(name=name, sha256=digest.hexdigest(), bytes=size)


def _read_up_to(read: Callable[[int], bytes], n_bytes: int) -> bytearray:
    """Read in pieces, so that memory grows with the data and not with the size in the header."""
    data = bytearray()
    while len(data) < n_bytes and (piece := read(min(n_bytes - len(data), _CHUNK))):
        data += piece
    return data
