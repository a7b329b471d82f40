"""Runs that are killed, interrupted or out of disk resume to the same bits as uninterrupted ones.

(Over 300 lines: one claim, held against the same two runs however they end.)
"""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import platform
import random
import re
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from neurosim.errors import ConfigError, DataError, NumericalError
from neurosim.model_files.model_file import load
from neurosim.runs import folder as files
from neurosim.runs.checkpoints import Checkpoints
from neurosim.runs.data_identity import Identified
from neurosim.runs.lock import holder, locked
from neurosim.runs.run import train
from neurosim.runs.run_result import open_run
from neurosim.studies.collection import collect, key_of
from neurosim.training.progress import Progress

DIGITS: dict[str, Any] = {
    "task": {"kind": "digits"},
    "network": {"hidden": [6]},
    "scheme": {"kind": "node_perturbation"},
    "engine": {"level": "steady"},
    # Two calls of the engine an epoch, and a memory of the optimiser.
    "training": {
        "epochs": 3,
        "steps_per_epoch": 400,
        "batch_size": 4,
        "optimiser": {"kind": "adam"},
        "measure_every": 3,
    },
}
BRIAN = DIGITS | {
    "scheme": {"kind": "node_perturbation", "duration": "2 ms", "perturbed_duration": "1 ms"},
    "engine": {"level": "rate", "kind": "brian", "dtype": "float64"},
    "training": {"epochs": 3, "steps_per_epoch": 3, "batch_size": 4, "evaluate_every": 3, "measure_every": 0},
}
MODELS = {"batched": DIGITS, "brian": BRIAN}

# Processes that are forked after the imports, but before anything is computed.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["neurosim.runs.run", "neurosim.engines.batched.engine", "sklearn.datasets"])


def _life(model: dict[str, Any], folder: Path, *, resume: bool = True) -> Any:
    """A process that trains, or goes on training, in a folder."""
    settings = {"seed": 3, "out": folder, "resume": resume, "checkpoint_every": 0}
    process = SERVER.Process(target=train, args=(model,), kwargs=settings)
    process.start()
    return process


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of each engine that never stopped, and how long it took."""
    made: dict[str, tuple[Path, float]] = {}

    def make(engine: str) -> tuple[Path, float]:
        if engine not in made:
            folder = tmp_path_factory.mktemp("whole") / engine
            began = time.monotonic()
            process = _life(MODELS[engine], folder, resume=False)
            process.join()
            assert process.exitcode == 0
            made[engine] = folder, time.monotonic() - began
        return made[engine]

    return make


def _assert_same(folder: Path, whole: Path) -> None:
    got, expected = open_run(folder), open_run(whole)
    timed = {"wall_s", "samples_per_second", "resumed"}
    text = [json.dumps({n: v for n, v in run.summary.items() if n not in timed}) for run in (got, expected)]
    assert text[0] == text[1]
    assert got.history.drop_vars("samples_per_second").identical(expected.history.drop_vars("samples_per_second"))
    assert got.state.keys() == expected.state.keys()
    for name, array in expected.state.items():
        assert got.state[name].tobytes() == array.tobytes(), name


def _checkpoints(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / files.CHECKPOINTS).glob("*.json"))


@pytest.mark.parametrize("engine", ["batched", pytest.param("brian", marks=pytest.mark.slow)])
def test_a_killed_run_goes_on_to_the_same_bits(whole, tmp_path, engine):
    expected, folder = whole(engine)[0], tmp_path / "run"
    process = _life(MODELS[engine], folder)
    while process.is_alive() and not _checkpoints(folder):
        time.sleep(0.005)
    time.sleep(random.uniform(0, 0.3))
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert _checkpoints(folder)
    # The lock of the dead blocks nobody.
    process = _life(MODELS[engine], folder)
    process.join()
    assert process.exitcode == 0
    _assert_same(folder, expected)
    assert len(json.loads((folder / files.PROVENANCE).read_text())["resumed"]) == 1
    assert "goes on after" in (folder / files.LOG).read_text()
    assert open_run(folder).summary["resumed"] == 1


class Stopping:
    """A watcher that stops a run after so many steps of an epoch, and keeps what it was told."""

    def __init__(self, epoch: int = 0, error: type[BaseException] = KeyboardInterrupt) -> None:
        self.at, self.error, self.epochs, self.notes = epoch, error, 0, list[str]()

    def begin(self, model: Any, folder: Any) -> None: ...

    def note(self, text: str) -> None:
        self.notes.append(text)

    def epoch(self, report: Any) -> None:
        self.epochs = report.epoch

    def step(self, done: int, total: int) -> None:
        if self.epochs + 1 == self.at:
            raise self.error


def _interrupted(folder: Path, model: dict[str, Any] = DIGITS, **settings: Any) -> Path:
    with pytest.raises(KeyboardInterrupt):
        train(model, seed=3, out=folder, progress=Stopping(2), **settings)
    return folder


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A run that was stopped in its second epoch, with three checkpoints."""
    return _interrupted(tmp_path_factory.mktemp("stopped") / "run", checkpoint_every=0)


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """The same run in one go, in this process."""
    folder = tmp_path_factory.mktemp("ended") / "run"
    train(DIGITS, seed=3, out=folder)
    return folder


