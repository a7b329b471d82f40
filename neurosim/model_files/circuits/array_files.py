"""Files with arrays that the sections of a circuit name: what counts is their content, not where they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from neurosim.errors import DataError
from neurosim.gate.seals import digest_of, digest_of_file
from neurosim.gate.tree import files_in
from neurosim.model_files.circuits.values import SUFFIXES


def array_files(sections: Any) -> list[Path]:
    """The files with arrays that are named anywhere in sections, each once, in order."""
    return list(dict.fromkeys(_files(sections)))


def _files(part: Any) -> Iterator[Path]:
    if isinstance(part, Mapping):
        if _is_array(part):
            yield Path(part["file"])
        for inner in part.values():
            yield from _files(inner)
    elif isinstance(part, list | tuple):
        for inner in part:
            yield from _files(inner)


def by_content(part: Any) -> Any:
    """Sections with the checksum of each file with arrays in place of its path; of one that cannot be read the path."""
    if isinstance(part, Mapping):
        inner = {key: by_content(value) for key, value in part.items()}
        return {**inner, "file": _content(part["file"])} if _is_array(part) else inner
    return [by_content(each) for each in part] if isinstance(part, list | tuple) else part


def content_of(path: Path) -> tuple[str, int]:
    """The checksum of a file with arrays, or of all files of a store with their names, and the number of bytes.

    Raises
    ------
    DataError
        It cannot be read, or there are links in the store.
    """
    if not path.is_dir():
        return digest_of_file(path), path.stat().st_size
    inner = files_in(path)
    lines = [f"{name} {digest_of_file(file)}\n".encode() for name, file in sorted(inner.items())]
    return digest_of(*lines), sum(file.stat().st_size for file in inner.values())


def _is_array(table: Mapping[str, Any]) -> bool:
    file = table.get("file")
    return isinstance(file, str) and Path(file).suffix in SUFFIXES


def _content(file: str) -> str:
    try:
        return f"sha256 {content_of(Path(file))[0]}"
    except (DataError, OSError, ValueError):
        return file  # reading it reports the fault
