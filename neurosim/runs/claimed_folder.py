"""Claim a run folder, new or of an interrupted run, and hold its lock while the run lasts."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tomli_w

from neurosim.atomic import discard, is_temporary, write_file, writing
from neurosim.errors import ConfigError, DataError, NeurosimError
from neurosim.model_files.model_file import Model, load
from neurosim.model_files.sections import read_toml
from neurosim.runs import folder as files
from neurosim.runs.data_identity import FileRead, files_read, refuse_other_data
from neurosim.runs.free_folder import content_of, refuse_used
from neurosim.runs.integrity import files_in, read_json
from neurosim.runs.lock import locked
from neurosim.runs.run_result import Run, open_run

# Files that a run writes before it learns.
_BEGINNING = (files.CONFIG, files.PROVENANCE, files.LOG, files.CHECKPOINTS)


@dataclass
class ClaimedFolder:
    """A run folder that this process holds.

    Attributes
    ----------
    folder
        Its path.
    provenance
        Content of ``provenance.json``.
    begun
        Whether an earlier process began this run.
    made
        The topmost folder that was created for it.
    """

    folder: Path
    provenance: dict[str, Any] = field(default_factory=dict)
    begun: bool = False
    made: Path | None = None

    def abandon(self) -> None:
        """Remove the files of a run refused before it did anything, so that a corrected one can use the folder."""
        if self.begun:
            return
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            if path.name in _BEGINNING or path.name.startswith(".recording.") or is_temporary(path):
                discard(path)

    def leave(self) -> None:
        """Remove the empty folders that were created for the run, from the lowest up."""
        folder = self.folder
        while self.made is not None and folder.is_relative_to(self.made):
            try:
                folder.rmdir()
            except OSError:
                return  # not empty
            folder = folder.parent

    def resumed(self, presentations: int) -> int:
        """Record that the run resumes after so many presentations; the number of resumptions so far."""
        now = files.provenance(self.provenance["seed"], self.provenance["config_hash"])
        entry = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "presentations": presentations}
        entry |= {name: now[name] for name in ("host", "git", "versions")}
        before = self.provenance.get("resumed")
        self.provenance["resumed"] = [*(before if isinstance(before, list) else []), entry]
        files.write_json(self.folder / files.PROVENANCE, self.provenance)
        return len(self.provenance["resumed"])

    def other_versions(self) -> list[str]:
        """Packages whose version has changed since the run began."""
        versions = self.provenance.get("versions")
        before = versions if isinstance(versions, dict) else {}
        now = files.provenance(0, "")["versions"]
        return [f"{name} {before[name]}, now {new}" for name, new in now.items() if before.get(name, new) != new]


def finished_run(path: Path, model: Model, seed: int, say: Callable[[str], None]) -> Run | None:
    """The finished run in a folder; ``None`` if it holds none.

    Parameters
    ----------
    say
        Receives a sentence if its data are gone, so that they cannot be compared.

    Raises
    ------
    ConfigError
        The run has another configuration or seed, or read other data.
    DataError
        It is damaged.
    """
    if not (path / files.SUMMARY).is_file():
        return None
    _check_same(path, model, seed)
    try:
        read = files_read(model, model.load_task(seed=seed))
    except NeurosimError as error:
        say(f"whether the data are still the same cannot be told: {error}")
    else:
        refuse_other_data(path, read)
    return open_run(path)


@contextlib.contextmanager
def taken(path: Path, model: Model, seed: int, read: Sequence[FileRead], *, resume: bool) -> Iterator[ClaimedFolder]:
    """Lock a folder for a run and write its configuration and provenance.

    Parameters
    ----------
    path
        New or empty; with `resume` also the folder of an unfinished run of the same model, seed and data.
    read
        The files that the run has read.

    Raises
    ------
    ConfigError
        It is in use, holds other files, or a run with another configuration, seed or data.
    DataError
        It cannot be written, or holds links.
    """
    refuse_used(path, resume=resume)
    made = next((folder for folder in (*reversed(path.parents), path) if not folder.exists()), None)
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
    place = ClaimedFolder(path, made=made)
    try:
        with locked(path):
            # Another process may have used it in between.
            refuse_used(path, resume=resume, locked=True)
            place.begun = bool(content_of(path))
            place.provenance = files.provenance(seed, model.hash) | {"data": list(read)}
            if place.begun:
                _take_up(place, model, seed, read)
            write_file(path / files.CONFIG, tomli_w.dumps(model.resolve()))
            files.write_json(path / files.PROVENANCE, place.provenance)
            yield place
    finally:
        place.leave()


def _take_up(place: ClaimedFolder, model: Model, seed: int, read: Sequence[FileRead]) -> None:
    """Check that the run to resume is this one, and keep its provenance."""
    files_in(place.folder, to_write=True)
    _check_same(place.folder, model, seed)
    refuse_other_data(place.folder, read)
    _tidy(place.folder)
    with contextlib.suppress(DataError):
        provenance = read_json(place.folder / files.PROVENANCE)
        place.provenance |= provenance if isinstance(provenance, dict) else {}
    # Even if the file is damaged, these are known.
    place.provenance |= {"seed": seed, "config_hash": model.hash, "data": list(read)}


@contextlib.contextmanager
def terminable(say: Callable[[str], None]) -> Iterator[None]:
    """Turn SIGTERM into an exception (exit code 143), so that a run can store a checkpoint before it ends.

    Only in the main thread, and where no other handler is set.
    """

    def stop(number: int, _: object) -> None:
        say("SIGTERM")
        raise SystemExit(128 + number)

    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if ours:
        signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _check_same(path: Path, model: Model, seed: int) -> None:
    """Refuse a folder with a run of another configuration or seed; unreadable files are ignored."""
    try:
        made = read_json(path / files.PROVENANCE)
    except DataError:
        made = {}
    made = made if isinstance(made, dict) else {}
    hashes = {made["config_hash"]} if "config_hash" in made else set()
    differing: list[str] = []
    with contextlib.suppress(NeurosimError):
        sections = read_toml(path / files.CONFIG)
        hashes.add(load(sections).hash)
        differing = _differing(_flat(sections), _flat(model.resolve()))
    if hashes and model.hash not in hashes:
        listed = "".join(f"\n  {line}" for line in differing[:10])
        raise ConfigError(
            f"{path} holds a run of another configuration, which this one cannot continue; choose another --out, or "
            f"remove it{listed}"
        )
    if made.get("seed", seed) != seed:
        raise ConfigError(f"{path} holds a run with seed {made['seed']}, got seed {seed}; choose another --out")


def _differing(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> list[str]:
    names = [name for name in {**theirs, **ours} if not name.startswith("model.")]
    missing = "nothing"
    return [
        f"{name}: it has {str(theirs.get(name, missing))[:60]}, got {str(ours.get(name, missing))[:60]}"
        for name in names
        if theirs.get(name, missing) != ours.get(name, missing)
    ]


def _flat(sections: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    leaves: dict[str, Any] = {}
    for name, value in sections.items():
        leaves |= _flat(value, f"{before}{name}.") if isinstance(value, Mapping) else {f"{before}{name}": value}
    return leaves


def _tidy(path: Path) -> None:
    """Remove temporary files of an interrupted run."""
    with writing(path):
        (path / files.FAILURE).unlink(missing_ok=True)
        for left in [file for file in path.rglob(".*") if is_temporary(file)]:
            discard(left)
