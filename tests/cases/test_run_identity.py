"""The identity of a run: its settings, its seed and the bytes that it read, not their paths."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from neurosim import registry
from neurosim.errors import ArgumentError, ConfigError
from neurosim.model_files.model_file import load
from neurosim.runs import folder as files
from neurosim.runs.data_identity import Identified
from neurosim.runs.run import train
from neurosim.runs.run_result import open_run
from neurosim.studies.compare import compare
from neurosim.studies.reproduce import reproduce
from tests.cases.run_tables import TABLE, model_file, write_rows


@pytest.fixture()
def model(tmp_path) -> Path:
    """A model file with its table beside it."""
    return model_file(tmp_path / "study")


class Notes:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def begin(self, model: Any, folder: Path) -> None: ...
    def step(self, done: int, total: int) -> None: ...
    def epoch(self, report: Any) -> None: ...
    def note(self, text: str) -> None:
        self.lines.append(text)


def test_provenance_names_what_was_read_with_its_checksum(model, tmp_path):
    import hashlib

    train(model, out=tmp_path / "run")
    (read,) = json.loads((tmp_path / "run" / files.PROVENANCE).read_text())["data"]
    data = (model.parent / "rows.csv").read_bytes()
    assert read == {"name": "rows.csv", "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def test_other_bytes_are_another_run_and_the_same_bytes_elsewhere_are_not(model, tmp_path):
    first, second = write_rows(tmp_path / "a.csv"), write_rows(tmp_path / "b.csv")
    models = [Identified()(load(model, [f"task.path={path}"])) for path in (first, second)]
    assert models[0].hash == models[1].hash and models[0].identity == models[1].identity
    write_rows(second, seed=1)
    changed = Identified()(load(model, [f"task.path={second}"]))
    assert changed.hash == models[0].hash and changed.identity != models[0].identity


def test_a_comparison_runs_again_when_its_data_change(model, tmp_path):
    said: list[str] = []
    rows = model.parent / "rows.csv"
    before = compare([model], seeds=1, out=tmp_path / "c", say=said.append)
    compare([model], seeds=1, out=tmp_path / "c", say=said.append)
    assert [line.endswith("finished before") for line in said] == [False, True]
    write_rows(rows, seed=5)
    with pytest.raises(ConfigError, match="with other settings or data"):
        compare([model], seeds=1, out=tmp_path / "c")
    after = compare([model], seeds=1, out=tmp_path / "d", say=said.append)
    assert not said[-1].endswith("finished before")
    losses = [each.entries[0].runs[0].summary["test_loss"] for each in (before, after)]
    assert losses[0] != losses[1]


def test_rows_about_data_are_judged_again_when_these_change(model, tmp_path):
    row = {"fact": "F.", "model": "table", "seeds": [0], "source": "measured", "name": "test_loss", "low": 0.0}
    (model.parent / "expected.toml").write_text(tomli_w.dumps({"expected": [row]}))
    (before,) = reproduce(model.parent, out=tmp_path / "out")
    write_rows(model.parent / "rows.csv", seed=5)
    said: list[str] = []
    (after,) = reproduce(model.parent, out=tmp_path / "out", say=said.append)
    assert "finished before" not in said[0] and before.values != after.values
    assert len(list((tmp_path / "out").glob("table-*-seed0"))) == 2


def test_a_run_is_not_taken_up_on_other_data(model, tmp_path):
    out, rows = tmp_path / "run", model.parent / "rows.csv"
    notes: Any = Notes()
    done = train(model, out=out)
    assert train(model, out=out, resume=True, progress=notes).summary["test_loss"] == done.summary["test_loss"]
    held = rows.read_bytes()
    write_rows(rows, seed=5)
    with pytest.raises(ConfigError, match=r"holds a run on other data: it read rows\.csv \(sha256 "):
        train(model, out=out, resume=True)
    (out / files.SUMMARY).unlink()
    with pytest.raises(ConfigError, match="holds a run on other data"):
        train(model, out=out, resume=True)
    rows.write_bytes(held)
    assert train(model, out=out, resume=True).summary["test_loss"] == done.summary["test_loss"]


def test_a_finished_run_whose_data_are_gone_is_shown_with_a_word(model, tmp_path):
    notes: Any = Notes()
    done = train(model, out=tmp_path / "run")
    (model.parent / "rows.csv").unlink()
    again = train(model, out=tmp_path / "run", resume=True, progress=notes)
    assert again.summary["test_loss"] == done.summary["test_loss"]
    assert "whether the data are still the same cannot be told" in notes.lines[0]


def test_a_registered_component_counts_by_its_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})
    path = tmp_path / "half.py"
    text = (Path(registry.__file__).parent / "readouts" / "squared_error.py").read_text()
    path.write_text(text)
    registry.register("readouts", path)
    sections = {**TABLE, "task": {"kind": "digits"}, "network": {"hidden": [4], "readout": "half"}}
    before = Identified()(load(sections)).identity
    assert before == Identified()(load(sections)).identity
    path.write_text(text + "\n# changed\n")
    registry.register("readouts", path)
    assert Identified()(load(sections)).identity != before
    for name in [name for name in sys.modules if name.startswith("_neurosim_registered_")]:
        del sys.modules[name]


def test_the_home_folder_is_expanded_wherever_a_path_is_given(model, tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(tmp_path)
    write_rows(home / "rows.csv")
    os.replace(model, home / "table.toml")
    run = train("~/table.toml", out="~/run", overrides=["task.path=~/rows.csv"])
    assert run.folder == home / "run" and (home / "run" / files.SUMMARY).is_file()
    assert compare(["~/table.toml"], seeds=1, out="~/c").folder == home / "c"
    assert open_run("~/run").folder == home / "run"
    assert not (tmp_path / "~").exists()
    with pytest.raises(ArgumentError, match="out: got"):
        train(home / "table.toml", out="a\0b")
