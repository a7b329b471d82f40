"""Atomic writes: whatever happens, a path holds either all of the old content or all of the new.

Everything is written under another name beside its own, brought to the disk (fsync), renamed, and the rename brought to
the disk as well. What a process that was killed leaves behind has a name that `is_temporary` knows.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from neurosim.errors import DataError

# The suffix stays, because some writers choose their format by it.
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.tmp(\.\w+)?\Z", re.DOTALL)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the file system refuses, such as a full disk, into an error that names the file.

    Raises
    ------
    DataError
        Instead of any other `OSError`.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from error


def write_file(path: Path, data: bytes | str, *, parents: bool = False) -> None:
    """Write a file; text is written as UTF-8, and `parents` is as for `replacing`.

    Raises
    ------
    DataError
        It cannot be written, or there is a folder; what was there before is left as it is.
    """
    if path.is_dir() and not path.is_symlink():
        # Renaming would replace the folder with all its files.
        raise DataError(f"{path} is a folder; expected the name of a file")
    with replacing(path, parents=parents) as temporary:
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)


def append_line(path: Path, line: str) -> None:
    """Add a line to a file, which is made if it is not there, as UTF-8.

    Raises
    ------
    DataError
        It cannot be written, or the file may be another one as well: a link, or one with a second name (a hard link).
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with writing(path):
        refuse_link(path)
        handle = os.open(path, flags, 0o666)
        with os.fdopen(handle, "ab") as stream:
            refuse_shared(path, os.fstat(handle))
            stream.write(f"{line}\n".encode())


def refuse_link(path: Path) -> None:
    """Refuse a link as the target of a write, since what it names lies elsewhere.

    Raises
    ------
    DataError
        It is one.
    """
    if path.is_symlink():
        raise DataError(
            f"{path}: this is a link; expected a file or folder, since writing would change what the link names"
        )


def refuse_shared(path: Path, status: os.stat_result) -> None:
    """Refuse to change a file in place that has further names (hard links).

    Raises
    ------
    DataError
        It is no file, or has a second name (a hard link).
    """
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"{path}: this is no file, so that nothing is written there")
    if status.st_nlink > 1:
        raise DataError(
            f"{path}: this file has {status.st_nlink} names (hard links), and writing would change it under all of "
            "them; continue in a copy of the folder"
        )


@contextlib.contextmanager
def replacing(path: Path, *, parents: bool = False) -> Iterator[Path]:
    """A path for a file or folder that takes the place of the one at `path` when the block ends.

    Parameters
    ----------
    path
        The name it gets.
    parents
        Whether the folders above are made where they are missing.

    Raises
    ------
    DataError
        It cannot be written. As with whatever else the block raises, what was there before is left as it is.
    """
    temporary = temporary_name(path)
    with writing(path):
        if parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            put(temporary, path)
        finally:
            discard(temporary)


def temporary_name(path: Path) -> Path:
    """A free name beside `path`, which `is_temporary` recognises."""
    return path.with_name(f".{path.stem}.{secrets.token_hex(4)}.tmp{path.suffix}")


def is_temporary(path: Path) -> bool:
    """Whether a name is that of a temporary file: still being written, or left by a process that died."""
    return _TEMPORARY.match(path.name) is not None


def put(temporary: Path, path: Path) -> None:
    """Bring a file or folder to the disk and give it its name.

    A file takes the place of another in one step. A folder that is there cannot be replaced in one step: it is moved
    aside first, and for that instant there is none.

    Raises
    ------
    OSError
        As it comes, see `writing`.
    """
    sync(temporary)
    if path.is_dir() and not path.is_symlink():
        _replace_folder(temporary, path)
    else:
        os.replace(temporary, path)
    _sync_folder(path.parent)


def discard(path: Path) -> None:
    """Remove a file or folder, if it is there; never raises, because it tidies up after errors."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _replace_folder(temporary: Path, path: Path) -> None:
    aside = temporary_name(path)
    os.replace(path, aside)
    try:
        os.replace(temporary, path)
    except BaseException:
        os.replace(aside, path)
        raise
    discard(aside)


def sync(path: Path) -> None:
    """Bring a file, or all that is in a folder, to the disk.

    Raises
    ------
    OSError
        As it comes, see `writing`.
    """
    if not path.is_dir():
        _sync(path)
        return
    for folder, _, names in os.walk(path):
        for name in names:
            _sync(Path(folder, name))
        _sync_folder(Path(folder))


def _sync(path: Path) -> None:
    # Windows wants it open for writing.
    handle = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    """Make names in a folder durable, where the system lets folders be synchronised."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
