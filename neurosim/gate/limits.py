"""Limits on the size of what is read, set by the machine's memory or the user's environment variable."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

from neurosim.errors import ConfigError, DataError

#: Environment variable for the limit in MiB on a file and its unpacked content.
VARIABLE = "NEUROSIM_LARGEST_MIB"
# A sparse file: of at least this size, with less than one byte in so many on the disk.
_LARGE, _SPARSEST = 64 << 20, 16


def largest() -> int:
    """The limit in bytes: half of this machine's memory, or what the user sets.

    Files never set it, since a stranger's would say whatever suits it.

    Raises
    ------
    ConfigError
        The environment variable holds no whole number above zero.
    """
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return memory() // 2
    if not (text.isascii() and text.isdecimal() and len(text) < 16 and int(text) > 0):
        raise ConfigError(f"{VARIABLE}: got {text[:60]!r}, expected a whole number of MiB above zero")
    return int(text) << 20


def check_size(size: int, what: str) -> None:
    """Refuse sizes above `largest`.

    Raises
    ------
    DataError
        With both sizes.
    """
    most = largest()
    if size > most:
        raise DataError(f"{what}: would take {shown(size)}, expected at most {shown(most)} here{remedy(most)}")


def remedy(most: int) -> str:
    """A hint how to raise the limit; empty if it is not the user's."""
    if most < largest():
        return ""
    return f"; if that is meant, set the environment variable {VARIABLE} to how many MiB may be taken"


def memory() -> int:
    """Bytes of memory of this machine; 8 GiB if unknown."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 8 << 30


def shown(size: int) -> str:
    """A number of bytes in readable form."""
    if size >= 1 << 28:
        return f"{size / 2**30:.3g} GiB" if size < 1 << 80 else "more than any machine's GiB"
    return f"{size / 2**20:.3g} MiB" if size >= 1 << 17 else f"{size} bytes"


def opened(path: Path, *, most: int | None = None) -> tuple[io.BufferedReader, int]:
    """A file that is open for reading, and its size, which is checked.

    Parameters
    ----------
    path
        The file; a pipe or a folder is none, and one that nobody writes to has no end.
    most
        Bytes it may have; by default as `largest` says.

    Raises
    ------
    DataError
        It is missing, no file, cannot be read, is larger, or is large and consists of holes.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise DataError(f"{path}: cannot be read, this is no file")
        stream = path.open("rb")
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise DataError(f"{path}: cannot be read ({reason})") from error
    try:
        size = os.fstat(stream.fileno()).st_size
        if most is None:
            check_size(size, str(path))
        elif size > most:
            raise DataError(f"{path}: got {shown(size)}, expected at most {shown(most)}{remedy(most)}")
        _refuse_holes(path, os.fstat(stream.fileno()))
    except BaseException:
        stream.close()
        raise
    return stream, size


def _refuse_holes(path: Path, status: os.stat_result) -> None:
    """Refuse large sparse files, which read as zeros for hours.

    A user who sets the limit may read them, for instance from a compressing file system.
    """
    blocks = getattr(status, "st_blocks", None)
    if blocks is None or status.st_size < _LARGE or os.environ.get(VARIABLE, "").strip():
        return
    if 512 * blocks * _SPARSEST < status.st_size:
        raise DataError(
            f"{path}: got {shown(status.st_size)} of which {shown(512 * blocks)} are on the disk, the rest are holes, "
            f"expected at most {_SPARSEST} times what is there{remedy(largest())}"
        )
