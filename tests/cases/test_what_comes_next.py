"""What a run says at its end to do next, and what is read of the summary of somebody else's run."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from neurosim.cli import app
from neurosim.errors import DataError
from neurosim.model_files.model_file import load
from neurosim.runs.run import open_run, train
from neurosim.runs.run_numbers import read_summary
from neurosim.studies.collection import Attempt
from neurosim.studies.comparison_table import Comparison, Entry
from tests.cases.run_tables import model_file


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("next")
    model_file(folder / "study")
    return folder


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_commands_that_a_run_names_do_what_they_say(place, monkeypatch):
    monkeypatch.chdir(place)
    # A name that a shell would take apart, and that would be an option.
    done = call("run", "study/table.toml", "--out=-my run")
    assert done.exit_code == 0
    [line] = [line for line in done.stdout.splitlines() if line.startswith("next: ")]
    commands = [shlex.split(each) for each in line.removeprefix("next: ").split("; ")]
    assert [each[:2] for each in commands] == [["neurosim", verb] for verb in ("plot", "predict", "export")]
    for each in commands:
        arguments = ["study/rows.csv" if word == "FILE" else word for word in each[1:]]
        assert call(*arguments).exit_code == 0
    assert call("run", "study/table.toml", "--out=-my run", "--resume", "--quiet").stdout == ""


def test_where_there_is_nothing_to_predict_nothing_of_it_is_said(place, monkeypatch):
    monkeypatch.chdir(place)
    done = call("run", "kunin2020/stability", "--out", "probe")
    [line] = [line for line in done.stdout.splitlines() if line.startswith("next: ")]
    assert line == "next: neurosim plot probe; neurosim export probe --to csv"


@pytest.mark.parametrize("without", [("local",), ("local", "global_scalar", "phases")])
def test_a_comparison_shows_a_run_that_says_less_of_itself(place, without):
    path = place / "other"
    run = open_run(path) if path.exists() else train(place / "study" / "table.toml", out=path)
    lesser = replace(run, summary={name: value for name, value in run.summary.items() if name not in without})
    entry = Entry("theirs", load(place / "study" / "table.toml"), (Attempt(lesser),))
    assert "theirs" in str(Comparison((entry,), 90.0, place))
    assert entry.local is None


@pytest.mark.parametrize(("name", "value"), [("local", "yes"), ("global_scalar", 1), ("local", [True])])
def test_a_summary_that_says_something_else_is_refused(tmp_path, name, value):
    learned = {"wall_s": 1.0, "test_loss": 1.0, "samples_per_second": 1.0, "layers": {}}
    (tmp_path / "summary.json").write_text(json.dumps({**learned, name: value}))
    with pytest.raises(DataError, match=f"true or false as its '{name}'"):
        read_summary(tmp_path / "summary.json")
