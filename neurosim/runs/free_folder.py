"""Whether a folder is free for a run; nothing heavy is imported to tell."""

from __future__ import annotations

from pathlib import Path

from neurosim.atomic import is_temporary, writing
from neurosim.errors import ConfigError
from neurosim.runs import folder as files
from neurosim.runs.lock import holder


def content_of(path: Path) -> set[str]:
    """Names in a folder, but for the lock and files that were not completed."""
    return {p.name for p in path.iterdir() if p.name != files.LOCK and not is_temporary(p)} if path.is_dir() else set()


def refuse_used(path: Path, *, resume: bool, locked: bool = False) -> None:
    """Refuse a folder for a run that has something in it.

    Parameters
    ----------
    path
        Which may not be there.
    resume
        Whether a run that was begun there is to go on.
    locked
        Whether it is locked by us.

    Raises
    ------
    ConfigError
        It is in use (by which process), or holds something.
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
        hint = "use --resume to go on with the run in it, or " if ours else ""
        raise ConfigError(f"{path} exists already and is not empty; {hint}choose another --out or remove it")