@pytest.fixture
def copied(stopped, tmp_path):
    return Path(shutil.copytree(stopped, tmp_path / "copy"))


def test_an_interrupt_stores_where_the_run_is(tmp_path, ended):
    # With an hour between checkpoints there is none but the one of the interrupt.
    folder = _interrupted(tmp_path / "run", checkpoint_every=3600)
    assert len(_checkpoints(folder)) == 1
    assert "stopped: interrupted; the checkpoint after" in (folder / files.LOG).read_text()
    watcher = Stopping()
    train(DIGITS, seed=3, out=folder, resume=True, progress=watcher)
    assert any("goes on after 1 epochs and " in note for note in watcher.notes)
    assert not (folder / files.CHECKPOINTS).exists()
    _assert_same(folder, ended)


@pytest.mark.parametrize(
    ("number", "code"), [pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow), (signal.SIGTERM, 143)]
)
def test_signals_leave_with_their_codes_and_a_checkpoint(tmp_path, number, code):
    endless = tmp_path / "endless.toml"
    training = {"epochs": 100_000, "batch_size": 4, "measure_every": 0}
    endless.write_text(tomli_w.dumps(DIGITS | {"training": training}))
    arguments = ("neurosim", "run", str(endless), "--out", str(tmp_path / "run"), "--checkpoint-every", "3600")
    command = "import sys; from neurosim.cli import main\nsys.argv[:] = arguments\nmain()"
    process = SERVER.Process(target=exec, args=(command, {"arguments": arguments}))
    process.start()
    log = tmp_path / "run" / files.LOG
    while process.is_alive() and not (log.is_file() and "epoch 1/" in log.read_text()):
        time.sleep(0.01)
    assert not _checkpoints(tmp_path / "run")
    os.kill(process.pid or 0, number)
    process.join()
    assert process.exitcode == code
    assert len(_checkpoints(tmp_path / "run")) == 1
    assert "stopped: " in log.read_text()


def test_a_finished_run_is_said_to_be_finished(ended):
    watcher, before = Stopping(), (ended / files.LOG).read_text()
    run = train(DIGITS, seed=3, out=ended, resume=True, progress=watcher)
    assert watcher.notes == [f"{ended} holds this run, finished before"]
    assert run.summary == open_run(ended).summary
    assert (ended / files.LOG).read_text() == before


def test_resuming_where_nothing_is_begins(tmp_path):
    with pytest.raises(ConfigError, match="--out"):
        train(DIGITS, resume=True)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="not empty"):
        train(DIGITS, out=tmp_path, resume=True)
    assert "resumed" not in train(DIGITS, seed=3, out=tmp_path / "run", resume=True).summary


def test_without_resume_a_begun_run_is_left_alone(copied):
    before = sorted(path.name for path in copied.iterdir())
    with pytest.raises(ConfigError, match="use --resume"):
        train(DIGITS, seed=3, out=copied)
    assert sorted(path.name for path in copied.iterdir()) == before


def test_another_configuration_or_seed_is_refused(copied, ended):
    for folder in (copied, ended):
        with pytest.raises(ConfigError, match=r"another configuration.*\n  network.hidden: it has \[6\], got \[7\]"):
            train(DIGITS, seed=3, out=folder, overrides=["network.hidden=[7]"], resume=True)
        with pytest.raises(ConfigError, match="a run with seed 3, got seed 4"):
            train(DIGITS, seed=4, out=folder, resume=True)


def test_a_folder_in_use_is_refused_and_names_its_holder(copied):
    code = "import time; from neurosim.runs.lock import locked\nwith locked(folder): time.sleep(36_000)"
    held = SERVER.Process(target=exec, args=(code, {"folder": copied}))
    held.start()
    while holder(copied) is None:
        time.sleep(0.005)
    for resume in (True, False):
        with pytest.raises(ConfigError, match=rf"in use by process {held.pid} on host '{platform.node()}'"):
            train(DIGITS, seed=3, out=copied, resume=resume)
    held.kill()
    held.join()
    assert (copied / files.LOCK).exists() and holder(copied) is None
    with locked(copied), pytest.raises(ConfigError, match=f"in use by process {os.getpid()}"), locked(copied):
        pass
    assert not (copied / files.LOCK).exists()


