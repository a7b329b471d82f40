"""Taking a run folder: a new one, or one whose run was interrupted, locked while it is ours."""

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

# What a run writes before it has learned anything.
_BEGINNING = (files.CONFIG, files.PROVENANCE, files.LOG, files.CHECKPOINTS)


@dataclass
class Place:
    """A run folder that is ours.

    Attributes
    ----------
    folder
        Where.
    provenance
        What ``provenance.json`` holds.
    begun
        Whether a run was begun here before.
    made
        The topmost folder that was made for it.
    """

    folder: Path
    provenance: dict[str, Any] = field(default_factory=dict)
    begun: bool = False
    made: Path | None = None

    def abandon(self) -> None:
        """Take back what was made for a run that is refused before it did anything, so that a mended one fits."""
        if self.begun:
            return
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            if path.name in _BEGINNING or path.name.startswith(".recording.") or is_temporary(path):
                discard(path)

    def leave(self) -> None:
        """Remove the folders that were made for it and are empty, from the lowest up."""
        folder = self.folder
        while self.made is not None and folder.is_relative_to(self.made):
            try:
                folder.rmdir()
            except OSError:
                return  # something is in it
            folder = folder.parent

    def resumed(self, presentations: int) -> int:
        """Write down that a run goes on after so many presentations; how often that has happened."""
        now = files.provenance(self.provenance["seed"], self.provenance["config_hash"])
        entry = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "presentations": presentations}
        entry |= {name: now[name] for name in ("host", "git", "versions")}
        before = self.provenance.get("resumed")
        self.provenance["resumed"] = [*(before if isinstance(before, list) else []), entry]
        files.write_json(self.folder / files.PROVENANCE, self.provenance)
        return len(self.provenance["resumed"])

    def other_versions(self) -> list[str]:
        """Packages whose version is not that of the run's beginning."""
        found = self.provenance.get("versions")
        before = found if isinstance(found, dict) else {}
        now = files.provenance(0, "")["versions"]
        return [f"{name} {before[name]}, now {new}" for name, new in now.items() if before.get(name, new) != new]


def finished_run(path: Path, model: Model, seed: int, say: Callable[[str], None]) -> Run | None:
    """The run that this folder holds if it is finished.

    Parameters
    ----------
    say
        Told if its data are not there any more, so that nobody can tell whether they are the same.

    Raises
    ------
    ConfigError
        It is that of another configuration or seed, or of other data.
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
def taken(path: Path, model: Model, seed: int, read: Sequence[FileRead], *, resume: bool) -> Iterator[Place]:
    """Lock a folder for a run and write down what will run in it.

    Parameters
    ----------
    path
        New or empty; with `resume` also the folder of a run of the same model, seed and data that did not end.
    read
        The files that the run has read.

    Raises
    ------
    ConfigError
        It is in use, holds something else, or a run of another configuration, seed, or other data.
    DataError
        It cannot be written, or holds links.
    """
    refuse_used(path, resume=resume)
    made = next((folder for folder in (*reversed(path.parents), path) if not folder.exists()), None)
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
    place = Place(path, made=made)
    try:
        with locked(path):
            # Somebody may have come and gone in between.
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


def _take_up(place: Place, model: Model, seed: int, read: Sequence[FileRead]) -> None:
    """Make sure that a run that was begun is this one, and keep what it says of its beginning."""
    files_in(place.folder, to_write=True)
    _check_same(place.folder, model, seed)
    refuse_other_data(place.folder, read)
    _tidy(place.folder)
    with contextlib.suppress(DataError):
        found = read_json(place.folder / files.PROVENANCE)
        place.provenance |= found if isinstance(found, dict) else {}
    # Damaged or not, these are of this run.
    place.provenance |= {"seed": seed, "config_hash": model.hash, "data": list(read)}


@contextlib.contextmanager
def terminable(say: Callable[[str], None]) -> Iterator[None]:
    """Make SIGTERM end the process with code 143 by way of an exception, so that what runs can store where it is.

    Only in the main thread and where nobody else handles it.
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
    """Refuse a folder with a run of another configuration or seed; what cannot be read says nothing."""
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
            f"{path} holds a run of another configuration, which cannot go on as this one; choose another --out, or "
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
    found: dict[str, Any] = {}
    for name, value in sections.items():
        found |= _flat(value, f"{before}{name}.") if isinstance(value, Mapping) else {f"{before}{name}": value}
    return found


def _tidy(path: Path) -> None:
    """Remove what an interrupted run did not complete."""
    with writing(path):
        (path / files.FAILURE).unlink(missing_ok=True)
        for left in [found for found in path.rglob(".*") if is_temporary(found)]:
            discard(left)
