"""Checksums of bytes, files and parts of stores, and JSON with its own checksum."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurosim.errors import DataError
from neurosim.gate.limits import opened
from neurosim.gate.texts import read_json

#: Names in a run folder and in a store: the checksums of all other files, and where a run comes from.
CHECKSUMS, PROVENANCE = "checksums.json", "provenance.json"
#: Name and version of a run's list of checksums.
RUN = ("neurosim checksums", 1)
# Limit on a list: a hundred thousand files with checksums.
_LARGEST = 64 << 20


def digest_of(*parts: bytes | bytearray) -> str:
    """SHA-256 of bytes, one part after the other, in hexadecimal."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def digest_of_file(path: Path) -> str:
    """SHA-256 of a file of any size.

    Raises
    ------
    DataError
        It cannot be read.
    """
    stream, _ = opened(path, most=1 << 63)
    with stream:
        try:
            return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error


def sealed(content: Mapping[str, Any], kind: str, version: int) -> bytes:
    """JSON with its kind and the checksum of its content."""
    inner = json.dumps(content, allow_nan=False)
    whole = {"format": kind, "version": version, "content": content, "sha256": digest_of(inner.encode())}
    return (json.dumps(whole, indent=1, allow_nan=False) + "\n").encode()


def unsealed(path: Path, kind: str, version: int) -> dict[str, Any]:
    """Check and return the content of JSON from `sealed`.

    Raises
    ------
    DataError
        It is damaged, something else, or from another version.
    """
    whole = read_json(path, most=_LARGEST)
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
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: damaged, or not of the format {kind!r} ({str(error)[:200]})") from error
    return content


def listed(path: Path, kind: str, version: int) -> dict[str, str]:
    """The checksums of files that such JSON lists, by the files' names.

    Raises
    ------
    DataError
        As of `unsealed`, or it lists something else.
    """
    checksums = unsealed(path, kind, version).get("files")
    if not isinstance(checksums, dict) or not all(isinstance(digest, str) for digest in checksums.values()):
        raise DataError(f"{path}: missing or damaged, it lists no files")
    return checksums


def run_checksums(folder: Path) -> dict[str, str] | None:
    """The checksums of a finished run's files; ``None`` if it is no run, or from before checksums.

    Raises
    ------
    DataError
        They are missing or damaged.
    """
    path = folder / CHECKSUMS
    if path.exists() or path.is_symlink():
        return listed(path, *RUN)
    if (folder / PROVENANCE).exists():
        made_by = read_json(folder / PROVENANCE)
        if not isinstance(made_by, dict) or "run_folder" in made_by:
            raise DataError(f"{path}: missing or damaged")
    return None
