"""Recording during training: its content, unchanged bits of training, and survival of interruptions.

(Over 300 lines: the same few runs, looked at from each side.)
"""

from __future__ import annotations

import copy
import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosim.engines.state import initial_state
from neurosim.engines.stimuli import stimuli_of
from neurosim.errors import ConfigError, DataError
from neurosim.model_files.engine_section import make_engine
from neurosim.model_files.model_file import load
from neurosim.recording.store import open_recording
from neurosim.runs import folder as files
from neurosim.runs import recorder as recorder_module
from neurosim.runs import run as run_module
from neurosim.runs.drawing import draw_all
from neurosim.runs.export import export
from neurosim.runs.integrity import digest_of_file, files_in
from neurosim.runs.run import train
from neurosim.runs.run_result import open_run

RECORD = {"variables": ["hidden1.r", "hidden1.v", "W1.w", "B1.w"], "trials": [5, 0], "every": 2}
RATE: dict[str, Any] = {
    "task": {"kind": "digits"},
    "network": {"hidden": [4]},
    # Feedback that is not zero at first: a store leaves out what is zero throughout.
    "scheme": {
        "kind": "node_perturbation",
        "feedback_learning_rate": 0.05,
        "duration": "4 ms",
        "perturbed_duration": "2 ms",
    },
    "engine": {"level": "rate", "dtype": "float64"},
    "training": {"epochs": 3, "steps_per_epoch": 2, "batch_size": 4, "measure_every": 0, "record": RECORD},
}
SPIKING = RATE | {
    "network": {"hidden": [12], "neuron": {"kind": "lif"}, "weights": 9.0},
    "scheme": {"kind": "node_perturbation", "duration": "20 ms", "perturbed_duration": "10 ms"},
    "engine": {"level": "spiking"},
    "training": RATE["training"]
    | {"record": {"variables": ["hidden1.spikes", "hidden1.v", "B1.w"], "trials": [5, 0], "split": "validation"}},
}
MODELS = {
    "batched": RATE,
    "brian": RATE | {"engine": {"level": "rate", "dtype": "float64", "kind": "brian"}},
    "spiking": SPIKING,
}


def _without(model: dict[str, Any]) -> dict[str, Any]:
    changed = copy.deepcopy(model)
    del changed["training"]["record"]
    return changed


