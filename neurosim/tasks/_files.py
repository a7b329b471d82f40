"""Find the files of a data set: in a named folder, below ``NEUROSIM_DATA``, or downloaded and cached."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from neurosim.border import PATH
from neurosim.errors import DataError
from neurosim.gate.limits import opened
from neurosim.tasks._task import FileRead


def searched(folder: Path | None, below: Sequence[str]) -> list[Path]:
    """The folders to search, in this order.

    Parameters
    ----------
    folder
        As a task's settings name it; ``None`` for the one that the environment variable ``NEUROSIM_DATA`` names.
    below
        Folders in it that the files may lie in, ``""`` for itself.

    Returns
    -------
    list of pathlib.Path
        Empty if no folder is named.
    """
    if folder is None and os.environ.get("NEUROSIM_DATA"):
        folder = Path(os.environ["NEUROSIM_DATA"])
    return [] if folder is None else [PATH("task.folder", folder) / name for name in below]


def downloaded(url: str, md5: str, data_set: str, places: Sequence[Path], *, members: Sequence[str] = ()) -> list[Path]:
    """Download missing files of a data set once, check them, and keep them in the user's cache.

    Parameters
    ----------
    url
        Of one file.
    md5
        Its checksum.
    data_set
        Name of the task, which names the folder in the cache.
    places
        Where the files were looked for, for the message.
    members
        Of a tar archive: what to unpack of it.

    Returns
    -------
    list of pathlib.Path
        The file, or what was unpacked of it.

    Raises
    ------
    DataError
        It cannot be downloaded, or is not what it should be.
    """
    import pooch

    name = url.rpartition("/")[2]
    try:
        kept = pooch.retrieve(
            url=url,
            known_hash=f"md5:{md5}",
            fname=name,
            path=pooch.os_cache("neurosim") / data_set,
            processor=pooch.Untar(members=list(members)) if members else None,
        )
    except (OSError, ValueError) as error:
        where = f" It is not in {places[0]} either." if places else ""
        raise DataError(
            f"{name}: could not be downloaded from {url.rpartition('/')[0]} ({error}).{where} Set NEUROSIM_DATA to a "
            f"folder that holds the files of {data_set}, or use the task 'digits', which needs none."
        ) from error
    return [Path(path) for path in ([kept] if isinstance(kept, str) else kept)]


def file_read(path: Path, data: bytes | BinaryIO) -> FileRead:
    """The entry for a file in a run's provenance.

    Parameters
    ----------
    path
        Only its name counts.
    data
        Its bytes, or the open file, which is read from here to its end.
    """
    if isinstance(data, bytes):
        return FileRead(name=path.name, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
    digest, count = hashlib.sha256(), 0
    while piece := data.read(1 << 20):
        digest.update(piece)
        count += len(piece)
    return FileRead(name=path.name, sha256=digest.hexdigest(), bytes=count)


def contents(path: Path, *, md5: str | None = None, largest: int) -> bytes:
    """All bytes of a file.

    Parameters
    ----------
    path
        The file.
    md5
        Its checksum, checked if given.
    largest
        Bytes beyond which it is refused.

    Raises
    ------
    DataError
        It cannot be read, is too large, or has another checksum.
    """
    try:
        stream, _ = opened(path, most=largest)
        with stream:
            data = stream.read(largest + 1)
    except OSError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    if len(data) > largest:
        raise DataError(f"{path}: got more than {largest} bytes, expected at most as many")
    got = hashlib.md5(data, usedforsecurity=False).hexdigest()
    if md5 is not None and got != md5:
        raise DataError(
            f"{path}: this is not the official file, got md5 {got}, expected {md5}; set task.verify=false if that is "
            "intended"
        )
    return data
