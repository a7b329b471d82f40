"""Several models side by side: intervals, names, the table in three forms, and the figure."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from neurosim import cli
from neurosim.errors import ArgumentError, ConfigError, UnknownNameError
from neurosim.studies.comparable import short_names
from neurosim.studies.compare import compare
from neurosim.studies.statistics import band, interval
from neurosim.studies.tables import csv_text, markdown_text


def test_intervals_are_students():
    found = interval([1.0, 2.0, 3.0])
    # With two degrees of freedom the quantile p of t is (2p - 1)*sqrt(2/(1 - (2p - 1)^2)).
    assert (found.mean, found.count) == (2, 3)
    assert found.half_width == pytest.approx(0.95 * math.sqrt(2 / (1 - 0.95**2)) / math.sqrt(3), rel=1e-9)
    assert (str(found), found.text(2)) == ("2 ± 2.5", "2.00 ± 2.48")
    numbers = np.random.default_rng(0).normal(5, 2, 7)
    low, high = stats.ttest_1samp(numbers, 0).confidence_interval()
    found = interval(list(numbers))
    assert (found.mean - found.half_width, found.mean + found.half_width) == pytest.approx((low, high))
    mean, half = band(np.stack([numbers, 2 * numbers], axis=1))
    assert mean[1] == pytest.approx(2 * mean[0]) and half[1] == pytest.approx(2 * half[0])


def test_intervals_cover_the_truth_as_often_as_they_say():
    numbers = np.random.default_rng(1).normal(size=(3, 20_000))
    mean, half = band(numbers)
    assert np.mean(abs(mean) <= half) == pytest.approx(0.95, abs=0.005)


def test_intervals_of_too_few():
    assert (str(interval([3.0])), interval([3.0]).text(1), interval([]).text(1)) == ("3", "3.0", "-")
    assert str(interval([])) == str(interval([math.nan])) == "-"
    assert interval([1.0, math.nan, 3.0]).count == 2


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["lansdell2020/mnist"], ["mnist"]),
        (["lansdell2020/mnist", "lansdell2020/mnist+fa"], ["mnist", "mnist+fa"]),
        (["a/m", "b/m"], ["a/m", "b/m"]),
        (["x/a/m", "y/a/m", "x/a/n"], ["x/a/m", "y/a/m", "x/a/n"]),
        (["m", "a/m"], ["m", "a/m"]),
    ],
)
def test_names_are_as_short_as_they_can_be(names, short):
    assert short_names(names) == short


def test_tables_for_people_and_programs():
    assert markdown_text(("a", "b"), [("1|2", "3\n4")]) == "| a | b |\n| --- | --- |\n| 1\\|2 | 3 4 |\n"
    assert csv_text([{"a": 1.5, "b": math.nan}, {"a": "x,y", "b": None}]) == 'a,b\n1.5,\n"x,y",\n'


@pytest.fixture(scope="module")
def comparison(tiny_folder, runs):
    path = tiny_folder() / "tiny.toml"
    return compare([str(path), f"{path}+fa", f"{path}+diverging"], seeds=2, reach=11, out=runs)


def test_every_model_is_trained_with_every_seed(comparison):
    learned, fixed, diverging = comparison.entries
    assert [entry.name for entry in comparison.entries] == ["tiny", "tiny+fa", "tiny+diverging"]
    assert [run.summary["seed"] for run in learned.runs] == [0, 1]
    accuracies = [run.summary["test_accuracy"] for run in fixed.runs]
    assert fixed.test() == interval(accuracies)
    angles = [run.summary["layers"]["hidden1"]["signal_angle_deg"] for run in learned.runs]
    assert learned.angle("hidden1", "signal_angle_deg").mean == pytest.approx(np.mean(angles))
    assert learned.local and not diverging.runs


def test_the_table_has_a_line_for_each_layer(comparison):
    assert [row[6] for row in comparison.rows] == ["hidden1", "output", "hidden1", "output", "-"]
    assert comparison.columns[1:3] == ("test accuracy (%)", "presentations to 11 %")
    first, second, *_, last = comparison.rows
    assert first[0] == "tiny" and first[1] == comparison.entries[0].test().text_of_few(2)
    # Local or not, phases, global scalar: as the circuit declares them.
    assert first[3:6] == ("yes", "2", "yes") and comparison.rows[2][3:6] == ("yes", "1", "no")
    assert second[:6] == ("",) * 6 and second[7] == "-"
    assert last == ("tiny+diverging", *("-",) * 8)
    assert any("tiny+diverging: without seed 1, which stopped: " in note for note in comparison.notes)


def test_presentations_until_an_accuracy_is_reached(comparison):
    entry = comparison.entries[0]
    reached, count = entry.reached(0.0)
    assert (reached.mean, count) == (0, 2)
    reached, count = entry.reached(100.1)
    assert math.isnan(reached.mean) and count == 0


def test_files_beside_the_runs(comparison, runs):
    rows = list(csv.DictReader((runs / "compare.csv").read_text().splitlines()))
    assert [row["layer"] for row in rows] == ["hidden1", "output", "hidden1", "output", ""]
    assert float(rows[0]["test"]) == comparison.entries[0].test().mean
    assert rows[-1]["seeds"] == "0" and rows[-1]["test"] == ""
    page = (runs / "compare.md").read_text()
    assert "| tiny+fa |" in page and "Student's t" in page
    assert (runs / "compare.png").read_bytes().startswith(b"\x89PNG")


def test_a_regression_is_compared_by_its_loss(tiny_folder, tmp_path):
    path = tiny_folder() / "tiny.toml"
    small = ["n_inputs=3", "n_outputs=2", "n_train=64", "n_validation=4", "n_test=4"]
    changes = ["task.kind=teacher_student", "network.readout=squared_error", "training.measure_every=0"]
    found = compare([path], seeds=1, overrides=[*changes, *(f"task.{each}" for each in small)], out=tmp_path)
    ((name, test, until, *_),) = [row for row in found.rows if row[0]]
    assert name == "tiny" and float(test) > 0 and until == "-" and "test loss" in found.columns
    assert (tmp_path / "compare.png").is_file()


def test_what_cannot_be_compared(tiny_folder, tmp_path):
    path = tiny_folder() / "tiny.toml"
    with pytest.raises(ConfigError, match="given twice"):
        compare([path, path], out=tmp_path)
    with pytest.raises(ArgumentError, match="seeds: got 0, expected at least 1"):
        compare([path], seeds=0, out=tmp_path)
    with pytest.raises(ArgumentError, match=r"models: got .*, expected a list or tuple"):
        compare(str(path), out=tmp_path)
    with pytest.raises(UnknownNameError, match="unknown variant of tiny 'af'"):
        compare([f"{path}+af"], out=tmp_path)


def test_the_command_prints_the_table_and_reuses_the_runs(comparison, tiny_folder, runs):
    path = tiny_folder() / "tiny.toml"
    runner = CliRunner(env={"COLUMNS": "200"})
    models = [f"{path}+fa", str(path), f"{path}+diverging"]
    arguments = ["compare", *models, "--seeds", "2", "--reach", "100", "--out", str(runs)]
    result = runner.invoke(cli.app, arguments)
    # One of the three never comes to its end.
    assert result.exit_code == 1, result.output
    assert result.stdout.count("finished before") == 4
    assert "not reached" in result.stdout and "hidden1" in result.stdout
    refused = runner.invoke(cli.app, [*arguments, "--set", "training.epoch=3"])
    assert refused.exit_code == 2 and "did you mean 'epochs'" in refused.stderr
