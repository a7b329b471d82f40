"""Run folders: complete, readable again, never overwritten."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosim.errors import ConfigError, DataError, NumericalError
from neurosim.model_files.model_file import load
from neurosim.runs import folder as files
from neurosim.runs.run import train
from neurosim.runs.run_result import draw, open_run

TINY: dict[str, Any] = {
    "model": {"title": "A tiny one"},
    "task": {"kind": "digits"},
    "network": {"hidden": [6]},
    "scheme": {"kind": "node_perturbation"},
    "engine": {"level": "steady"},
    "training": {"epochs": 2, "measure_trials": 8},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(TINY, seed=5, out=tmp_path_factory.mktemp("runs") / "tiny")


def test_a_run_folder_has_all_its_files(run):
    names = {path.name for path in run.folder.iterdir()}
    expected = {files.CONFIG, files.PROVENANCE, files.SUMMARY, files.METRICS, files.WEIGHTS, files.LOG, files.FIGURES}
    expected |= {files.CHECKSUMS, files.TASK}
    assert names == expected
    assert {path.name for path in (run.folder / files.FIGURES).iterdir()} == {"learning_curve.png", "alignment.png"}
    log = (run.folder / files.LOG).read_text()
    assert "epoch 2/2" in log and "test_accuracy" in log


def test_the_configuration_runs_again_to_the_same_numbers(run, tmp_path):
    again = train(run.folder / files.CONFIG, seed=5, out=tmp_path / "again")
    timed = {"wall_s", "samples_per_second", "model"}
    assert _text(again.summary, timed) == _text(run.summary, timed)
    for name, array in run.state.items():
        np.testing.assert_array_equal(again.state[name], array)


def _text(summary: Any, without: set[str]) -> str:
    return json.dumps({name: value for name, value in summary.items() if name not in without}, sort_keys=True)


def test_the_summary_has_what_others_read(run):
    summary = json.loads((run.folder / files.SUMMARY).read_text())
    for key in ("test_accuracy", "test_loss", "samples_per_second", "wall_s", "seed", "engine", "level", "config_hash"):
        assert key in summary
    assert (summary["seed"], summary["scheme"], summary["epochs"]) == (5, "node_perturbation", 2)
    hidden = summary["layers"]["hidden1"]
    assert all(0 < hidden[f"{name}_angle_deg"] < 180 for name in ("signal", "update", "weight"))
    # Not a number is no JSON.
    assert summary["layers"]["output"]["signal_angle_deg"] is None


def test_provenance_says_how_to_get_there(run):
    found = json.loads((run.folder / files.PROVENANCE).read_text())
    assert found["seed"] == 5 and found["config_hash"] == load(TINY).hash
    assert {"jax", "numpy", "brian2"} <= set(found["versions"])
    assert tomllib.loads((run.folder / files.CONFIG).read_text())["network"]["hidden"] == [6]


def test_a_run_can_be_opened_and_drawn_again(run):
    again = open_run(run.folder)
    assert again.history.identical(run.history)
    assert again.history.signal_angle_deg.attrs["units"] == "deg"
    for name, array in run.state.items():
        np.testing.assert_array_equal(again.state[name], array)
    before = {path: path.stat().st_mtime_ns for path in (run.folder / files.FIGURES).iterdir()}
    assert set(draw(again)) == set(before)
    assert "hidden1" in str(again) and "<pre>" in again._repr_html_()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="not empty"):
        train(TINY, out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(ConfigError, match="not empty"):
        train(TINY, out=tmp_path / "mine.txt")
    with pytest.raises(DataError, match="cannot be written"):
        train(TINY, out=tmp_path / "mine.txt" / "below")


def test_a_run_that_diverges_says_so_in_its_log_and_has_no_summary(tmp_path):
    with pytest.raises(NumericalError, match="epoch 1"):
        train(TINY, out=tmp_path / "run", overrides=["scheme.learning_rate=1e30", "scheme.feedback_learning_rate=1e38"])
    assert "stopped: " in (tmp_path / "run" / files.LOG).read_text()
    with pytest.raises(DataError, match="no finished run"):
        open_run(tmp_path / "run")


@pytest.mark.parametrize("name", [files.SUMMARY, files.WEIGHTS])
def test_a_damaged_file_is_a_clear_error(run, tmp_path, name):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(run.folder, copy)
    (copy / name).write_bytes((copy / name).read_bytes()[:20])
    with pytest.raises(DataError, match="missing or damaged"):
        open_run(copy)


def test_default_folders_tell_runs_apart():
    name = files.default_folder("feedback_alignment", 3)
    assert name.parent == Path("runs")
    assert name.name.startswith("feedback_alignment-") and name.name.endswith("-seed3")


def test_the_brian_engine_trains_the_same_model(tmp_path):
    tiny = {
        **TINY,
        "task": {"kind": "teacher_student", "n_inputs": 3, "n_outputs": 2, "hidden": [3], "n_train": 6}
        | {"n_validation": 2, "n_test": 3},
        "network": {"hidden": [3], "readout": "squared_error"},
        "scheme": {"kind": "node_perturbation", "duration": "10 ms", "perturbed_duration": "5 ms"},
        "training": {"epochs": 1, "batch_size": 3, "measure_trials": 2},
    }
    runs = {
        kind: train(
            tiny, out=tmp_path / kind, overrides=["engine.level=rate", "engine.dtype=float64", f"engine.kind={kind}"]
        )
        for kind in ("brian", "batched")
    }
    one, other = (runs[kind].state for kind in ("brian", "batched"))
    for name in ("W1.w", "W2.w", "B1.w"):
        np.testing.assert_allclose(one[name], other[name], rtol=1e-9, atol=1e-12)
    assert runs["brian"].summary["test_loss"] == pytest.approx(runs["batched"].summary["test_loss"], rel=1e-9)
    assert "test_accuracy" not in runs["brian"].summary
