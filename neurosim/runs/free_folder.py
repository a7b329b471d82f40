"""Check whether a folder is free for a run, without heavy imports."""

from __future__ import annotations

from pathlib import Path

from neurosim.atomic import is_temporary, writing
from neurosim.errors import ConfigError
from neurosim.runs import folder as files
from neurosim.runs.lock import holder


def content_of(path: Path) -> set[str]:
    """Names in a folder, without the lock and temporary files."""
    return {p.name for p in path.iterdir() if p.name != files.LOCK and not is_temporary(p)} if path.is_dir() else set()


def refuse_used(path: Path, *, resume: bool, locked: bool = False) -> None:
    """Refuse a folder for a run if it is in use or not empty.

    Parameters
    ----------
    path
        The folder, which may not exist.
    resume
        Whether to continue a run in it.
    locked
        Whether this process holds its lock.

    Raises
    ------
    ConfigError
        It is in use (by which process), or not empty.
    DataError
        It cannot be read.
    """
    with writing(path):
        content = content_of(path)
        odd = path.exists() and not path.is_dir()
    if not content and not odd:
        return
    used = None if locked else holder(path)
    if used is not None:
        raise ConfigError(f"{path} is in use by {used}")
    ours = {files.CONFIG, files.PROVENANCE, files.CHECKPOINTS, files.FAILURE} & content
    if not resume or odd or not ours:
        hint = "use --resume to continue the run in it, or " if ours else ""
        raise ConfigError(f"{path} exists already and is not empty; {hint}choose another --out or remove it")