def _files(folder: Path) -> dict[str, str]:
    """Every file of a run that its seed decides, by its checksum."""
    kept = (f"{files.RECORDING}/", f"{files.METRICS}/validation", files.WEIGHTS)
    return {name: digest_of_file(path) for name, path in files_in(folder).items() if name.startswith(kept)}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Runs that never stopped, by the name of their model."""
    made: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name not in made:
            made[name] = tmp_path_factory.mktemp("whole") / name
            train(MODELS[name], seed=2, out=made[name])
        return made[name]

    return make


#: One model of each engine and level; the others are run with the slow tests.
ONE_AND_ALL = ["batched", *(pytest.param(name, marks=pytest.mark.slow) for name in ("brian", "spiking"))]


@pytest.mark.parametrize("name", ONE_AND_ALL)
def test_training_has_the_same_bits_with_and_without(whole, tmp_path, name):
    found = open_run(whole(name))
    alone = train(_without(MODELS[name]), seed=2, out=tmp_path / "alone")
    assert not (alone.folder / files.RECORDING).exists()
    assert found.state.keys() == alone.state.keys()
    assert all(np.array_equal(found.state[key], alone.state[key]) for key in found.state)
    assert found.history.drop_vars("samples_per_second").identical(alone.history.drop_vars("samples_per_second"))
    # Not one run taken for the other, but no other hash where nothing is recorded.
    assert found.summary["config_hash"] != alone.summary["config_hash"]
    assert "record" not in load(_without(MODELS[name])).resolve()["training"]


@pytest.mark.parametrize("name", ["batched", "spiking", pytest.param("brian", marks=pytest.mark.slow)])
def test_what_is_recorded_is_what_the_engine_says_of_the_weights_at_that_time(whole, name):
    """By a call of the engine here, with the weights that were recorded."""
    model = load(MODELS[name])
    record = model.training.record
    assert record is not None
    found, run = open_recording(whole(name) / files.RECORDING), open_run(whole(name))
    epochs = [0, 2, 3] if record.every == 2 else [0, 1, 2, 3]
    assert found.snapshot.values.tolist() == epochs
    assert found.epoch.values.tolist() == [epoch for epoch in epochs for _ in range(2)]
    assert found.row.values.tolist() == [5, 0] * len(epochs) and found.attrs["split"] == record.split
    task = model.load_task(seed=2)
    circuit = model.build(task)
    first = initial_state(circuit, 2, dtype=model.engine.dtype)
    assert np.array_equal(found["B1.w"][0], first["B1.w"])
    assert np.array_equal(found["B1.w"][-1], run.state["B1.w"]) and not np.array_equal(*found["B1.w"][[0, -1]])
    engine = make_engine(model.engine, circuit, model.training.optimiser)
    traces = [each for each in record.variables if not each.endswith(".w")]
    stimuli = stimuli_of(circuit, getattr(task, record.split), np.array([5, 0]))
    # 2 steps of 4 trials an epoch; noise is that of the presentations that come next.
    for state, epoch in ((first, 0), (run.state, 3)):
        _, outputs = engine.run(state, stimuli, seed=2, first=8 * epoch, record=traces, learn=False)
        shown = found.isel(trial=found.epoch.values == epoch)
        for trace in traces:
            assert shown[trace].shape == (found.sizes["time"], 2, model.resolve()["network"]["hidden"][0])
            assert np.array_equal(shown[trace].values, outputs.recordings[trace]), trace
    assert np.ptp(found[traces[-1]].values) > 0


@pytest.mark.slow
def test_both_engines_record_the_same(whole):
    brian, batched = (open_recording(whole(name) / files.RECORDING).load() for name in ("brian", "batched"))
    assert list(brian.data_vars) == list(batched.data_vars) == RECORD["variables"]
    for name in brian:
        np.testing.assert_allclose(brian[name].values, batched[name].values, rtol=0, atol=1e-12)


class Stopping:
    """Interrupts a run after an epoch."""

    def __init__(self, epoch: int) -> None:
        self.stop, self.notes = epoch, []

    def begin(self, model: Any, folder: Path) -> None: ...

    def step(self, done: int, total: int) -> None: ...

    def note(self, text: str) -> None:
        self.notes.append(text)

    def epoch(self, report: Any) -> None:
        if report.epoch == self.stop:
            raise KeyboardInterrupt


def _interrupted(name: str, folder: Path, after: int = 2) -> Path:
    with pytest.raises(KeyboardInterrupt):
        train(MODELS[name], seed=2, out=folder, checkpoint_every=0, progress=Stopping(after))
    return folder


@pytest.mark.parametrize("name", ONE_AND_ALL)
def test_an_interrupted_run_goes_on_to_the_same_recording(whole, tmp_path, name):
    folder = _interrupted(name, tmp_path / "run")
    assert not (folder / files.RECORDING).exists()
    watcher = Stopping(-1)
    train(MODELS[name], seed=2, out=folder, resume=True, progress=watcher)
    assert watcher.notes[0].startswith("goes on after 1 epochs")
    assert _files(folder) == _files(whole(name))
    assert not list(folder.glob(".*"))


def test_a_run_that_died_after_its_recording_was_complete_ends_the_same(whole, tmp_path, monkeypatch):
    def died(*_: Any) -> None:
        raise KeyboardInterrupt

    folder = tmp_path / "run"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(run_module, "write_checksums", died)
        train(RATE, seed=2, out=folder, checkpoint_every=0)
    assert (folder / files.RECORDING).is_dir()
    watcher = Stopping(-1)
    train(RATE, seed=2, out=folder, resume=True, progress=watcher)
    assert watcher.notes[0].startswith("goes on after 3 epochs")
    assert _files(folder) == _files(whole("batched")) and not list(folder.glob(".*"))


@pytest.mark.parametrize(
    "what",
    ["a chunk", "the list", *(pytest.param(what, marks=pytest.mark.slow) for what in ("a missing chunk", "the store"))],
)
def test_a_damaged_recording_is_made_anew_with_the_run(whole, tmp_path, what):
    folder = _interrupted("batched", tmp_path / "run")
    store, listed = folder / recorder_module.UNFINISHED, folder / recorder_module.SNAPSHOTS
    chunk = store / "B1.w" / "0.0.0"
    if what == "a chunk":
        data = chunk.read_bytes()
        chunk.write_bytes(data[:-3] + bytes([data[-3] ^ 4]) + data[-2:])
    elif what == "a missing chunk":
        chunk.unlink()
    elif what == "the list":
        listed.write_text(listed.read_text()[:-9])
    else:
        shutil.rmtree(store)
    watcher = Stopping(-1)
    train(RATE, seed=2, out=folder, resume=True, progress=watcher)
    assert watcher.notes[0].startswith("begun anew: ") and str(folder) in watcher.notes[0]
    assert _files(folder) == _files(whole("batched"))


def test_pieces_of_the_trials_are_the_same_recording(tmp_path, monkeypatch):
    """Presented one by one they have other numbers in the last bits at most, and no file holds parts of two."""
    settings = copy.deepcopy(RATE)
    settings["training"] |= {"epochs": 1, "record": RECORD | {"trials": [5, 0, 7, 1]}}
    monkeypatch.setattr(recorder_module, "CHUNK", 6 * 4 * 8)
    one = train(settings, seed=2, out=tmp_path / "one")
    # 6 steps of 4 neurons of 2 variables.
    monkeypatch.setattr(recorder_module, "PIECE", 2 * 6 * 4 * 2 * 8)
    two = train(settings, seed=2, out=tmp_path / "two")
    found = [open_recording(run.folder / files.RECORDING).load() for run in (one, two)]
    for name in found[0]:
        np.testing.assert_allclose(found[0][name].values, found[1][name].values, rtol=0, atol=1e-12)
    described = json.loads((two.folder / files.RECORDING / "hidden1.v" / ".zarray").read_text())
    assert described["chunks"] == [6, 1, 4] and described["shape"] == [6, 8, 4]


@pytest.mark.parametrize(
    "change, message",
    [
        (
            {"variables": ["hidden1.vv"]},
            r"\.variables\.0: got 'hidden1\.vv', expected a name.*did you mean 'hidden1\.v'",
        ),
        ({"variables": ["W1.w", "zzz"]}, r"\.variables\.1: got 'zzz'.*there are variables of input, one, hidden1"),
        ({"variables": ["W1.w", "W1.w"]}, r": got one of variables twice, expected each once"),
        ({"variables": []}, r"\.variables: got \[\], expected.*at least 1 item"),
        ({"variables": ["W1.w"], "evry": 3}, r"\.evry: unknown key, got 3; did you mean 'every'"),
        ({"variables": ["W1.w"], "split": "test"}, r"\.split: got 'test', expected 'train' or 'validation'"),
        ({"variables": ["W1.w"], "trials": [-1]}, r"\.trials\.0: got -1, expected greater than or equal to 0"),
    ],
)
def test_what_cannot_be_recorded_is_refused_before_anything_runs(change, message):
    settings = copy.deepcopy(RATE)
    settings["training"]["record"] = change
    with pytest.raises(ConfigError, match=rf"\n  training\.record{message}"):
        _ = load(settings).circuit


def test_trials_that_the_data_do_not_have_are_refused(tmp_path):
    record = {"variables": ["W1.w"], "trials": [0, 10_000]}
    settings = RATE | {"training": RATE["training"] | {"record": record}}
    with pytest.raises(ConfigError, match=r"record\.trials: got 10000, expected numbers below \d+, the trials"):
        train(settings, out=tmp_path / "run")


def test_at_the_steady_level_weights_are_recorded_and_traces_refused(tmp_path):
    training = {"epochs": 1, "measure_every": 0, "record": {"variables": ["B1.w"]}}
    settings = {"task": RATE["task"], "network": RATE["network"], "scheme": {"kind": "node_perturbation"}}
    settings |= {"engine": {"level": "steady"}, "training": training}
    run = train(settings, out=tmp_path / "run")
    found = open_recording(run.folder / files.RECORDING)
    assert found["B1.w"].dims == ("snapshot", "post_B1", "pre_B1")
    assert np.array_equal(found["B1.w"][1], run.state["B1.w"])
    folder = export(run.folder, "csv", tmp_path / "out")[1]
    assert sorted(path.name for path in folder.iterdir()) == ["B1.w.csv"]
    with pytest.raises(DataError, match=r"weights only \(B1\.w\), which --to csv takes"):
        export(run.folder, "neo")
    assert "weights.png" in {path.name for path in draw_all(run.folder)}
    training["record"] = {"variables": ["hidden1.v"]}
    with pytest.raises(ConfigError, match=r"variables\.0: got 'hidden1\.v' with engine\.level 'steady'.*'W1\.w'"):
        _ = load(settings).circuit


def test_a_run_exports_its_recording_with_epochs_and_weights(whole, tmp_path):
    pynwb, neo = pytest.importorskip("pynwb"), pytest.importorskip("neo")
    found = open_recording(whole("spiking") / files.RECORDING)
    assert found["hidden1.spikes"].any()
    (path,) = export(whole("spiking"), "nwb", tmp_path / "run.nwb")
    with pynwb.NWBHDF5IO(str(path), "r") as stream:
        session = stream.read()
        assert session.trials["epoch"][:].tolist() == found.epoch.values.tolist()
        assert session.trials["row"][:].tolist() == found.row.values.tolist()
        table = session.processing["weights"]["weights"]
        assert table["epoch"][:].tolist() == [0, 1, 2, 3]
        assert np.array_equal(table["B1.w"][:], found["B1.w"].values)
        assert table["start_time"][1] == pytest.approx(session.trials["start_time"][2])
        third = session.acquisition["hidden1.v trial 2"].data[:]
        assert np.array_equal(third, found["hidden1.v"].isel(trial=2).values)
    (path,) = export(whole("spiking"), "neo", tmp_path / "run.mat")
    block = neo.io.NeoMatlabIO(str(path)).read_block()
    assert [segment.annotations["epoch"] for segment in block.segments] == found.epoch.values.tolist()
    (weights,) = block.segments[0].irregularlysampledsignals
    assert np.array_equal(weights.magnitude, found["B1.w"].values.reshape(4, -1))
    _, folder = export(whole("spiking"), "csv", tmp_path / "tables")
    with (folder / "B1.w.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows[::12]] == ["0", "1", "2", "3"]
    assert float(rows[-1]["pre 9"]) == float(found["B1.w"][-1, -1, -1])
    with (folder / "trials.csv").open() as stream:
        assert [int(row["epoch"]) for row in csv.DictReader(stream)] == found.epoch.values.tolist()


def test_a_run_draws_its_recording(whole, tmp_path):
    folder = Path(shutil.copytree(whole("spiking"), tmp_path / "run"))
    assert {"raster.png", "traces.png", "weights.png"} <= {path.name for path in draw_all(folder)}
    open_run(folder)
    (folder / files.RECORDING / "B1.w" / "9.0.0").write_bytes(b"")
    with pytest.raises(DataError, match="was not there when the run ended"):
        open_run(folder)


@pytest.mark.parametrize("verb", [draw_all, lambda path: export(path, "csv")])
def test_a_strangers_recording_cannot_name_a_decoder_that_runs_code(whole, tmp_path, verb):
    store = Path(shutil.copytree(whole("spiking") / files.RECORDING, tmp_path / "odd.zarr"))
    described = json.loads((store / "B1.w" / ".zarray").read_text())
    (store / "B1.w" / ".zarray").write_text(json.dumps(described | {"filters": [{"id": "pickle"}]}))
    with pytest.raises(DataError, match=r"filters.*unknown here"):
        verb(store)


def test_data_from_python_have_no_run_to_record_into():
    settings = {key: value for key, value in RATE.items() if key != "task"}
    with pytest.raises(ConfigError, match=r"training\.record: got a recording, expected none"):
        load(settings, data_given=True)
    assert replace(load(RATE), name="x").training.record is not None