def test_a_full_disk_leaves_the_last_good_checkpoint(copied, ended, monkeypatch):
    fsync, calls, good = os.fsync, 0, _checkpoints(copied)

    def full(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls > 8:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(DataError, match=r"checkpoints.*cannot be written \(No space left on device\)"):
            train(DIGITS, seed=3, out=copied, resume=True, checkpoint_every=0)
    assert calls > 8
    left = _checkpoints(copied)
    assert left and set(left) & set(good)
    assert not [path for path in (copied / files.CHECKPOINTS).iterdir() if path.name.startswith(".")]
    train(DIGITS, seed=3, out=copied, resume=True)
    _assert_same(copied, ended)


def test_a_damaged_checkpoint_falls_back_to_the_one_before(copied, ended):
    newest, before, oldest = sorted((copied / files.CHECKPOINTS).glob("*.safetensors"), reverse=True)
    newest.write_bytes(newest.read_bytes()[:-7])
    numbers = before.with_suffix(".json")
    numbers.write_text(numbers.read_text().replace('"presentations": ', '"presentations": 1', 1))
    watcher = Stopping()
    train(DIGITS, seed=3, out=copied, resume=True, progress=watcher)
    assert [note.partition(":")[0] for note in watcher.notes[:2]] == [
        f"checkpoint {int(path.stem)} is left out" for path in (newest, before)
    ]
    assert "goes on after" in watcher.notes[2] and oldest.stem
    _assert_same(copied, ended)


def test_without_any_whole_checkpoint_it_begins_anew_and_says_so(copied, ended):
    for path in (copied / files.CHECKPOINTS).glob("*.json"):
        path.write_text("{")
    watcher = Stopping()
    train(DIGITS, seed=3, out=copied, resume=True, progress=watcher)
    # Its rates are too large: a warning follows.
    assert "begun anew: there is no whole checkpoint" in watcher.notes
    _assert_same(copied, ended)


def test_many_runs_go_on_where_they_were_interrupted(stopped, tmp_path, ended):
    model = Identified()(load(DIGITS))
    folder = Path(shutil.copytree(stopped, tmp_path / f"model-{model.identity[:8]}-seed3"))
    attempt = collect([(model, 3)], tmp_path)[key_of(model, 3)]
    assert attempt.run is not None and attempt.run.folder == folder and attempt.run.summary["resumed"] == 1
    _assert_same(folder, ended)
    # Another version's numbers could be others.
    again = Path(shutil.copytree(stopped, tmp_path / "other" / folder.name))
    provenance = json.loads((again / files.PROVENANCE).read_text())
    (again / files.PROVENANCE).write_text(json.dumps(provenance | {"versions": {"neurosim": "0.0.1"}}))
    attempt = collect([(model, 3)], tmp_path / "other")[key_of(model, 3)]
    assert attempt.run is not None and "resumed" not in attempt.run.summary


def test_a_probe_begins_anew(tmp_path):
    probe = {name: DIGITS[name] for name in ("task", "network", "scheme", "engine")}
    probe["probe"] = {"kind": "estimate", "draws": 64, "chunk": 64}
    folder = tmp_path / "run"
    run = train(probe, out=folder)
    (folder / files.SUMMARY).unlink()
    watcher = Stopping()
    again = train(probe, out=folder, resume=True, progress=watcher)
    assert watcher.notes == ["begun anew: probes have no checkpoints"]
    assert again.summary["probe"] == run.summary["probe"] and not (folder / files.CHECKPOINTS).exists()


def test_what_diverges_keeps_its_last_finite_state(tmp_path):
    rates = {"learning_rate": 1e30, "feedback_learning_rate": 1e38}
    settings = DIGITS | {"scheme": {"kind": "node_perturbation", **rates}}
    settings["training"] = {"epochs": 2, "measure_every": 0, "evaluate_every": 2}
    with pytest.raises(NumericalError, match="epoch 1, "):
        train(settings, out=tmp_path)
    assert len(_checkpoints(tmp_path)) == 1
    assert re.search(r"stopped: .*; the checkpoint after 0 presentations is kept", (tmp_path / files.LOG).read_text())


def test_checkpoints_cost_a_hundredth_at_most(monkeypatch, tmp_path):
    """By a clock of our own: writing takes 3 s, training calls every 10 s, and a minute is between checkpoints."""
    now, written = 0.0, []
    checkpoints = Checkpoints(tmp_path, {}, every=60)
    checkpoints.began = checkpoints.last = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)

    def write(*_: Any) -> None:
        nonlocal now
        now += 1.5
        written.append(now)

    monkeypatch.setattr("neurosim.runs.checkpoints.write_file", write)
    for step in range(6000):
        now += 10
        checkpoints(Progress({}, presentations=step))
    assert len(written) / 2 * 3 <= 0.011 * now
    assert len(written) / 2 > 0.005 * now / 3


@pytest.mark.slow
@pytest.mark.timeout(36_000)
@pytest.mark.parametrize("engine", MODELS)
def test_a_hundred_kills_change_nothing(whole, tmp_path, engine):
    """Fifty on each engine, together 8 min on two cores that others use, too."""
    expected, seconds = whole(engine)
    killed, runs = 0, 0
    while killed < 50:
        folder, runs = tmp_path / str(runs), runs + 1
        while True:
            process = _life(MODELS[engine], folder)
            process.join(random.uniform(0, seconds) if killed < 50 else None)
            if not process.is_alive():
                assert process.exitcode == 0
                break
            process.kill()
            process.join()
            killed += 1
        _assert_same(folder, expected)
