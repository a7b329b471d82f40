"""Unpack chunks to exactly their described size, whatever their stream holds."""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Callable
from typing import Any

from neurosim.errors import DataError


def unpacked(data: bytes, compressor: str | None, size: int, what: str) -> bytearray | bytes:
    """The bytes of a chunk.

    Parameters
    ----------
    data
        As it lies on the disk.
    compressor
        One of `COMPRESSORS`.
    size
        Bytes that it has unpacked.
    what
        What to call it.

    Raises
    ------
    DataError
        It is damaged, or unpacks to another number of bytes.
    """
    try:
        plain = COMPRESSORS[compressor](data, size)
    except DataError:
        raise
    except Exception as error:  # whatever these libraries make of a damaged stream
        raise DataError(f"{what}: damaged, it cannot be unpacked ({' '.join(str(error).split())[:120]})") from error
    if plain is None or len(plain) != size:
        raise DataError(f"{what}: damaged, it unpacks to another size than the {size} bytes that are described")
    return plain


def _plain(data: bytes, size: int) -> bytes:
    return data


def _deflated(bits: int) -> Callable[[bytes, int], bytes | None]:
    def unpack(data: bytes, size: int) -> bytes | None:
        stream = zlib.decompressobj(bits)
        # One byte more shows that there is more.
        plain = stream.decompress(data, size + 1)
        return plain if stream.eof and not stream.unused_data else None

    return unpack


def _bz2(data: bytes, size: int) -> bytes | None:
    stream = bz2.BZ2Decompressor()
    plain = stream.decompress(data, size + 1)
    return plain if stream.eof and not stream.unused_data else None


def _into(name: str, announced: Callable[[bytes], int | None]) -> Callable[[bytes, int], bytearray | None]:
    """A library's decoder for memory of the right size, used only if the stream announces that size."""

    def unpack(data: bytes, size: int) -> bytearray | None:
        if announced(data) != size:
            return None
        import numcodecs

        codec: Any = numcodecs.get_codec({"id": name})
        plain = bytearray(size)
        if size:
            codec.decode(data, out=plain)
        return plain

    return unpack


def _of_blosc(data: bytes) -> int | None:
    if len(data) < 16:
        return None
    size, block, packed = (int.from_bytes(data[at : at + 4], "little") for at in (4, 8, 12))
    return size if packed == len(data) and data[3] and (block <= size or not size) else None


def _of_lz4(data: bytes) -> int | None:
    return int.from_bytes(data[:4], "little") if len(data) > 4 else None


def _of_zstd(data: bytes) -> int | None:
    """The size that a frame's header announces (RFC 8878, 3.1.1.1)."""
    if data[:4] != b"\x28\xb5\x2f\xfd" or len(data) < 6:
        return None
    flags = data[4]
    single, kind = bool(flags & 0x20), flags >> 6
    width = (1 if single else 0) if kind == 0 else 2**kind
    if not width:
        return None
    begin = 5 + (not single) + (0, 1, 2, 4)[flags & 3]
    field = data[begin : begin + width]
    return int.from_bytes(field, "little") + (256 if width == 2 else 0) if len(field) == width else None


#: By their names in a store's description, from the packed bytes and the size they have to have.
COMPRESSORS: dict[str | None, Callable[[bytes, int], bytearray | bytes | None]] = {
    None: _plain,
    "blosc": _into("blosc", _of_blosc),
    "zstd": _into("zstd", _of_zstd),
    "lz4": _into("lz4", _of_lz4),
    "zlib": _deflated(zlib.MAX_WBITS),
    "gzip": _deflated(zlib.MAX_WBITS | 16),
    "bz2": _bz2,
}
