"""Run folders without their data: figures, and predictions of new rows in the table's units."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from neurosim import cli
from neurosim.errors import DataError
from neurosim.model_files.model_file import load
from neurosim.runs import folder as files
from neurosim.runs.drawing import draw_all
from neurosim.runs.run import train
from neurosim.runs.run_result import open_run, write_checksums
from tests.cases.run_tables import TABLE, write_rows


@pytest.fixture(scope="module")
def gone(tmp_path_factory) -> Path:
    """A run on a table that was removed afterwards."""
    folder = tmp_path_factory.mktemp("gone")
    rows = write_rows(folder / "rows.csv")
    train(_sections(rows, epochs=5), out=folder / "run")
    rows.rename(folder / "kept.csv")
    return folder


@pytest.fixture(scope="module")
def line(tmp_path_factory) -> Path:
    """A run that learned a straight line of large numbers, 40000 + 3000 a - 2000 b."""
    folder = tmp_path_factory.mktemp("line")
    generator = np.random.default_rng(3)
    a, b = generator.standard_normal((2, 200)) * [[10.0], [0.1]]
    rows = np.stack([a, b, 40_000 + 3000 * a - 20_000 * b], axis=1)
    np.savetxt(folder / "rows.csv", rows, delimiter=",", header="a,b,price", comments="", fmt="%.6f")
    sections = _sections(folder / "rows.csv", epochs=20, target="price")
    sections["network"] |= {"readout": "squared_error", "hidden": [16]}
    train(sections, out=folder / "run", overrides=["scheme.learning_rate=0.1"])
    (folder / "rows.csv").unlink()
    return folder


def _sections(rows: Path, *, epochs: int, target: str = "kind") -> dict[str, Any]:
    return {
        **TABLE,
        "task": {"kind": "table", "path": str(rows), "target": target},
        "network": dict(TABLE["network"]),
        "scheme": {**TABLE["scheme"], "learning_rate": 0.1},
        "training": {**TABLE["training"], "epochs": epochs},
    }


def test_figures_that_need_no_data_are_drawn(gone):
    said: list[str] = []
    names = {path.name for path in draw_all(gone / "run", said.append)}
    assert names >= {"learning_curve.png", "circuit.png", "feedback_weights.png"} and not said


def test_an_older_run_says_what_cannot_be_drawn(gone, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(gone / "run", copy)
    (copy / files.TASK).unlink()
    write_checksums(copy)
    said: list[str] = []
    assert [path.name for path in draw_all(copy, said.append)] == ["learning_curve.png"]
    assert len(said) == 1 and "no figures of the circuit" in said[0] and "rows.csv" in said[0]
    with pytest.raises(DataError, match="too old to have kept the scales"):
        open_run(copy).predict(gone / "kept.csv")


def test_predictions_are_the_classes_of_the_table(gone):
    run = open_run(gone / "run")
    lines = (gone / "kept.csv").read_text().splitlines()[1:]
    truth = np.array([line.rpartition(",")[2] for line in lines])
    found = run.predict(gone / "kept.csv")
    assert found.shape == truth.shape and set(found) <= {"left", "right"}
    assert np.mean(found == truth) > 0.8


def test_predictions_are_those_of_the_splits_that_were_evaluated(gone, tmp_path):
    """The share that is right on the test rows is the accuracy that the run wrote down."""
    copy = write_rows(tmp_path / "rows.csv")
    run = open_run(gone / "run")
    task = load(_sections(copy, epochs=5)).load_task()
    found = run.predict(copy)
    truth = np.array([line.rpartition(",")[2] for line in copy.read_text().splitlines()[1:]])
    names = sorted(set(truth))
    # Rows of the test split, found by their inputs, which are all different.
    numbers = np.loadtxt(copy, delimiter=",", skiprows=1, usecols=(0, 1))
    scaled = (numbers - task.encoding["mean"]) / task.encoding["scale"]  # type: ignore[index]
    rows = [int(np.argmin(np.abs(scaled - each).sum(axis=1))) for each in task.test.inputs]
    right = [found[row] == names[label] for row, label in zip(rows, task.test.labels, strict=True)]  # type: ignore[arg-type]
    assert 100 * np.mean(right) == pytest.approx(run.summary["test_accuracy"])


def test_predicted_numbers_are_in_the_units_of_the_table(line, tmp_path):
    new = tmp_path / "new.csv"
    # Columns in another order, one more, and no target.
    new.write_text("b,other,a\n0.1,x,5\n-0.1,y,-5\n0,z,0\n")
    found = open_run(line / "run").predict(new)
    np.testing.assert_allclose(found[:, 0], [53_000, 27_000, 40_000], rtol=0.05)


def test_the_command_prints_a_line_a_row_and_replaces_nothing(line, tmp_path):
    new, out = tmp_path / "new.csv", tmp_path / "out.csv"
    new.write_text("a,b\n1,0\n2,0\n")
    runner = CliRunner()
    printed = runner.invoke(cli.app, ["predict", str(line / "run"), str(new)])
    assert printed.exit_code == 0, printed.output
    lines = printed.stdout.splitlines()
    assert lines[0] == "price" and len(lines) == 3 and float(lines[1]) < float(lines[2])
    written = runner.invoke(cli.app, ["predict", str(line / "run"), str(new), "--out", str(out)])
    assert written.exit_code == 0 and out.read_text() == printed.stdout
    again = runner.invoke(cli.app, ["predict", str(line / "run"), str(new), "--out", str(out)])
    assert again.exit_code == 2 and "exists already" in again.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a\n1\n", "'b'"), ("a,b\n1,x\n", "b"), ("a,b\n1,\n", "b"), ("", ""), (None, "new.csv")],
)
def test_rows_that_do_not_fit_are_refused(line, tmp_path, text, expected):
    new = tmp_path / "new.csv"
    if text is not None:
        new.write_text(text)
    with pytest.raises(DataError, match=expected):
        open_run(line / "run").predict(new)


def test_a_measurement_predicts_nothing(tmp_path):
    sections = {name: TABLE[name] for name in ("network", "engine")} | {"task": {"kind": "digits"}}
    probe = {"kind": "estimate", "draws": 64, "chunk": 64}
    run = train({**sections, "scheme": {"kind": "node_perturbation"}, "probe": probe}, out=tmp_path / "run")
    with pytest.raises(DataError, match="holds a measurement"):
        run.predict(write_rows(tmp_path / "rows.csv"))
