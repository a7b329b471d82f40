"""Files of a run folder that may be damaged, or come from a stranger: checksums, sizes, links.

Nothing here trusts what it reads: sizes are checked before memory is taken, links are never followed, and formats that
can name code to run (object arrays, pickling filters) are refused.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import DataError
from neurosim.recording.store import open_recording

if TYPE_CHECKING:
    import xarray

# Of JSON, of all files together, of names.
_LARGEST_TEXT, _MOST_FILES, _DEEPEST = 1 << 26, 100_000, 20
_DTYPE = re.compile(r"[<>|][biufcSUmM]\d{1,6}(\[\w+\])?\Z")
_COMPRESSORS = (None, "blosc", "zstd", "zlib", "gzip", "lz4", "bz2")


def digest_of(data: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def files_in(folder: Path) -> dict[str, Path]:
    """All files below a folder by their relative names, with ``/`` between the steps.

    Raises
    ------
    DataError
        There is anything else than files and folders: a link could lead out of the folder, a pipe has no end.
    """
    found = {path.relative_to(folder).as_posix(): path for path in _walk(folder, folder, 0)}
    if len(found) > _MOST_FILES:
        raise DataError(f"{folder}: more than {_MOST_FILES} files, which no run has")
    return found


def _walk(folder: Path, top: Path, depth: int) -> Iterator[Path]:
    if depth > _DEEPEST:
        raise DataError(f"{top}: folders in it are nested more than {_DEEPEST} deep, which those of no run are")
    try:
        entries = sorted(folder.iterdir())
        kinds = [(path, os.lstat(path).st_mode) for path in entries]
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror or error})") from error
    for path, mode in kinds:
        if stat.S_ISDIR(mode):
            yield from _walk(path, top, depth + 1)
        elif stat.S_ISREG(mode):
            yield path
        else:
            kind = "a link" if stat.S_ISLNK(mode) else "no file"
            raise DataError(f"{path}: this is {kind}, expected a file: run folders hold files and folders only")


def digest_of_file(path: Path) -> str:
    """SHA-256 of a file of any size.

    Raises
    ------
    DataError
        It cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error


def sealed(content: Mapping[str, Any], kind: str, version: int) -> bytes:
    """JSON that says what it is and carries the checksum of its content."""
    inner = json.dumps(content, allow_nan=False)
    whole = {"format": kind, "version": version, "content": content, "sha256": digest_of(inner.encode())}
    return (json.dumps(whole, indent=1, allow_nan=False) + "\n").encode()


def unsealed(path: Path, kind: str, version: int) -> dict[str, Any]:
    """The content of what `sealed` made.

    Raises
    ------
    DataError
        It is damaged, something else, or from another version.
    """
    whole = read_json(path)
    try:
        if whole["format"] != kind or whole["version"] != version:
            raise DataError(
                f"{path}: got format {str(whole['format'])[:60]!r} {str(whole['version'])[:20]}, expected {kind!r} "
                f"{version}"
            )
        content = whole["content"]
        if digest_of(json.dumps(content, allow_nan=False).encode()) != whole["sha256"]:
            raise DataError(f"{path}: damaged, its checksum is that of another content")
        if not isinstance(content, dict):
            raise TypeError("no table")
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: damaged, or not of the format {kind!r} ({error})") from error
    return content


def read_json(path: Path) -> Any:
    """JSON from anywhere.

    Raises
    ------
    DataError
        It cannot be read, is no JSON, or larger than anything that we write.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST_TEXT + 1)
        if len(data) > _LARGEST_TEXT:
            raise DataError(f"{path}: larger than {_LARGEST_TEXT >> 20} MiB, which no such file needs to be")
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: damaged, no valid JSON ({error})") from error
    except OSError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error


def read_arrays(path: Path, digest: str | None = None) -> dict[str, np.ndarray]:
    """The arrays of a safetensors file.

    Parameters
    ----------
    digest
        The SHA-256 it must have.

    Raises
    ------
    DataError
        It cannot be read, is larger than memory, damaged, or no safetensors.
    """
    from safetensors.numpy import load

    try:
        size = path.stat().st_size
        # Once as bytes and once as arrays. The format's own reader refuses headers that promise more than there is.
        check_size(2 * size, str(path))
        data = path.read_bytes()
    except OSError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: missing or damaged, cannot be read ({error.strerror or error})") from error
    if digest is not None and digest_of(data) != digest:
        raise DataError(f"{path}: damaged, its checksum is not what was written down")
    try:
        return load(data)
    except Exception as error:  # the reader's own kind of error, and whatever NumPy makes of an odd type
        raise DataError(f"{path}: missing or damaged, no valid safetensors ({error})") from error


def read_recording(path: Path) -> xarray.Dataset:
    """Open a recording, from anybody, piece by piece as it is read.

    Raises
    ------
    DataError
        It is none, it is damaged, or it wants what `check_zarr` refuses.
    """
    check_zarr(path, whole=False)
    return open_recording(path)


def check_zarr(path: Path, *, whole: bool = True) -> None:
    """Refuse a Zarr store that is larger than memory or asks for a decoder that could run code.

    Parameters
    ----------
    path
        The store.
    whole
        Whether it will be in memory as a whole; if not, it may be larger, and only its chunks count.

    Raises
    ------
    DataError
        Naming the array.
    """
    described: dict[str, Any] = {}
    for name, file in files_in(path).items():
        if name.rpartition("/")[2] == ".zarray":
            described[name] = read_json(file)
        elif name == ".zmetadata":
            inner = read_json(file)
            described |= dict(inner.get("metadata", {})) if isinstance(inner, dict) else {"": inner}
        elif name.rpartition("/")[2] == "zarr.json":
            raise DataError(f"{file}: got Zarr format 3, expected 2")
    total = 0
    for name, array in described.items():
        if name.rpartition("/")[2] == ".zarray":
            size, chunk = _checked_array(array, f"{path}/{name}")
            total += chunk + (size if whole else 0)
    check_size(total, str(path))


def _checked_array(array: Any, where: str) -> tuple[int, int]:
    """The bytes of an array, and of one of its chunks."""
    try:
        dtype, compressor, filters = array["dtype"], array["compressor"], array["filters"]
        kind = compressor["id"] if compressor else None
        if not isinstance(dtype, str) or not _DTYPE.match(dtype):
            raise DataError(f"{where}: got dtype {str(dtype)[:60]!r}, expected numbers or text of fixed length")
        if filters or kind not in _COMPRESSORS:
            raise DataError(f"{where}: got filters {str(filters)[:60]} and compressor {str(kind)[:60]!r}, unknown here")
        sizes = [int(size) for size in (*array["shape"], *array["chunks"])]
        if min(sizes, default=1) < 0 or len(array["shape"]) != len(array["chunks"]) or len(sizes) > 64:
            raise DataError(f"{where}: got shape {str(array['shape'])[:60]} and chunks {str(array['chunks'])[:60]}")
        item = np.dtype(dtype).itemsize
        return item * math.prod(map(int, array["shape"])), item * math.prod(map(int, array["chunks"]))
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise DataError(f"{where}: damaged, or not Zarr format 2 ({error})") from error


def check_size(size: int, what: str) -> None:
    """Refuse what would take more than half of this machine's memory.

    Raises
    ------
    DataError
        With both sizes.
    """
    most = memory() // 2
    if size > most:
        raise DataError(f"{what}: would take {size / 2**30:.3g} GiB, expected at most {most / 2**30:.3g} GiB here")


def memory() -> int:
    """Bytes of memory of this machine; 8 GiB where it does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 8 << 30
