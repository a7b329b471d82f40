"""List a stranger's folder, refusing links and special files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from neurosim.atomic import refuse_shared
from neurosim.errors import DataError

_MOST_FILES, _DEEPEST = 100_000, 20


def files_in(folder: Path, *, to_write: bool = False) -> dict[str, Path]:
    """All files below a folder by their relative names, with ``/`` between the steps.

    Parameters
    ----------
    folder
        Where.
    to_write
        Whether files in it will be written to: then none may have a second name, which could be outside.

    Raises
    ------
    DataError
        There is anything else than files and folders: a link could lead out of the folder, a pipe has no end.
    """
    files = {path.relative_to(folder).as_posix(): path for path in _walk(folder, folder, 0, to_write)}
    if len(files) > _MOST_FILES:
        raise DataError(f"{folder}: more than {_MOST_FILES} files, which no run has")
    return files


def _walk(folder: Path, top: Path, depth: int, to_write: bool) -> Iterator[Path]:
    if depth > _DEEPEST:
        raise DataError(f"{top}: folders in it are nested more than {_DEEPEST} deep, which those of no run are")
    try:
        entries = [(path, os.lstat(path)) for path in sorted(folder.iterdir())]
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror or error})") from error
    for path, status in entries:
        if stat.S_ISDIR(status.st_mode):
            yield from _walk(path, top, depth + 1, to_write)
        elif not stat.S_ISREG(status.st_mode):
            kind = _kind(status.st_mode)
            raise DataError(f"{path}: this is {kind}, expected a file: run folders hold files and folders only")
        else:
            if to_write:
                refuse_shared(path, status)
            yield path


def _kind(mode: int) -> str:
    return "a link" if stat.S_ISLNK(mode) else "no file"
