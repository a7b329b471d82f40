"""Read safetensors, also of strangers: a header of JSON, then numbers. No code, and the header is not trusted.

Source of the format: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.errors import DataError
from neurosim.gate.limits import opened
from neurosim.gate.seals import digest_of
from neurosim.gate.texts import parsed_json

#: Metadata key of the checksum of all arrays.
SEAL = "sha256"
_TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?", "C64": "<c8",
}  # fmt: skip
# Limit on the header: a hundred thousand arrays.
_HEADER = 16 << 20
_METADATA = "__metadata__"
_MOST_AXES = 32


@dataclass(frozen=True)
class Tensors:
    """The content of a file: arrays by name, and metadata."""

    arrays: dict[str, np.ndarray]
    metadata: dict[str, str]


def read_tensors(path: Path, digest: str | None = None) -> Tensors:
    """Read a safetensors file.

    Parameters
    ----------
    path
        The file.
    digest
        The SHA-256 that the file must have. The checksum that `arrays_digest` gives is checked wherever the metadata
        have one.

    Raises
    ------
    DataError
        It cannot be read, is larger than the user allows, damaged, or no safetensors.
    """
    stream, size = opened(path)
    with stream:
        try:
            head, header = _header(path, stream, size)
            placed = _placed(path, header, size - len(head))
            data = bytearray(size - len(head))
            view = memoryview(data)
            read = 0
            while read < len(data) and (count := stream.readinto(view[read : read + (1 << 24)])):
                read += count
        except OSError as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"{path}: missing or damaged, cannot be read ({error.strerror or error})") from error
        except MemoryError as error:
            raise DataError(f"{path}: does not fit into memory") from error
    if read < len(data):
        raise _invalid(path, "it became shorter while it was read")
    if digest is not None and digest_of(head, data) != digest:
        raise DataError(f"{path}: damaged, its checksum is not what was written down")
    arrays = {name: np.ndarray(shape, dtype, data, begin) for name, (dtype, shape, begin) in placed.items()}
    metadata = _metadata(path, header)
    if SEAL in metadata and arrays_digest(arrays) != metadata[SEAL]:
        raise DataError(
            f"{path}: damaged, its checksum is not that of its numbers; if another program changed them on purpose, "
            f"let it write the file without the metadata '{SEAL}'"
        )
    return Tensors(arrays, metadata)


def packed(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> bytes:
    """Bytes of a safetensors file, the same for the same content."""
    from safetensors.numpy import save

    whole = _little(arrays)
    data = memoryview(save(whole, metadata=dict(metadata)))
    # The library writes the metadata in any order.
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(bytes(data[8:end])) | {_METADATA: dict(sorted(metadata.items()))}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, data[end:]])


def with_seal(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> bytes:
    """Bytes of a safetensors file whose metadata hold the checksum that `read_tensors` checks."""
    return packed(arrays, {**metadata, SEAL: arrays_digest(_little(arrays))})


def _little(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays in the format's layout; scalars stay scalars."""
    little = {name: np.asarray(array) for name, array in arrays.items()}
    return {
        name: np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)
        for name, array in little.items()
    }


def arrays_digest(arrays: Mapping[str, np.ndarray]) -> str:
    """A checksum of names, data types, shapes and numbers, whatever the order."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {np.shape(arrays[name])}\n".encode())
        digest.update(array.data if array.nbytes else b"")
    return digest.hexdigest()


def _header(path: Path, stream: io.BufferedReader, size: int) -> tuple[bytes, dict[str, Any]]:
    """The header's bytes, and its content."""
    first = stream.read(8)
    length = int.from_bytes(first, "little")
    if len(first) < 8 or not 2 <= length <= min(size - 8, _HEADER):
        raise _invalid(path, f"its header would have {length} bytes of the file's {size}")
    text = stream.read(length)
    try:
        header = parsed_json(text, str(path))
    except DataError as error:
        raise _invalid(path, "its header is no JSON") from error
    if not isinstance(header, dict):
        raise _invalid(path, "its header is no table")
    return first + text, header


def _placed(path: Path, header: dict[str, Any], available: int) -> dict[str, tuple[np.dtype, tuple[int, ...], int]]:
    """Data type, shape and offset of each array; arrays follow one another without gaps."""
    placed: dict[str, tuple[np.dtype, tuple[int, ...], int]] = {}
    ends = []
    for name, said in header.items():
        if name == _METADATA:
            continue
        try:
            kind, shape, (begin, end) = said["dtype"], said["shape"], said["data_offsets"]
            if kind not in _TYPES:
                raise _invalid(path, f"'{name[:100]}' holds {str(kind)[:40]!r}, expected one of {', '.join(_TYPES)}")
            numbers = [*shape, begin, end]
            if not all(type(number) is int and 0 <= number < 1 << 62 for number in numbers) or len(shape) > _MOST_AXES:
                raise ValueError(f"shape {str(shape)[:60]}, from {str(begin)[:30]} to {str(end)[:30]}")
            dtype = np.dtype(_TYPES[kind])
            if end - begin != math.prod(shape) * dtype.itemsize or math.prod(n for n in shape if n) >= 1 << 62:
                raise ValueError(f"shape {str(shape)[:60]} needs other than {end - begin} bytes")
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise _invalid(path, f"'{name[:100]}': {str(error)[:200]}") from error
        placed[name] = (dtype, tuple(shape), begin)
        ends.append((begin, end))
    reached = 0
    for begin, end in sorted(ends):
        if begin != reached:
            raise _invalid(path, "its arrays overlap, or there are gaps between them")
        reached = end
    if reached != available:
        raise _invalid(path, f"its header announces {reached} bytes of numbers, {available} are there")
    return placed


def _metadata(path: Path, header: dict[str, Any]) -> dict[str, str]:
    metadata = header.get(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise _invalid(path, "its metadata are no texts")
    return metadata


def _invalid(path: Path, why: str) -> DataError:
    return DataError(f"{path}: missing or damaged, no valid safetensors ({why})")
