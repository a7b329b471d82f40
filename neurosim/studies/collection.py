"""Many runs in one folder: each model with each seed once, and none again that is finished."""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from neurosim.atomic import write_file, writing
from neurosim.errors import DataError, NeurosimError, NumericalError
from neurosim.model_files.model_file import Model
from neurosim.runs import folder as files
from neurosim.runs.data_identity import Identified, same_data
from neurosim.runs.integrity import read_json
from neurosim.runs.lock import holder
from neurosim.runs.run import Run, Watcher, open_run, train


@dataclass(frozen=True)
class Attempt:
    """What came of a model with a seed.

    Attributes
    ----------
    run
        Without its weights; ``None`` if it did not come to an end.
    message
        Why it did not.
    diverged
        Whether that was learning itself, and not something missing.
    reused
        Whether it was finished before.
    """

    run: Run | None = None
    message: str = ""
    diverged: bool = False
    reused: bool = False


def key_of(model: Model, seed: int) -> tuple[str, int]:
    """What tells one run from another; of models that are `data_identity.Identified`, also by their data."""
    return model.identity, seed


def collect(
    wanted: Iterable[tuple[Model, int]],
    root: Path,
    *,
    progress: Watcher | None = None,
    say: Callable[[str], None] | None = None,
) -> dict[tuple[str, int], Attempt]:
    """Run every model with its seed, once, into folders of their own; reuse those that are finished.

    A run is reused if the hash of its configuration, the bytes of its data, its seed and the version of neurosim are
    the same. One that was interrupted goes on from its newest checkpoint, or is begun anew if another version began it.
    What goes wrong with one leaves the others alone.

    Parameters
    ----------
    wanted
        Models and seeds.
    root
        The folder that holds the runs, as ``<model>-<hash>-seed<N>``.
    progress
        Told about every run that is not reused.
    say
        Told a line about every run.

    Returns
    -------
    dict
        By `key_of`.
    """
    distinct = {key_of(model, seed): (model, seed) for model, seed in reversed(list(wanted))}
    found: dict[tuple[str, int], Attempt] = {}
    identified = Identified()
    for number, (key, (given, seed)) in enumerate(reversed(distinct.items()), start=1):
        model = identified(given)
        attempt = finished(model, seed, root)
        if say is not None:
            before = ": finished before" if attempt else ""
            say(f"run {number} of {len(distinct)}: {model.name}, seed {seed}{before}")
        found[key] = attempt or attempt_run(model, seed, root, progress)
        if say is not None and found[key].run is None:
            say(f"stopped: {found[key].message}")
    return found


def attempt_run(model: Model, seed: int, root: Path, progress: Watcher | None = None) -> Attempt:
    """Run a model with a seed that is not `finished`, in a folder of its own; what goes wrong is a message.

    Parameters
    ----------
    model, seed
        What to run.
    root
        The folder that holds the runs.
    progress
        Told how it goes on. What it raises that is no `Exception`, such as ``KeyboardInterrupt``, passes.
    """
    model = Identified()(model)
    folder = _folder(model, seed, root)
    try:
        if not _same_version(folder):
            _clear(folder)
        return Attempt(replace(train(model, seed=seed, out=folder, progress=progress, resume=True), state={}))
    except Exception as error:
        # Hours of other runs must not be lost to a fault in one.
        if isinstance(error, NeurosimError) and type(error) is not NeurosimError:
            return Attempt(message=str(error), diverged=isinstance(error, NumericalError))
        # What nobody foresaw, of ours or of a component of the user's, is kept with its traceback.
        folder.mkdir(parents=True, exist_ok=True)
        write_file(folder / files.FAILURE, traceback.format_exc())
        what = str(error) if isinstance(error, NeurosimError) else f"{type(error).__name__}: {error}"
        return Attempt(message=f"{what} (see {folder / files.FAILURE})")


def finished(model: Model, seed: int, root: Path) -> Attempt | None:
    """The run of a model with a seed that this version finished in a folder of runs; ``None`` if there is none."""
    model = Identified()(model)
    for folder in _folders(model, seed, root):
        try:
            run = open_run(folder)
        except DataError:
            continue
        same = (run.summary.get("config_hash"), run.summary.get("seed")) == (model.hash, seed)
        if same and _same_version(folder) and same_data(folder, model.data or ""):
            return Attempt(replace(run, state={}), reused=True)
    return None


def _same_version(folder: Path) -> bool:
    """Whether a run was begun by this version of neurosim."""
    try:
        return read_json(folder / files.PROVENANCE)["versions"]["neurosim"] == files.installed_version("neurosim")
    except (DataError, KeyError, TypeError):
        return False


def _folders(model: Model, seed: int, root: Path) -> Iterator[Path]:
    # Whatever name the model had; a model with another name is the same if its hash is.
    return iter(sorted(root.glob(f"*-{model.identity[:8]}-seed{seed}*")))


def _folder(model: Model, seed: int, root: Path) -> Path:
    name = model.name.replace("/", "-")
    folder = root / f"{name}-{model.identity[:8]}-seed{seed}"
    if (folder / files.SUMMARY).is_file():
        # Finished, but by another version, whose results stay.
        folder = root / f"{folder.name}-by-{files.installed_version('neurosim')}"
    return folder


def _clear(folder: Path) -> None:
    """Remove what a run left that cannot go on; nothing else is ours to remove."""
    if holder(folder) is not None:
        return  # somebody writes in it, which is found out when it is to be taken
    left = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if files.SUMMARY not in left and {files.CONFIG, files.FAILURE} & left:
        with writing(folder):
            shutil.rmtree(folder)
