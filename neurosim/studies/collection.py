"""Run many models with many seeds in one folder, each once; finished runs are reused."""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from neurosim.atomic import write_file, writing
from neurosim.errors import DataError, NeurosimError, NumericalError
from neurosim.model_files.circuits.circuit_file import CircuitFile
from neurosim.model_files.model_file import Model
from neurosim.runs import folder as files
from neurosim.runs.circuit_run import simulate_run
from neurosim.runs.data_identity import Identified, arrays_read, digest_of_files, same_data
from neurosim.runs.integrity import read_json
from neurosim.runs.lock import holder
from neurosim.runs.run import Run, RunWatcher, open_run, train


@dataclass(frozen=True)
class Attempt:
    """The attempt to run a model with a seed.

    Attributes
    ----------
    run
        The finished run without its weights; ``None`` if it failed.
    message
        Why it failed.
    diverged
        Whether it failed because learning diverged.
    reused
        Whether an earlier process finished it.
    """

    run: Run | None = None
    message: str = ""
    diverged: bool = False
    reused: bool = False


#: A model that is trained or measures, or a circuit that is simulated.
Runnable = Model | CircuitFile


def key_of(model: Runnable, seed: int) -> tuple[str, int]:
    """The key of a run: model and seed, and the data if the model is `data_identity.Identified`."""
    return model.identity, seed


def identified_by(identified: Identified, model: Runnable) -> Runnable:
    """A model with the checksum of its data; a circuit reads arrays only, which are part of its hash."""
    return model if isinstance(model, CircuitFile) else identified(model)


def collect(
    wanted: Iterable[tuple[Runnable, int]],
    root: Path,
    *,
    progress: RunWatcher | None = None,
    say: Callable[[str], None] | None = None,
) -> dict[tuple[str, int], Attempt]:
    """Run every model with its seed, once, each in its own folder; reuse finished runs.

    A run is reused if the hash of its configuration, the bytes of its data, its seed and the version of neurosim are
    the same. An interrupted run resumes from its newest checkpoint, or starts anew if another version began it.
    A run that fails does not stop the others.

    Parameters
    ----------
    wanted
        Models and seeds.
    root
        The folder that holds the runs, as ``<model>-<hash>-seed<N>``.
    progress
        Receives the progress of every run that is not reused.
    say
        Receives a line about every run.

    Returns
    -------
    dict
        By `key_of`.
    """
    distinct = {key_of(model, seed): (model, seed) for model, seed in reversed(list(wanted))}
    attempts: dict[tuple[str, int], Attempt] = {}
    identified = Identified()
    for number, (key, (given, seed)) in enumerate(reversed(distinct.items()), start=1):
        model = identified_by(identified, given)
        attempt = finished(model, seed, root)
        if say is not None:
            before = ": finished before" if attempt else ""
            say(f"run {number} of {len(distinct)}: {model.name}, seed {seed}{before}")
        attempts[key] = attempt or attempt_run(model, seed, root, progress)
        if say is not None and attempts[key].run is None:
            say(f"stopped: {attempts[key].message}")
    return attempts


def attempt_run(model: Runnable, seed: int, root: Path, progress: RunWatcher | None = None) -> Attempt:
    """Run a model with a seed in its own folder, unless it is `finished`; failures become a message.

    Parameters
    ----------
    model, seed
        What to run.
    root
        The folder that holds the runs.
    progress
        Receives the progress. Anything it raises that is no `Exception`, such as ``KeyboardInterrupt``, passes.
    """
    model = identified_by(Identified(), model)
    folder = _folder(model, seed, root)
    try:
        if not _same_version(folder):
            _clear(folder)
        if isinstance(model, CircuitFile):
            return Attempt(simulate_run(model, seed=seed, out=folder))
        return Attempt(replace(train(model, seed=seed, out=folder, progress=progress, resume=True), state={}))
    except Exception as error:
        # A failure in one run must not cost hours of others.
        if isinstance(error, NeurosimError) and not error.translated:
            return Attempt(message=str(error), diverged=isinstance(error, NumericalError))
        # Unforeseen errors, ours or of a user's component, are kept with their traceback.
        folder.mkdir(parents=True, exist_ok=True)
        write_file(folder / files.FAILURE, traceback.format_exc())
        what = str(error) if isinstance(error, NeurosimError) else f"{type(error).__name__}: {error}"
        return Attempt(message=f"{what} (see {folder / files.FAILURE})")


def finished(model: Runnable, seed: int, root: Path) -> Attempt | None:
    """The run of a model with a seed that this version finished below `root`; ``None`` if there is none."""
    model = identified_by(Identified(), model)
    for folder in _folders(model, seed, root):
        try:
            run = open_run(folder)
        except DataError:
            continue
        same = (run.summary.get("config_hash"), run.summary.get("seed")) == (model.hash, seed)
        if same and _same_version(folder) and same_data(folder, _data_of(model)):
            return Attempt(replace(run, state={}), reused=True)
    return None


def _data_of(model: Runnable) -> str:
    """The checksum of what a run reads besides its settings."""
    if isinstance(model, CircuitFile):
        return digest_of_files(arrays_read(model.resolve()))
    return model.data or ""


def _same_version(folder: Path) -> bool:
    """Whether this version of neurosim began the run."""
    try:
        return read_json(folder / files.PROVENANCE)["versions"]["neurosim"] == files.installed_version("neurosim")
    except (DataError, KeyError, TypeError):
        return False


def _folders(model: Runnable, seed: int, root: Path) -> Iterator[Path]:
    # The model's name does not matter, its hash does.
    return iter(sorted(root.glob(f"*-{model.identity[:8]}-seed{seed}*")))


def _folder(model: Runnable, seed: int, root: Path) -> Path:
    name = model.name.replace("/", "-")
    folder = root / f"{name}-{model.identity[:8]}-seed{seed}"
    if (folder / files.SUMMARY).is_file():
        # Another version finished it; its results stay.
        folder = root / f"{folder.name}-by-{files.installed_version('neurosim')}"
    return folder


def _clear(folder: Path) -> None:
    """Remove the files of a run that cannot resume, and nothing else."""
    if holder(folder) is not None:
        return  # in use; claiming it will report that
    left = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if files.SUMMARY not in left and {files.CONFIG, files.FAILURE} & left:
        with writing(folder):
            shutil.rmtree(folder)
