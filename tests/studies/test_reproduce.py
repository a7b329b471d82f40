"""Rows compared with runs: verdicts, reused runs, and failures of single runs."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import xarray
from typer.testing import CliRunner

from neurosim import cli
from neurosim.errors import ConfigError
from neurosim.model_files.model_file import load
from neurosim.runs import folder as files
from neurosim.runs.data_identity import Identified
from neurosim.runs.run import Run, train
from neurosim.studies import collection
from neurosim.studies.collection import Attempt, collect, key_of
from neurosim.studies.expected import Claim, Row
from neurosim.studies.reproduce import judge, reproduce, tally

MODELS = {"one": load("lansdell2020/digits"), "two": load("lansdell2020/digits_fa")}


def verdict_of(one: list[float], two: list[float] | None = None, **keys: Any):
    """What a row says of runs whose accuracies are given."""
    more = {"versus": {"model": "two"}} if two is not None else {}
    row = Row.model_validate(
        {"fact": "F.", "model": "one", "seeds": range(len(one)), "name": "a", "source": "derived", **more, **keys}
    )
    claim = Claim(row, tuple((reading, MODELS[reading.model]) for reading in row.readings))
    attempts = {}
    for model, numbers in zip(MODELS.values(), (one, two or []), strict=True):
        for seed, number in enumerate(numbers):
            attempts[key_of(model, seed)] = Attempt(Run(Path(), {"a": number}, xarray.Dataset(), {}))
    return judge(claim, attempts)


def test_the_mean_over_seeds_counts_or_every_single_one():
    assert verdict_of([1.0, 5.0], low=3.0).verdict == "met"
    assert verdict_of([1.0, 5.0], low=3.1).verdict == "falls short"
    assert verdict_of([1.0, 5.0], low=3.0, each_seed=True).verdict == "falls short"
    assert verdict_of([3.0, 5.0], low=3.0, each_seed=True).verdict == "met"
    found = verdict_of([1.0, 5.0], value=3.0, tolerance=0.0, unit="deg")
    assert found.mean == 3 and found.values == (1, 5)
    assert found.cells == ("F.", "3 deg (1 to 5)", "3 ± 0 deg", "derived", "met")


def test_seeds_are_compared_in_pairs():
    assert verdict_of([5.0, 9.0], [1.0, 2.0], relation="difference", value=5.5, tolerance=0.0).values == (4, 7)
    assert verdict_of([6.0, 9.0], [2.0, 9.0], relation="ratio", low=1.0, high=3.0, each_seed=True).values == (3, 1)
    # Nothing is expected of a division by zero but that it does not pass, nor stop anything.
    assert verdict_of([0.0], [0.0], relation="ratio", low=-1e300).verdict == "falls short"
    found = verdict_of([2.0], [0.0], relation="ratio", low=1.0)
    assert found.verdict == "met" and found.cells[1] == "inf"


def test_a_known_gap_is_run_shown_and_counted():
    short = verdict_of([1.0], low=3.0, known_gap="too few neurons")
    assert (short.verdict, short.note, short.failed) == ("falls short", "known gap: too few neurons", True)
    met = verdict_of([3.0], low=3.0, known_gap="too few neurons")
    assert (met.verdict, met.failed) == ("met", False) and "no longer" in met.note
    assert tally([short, met]) == "1 met, 1 fall short (1 of them known), 0 not run"


def test_a_number_that_a_run_does_not_have_is_a_verdict():
    found = verdict_of([1.0], name="b", low=3.0)
    assert found.verdict == "falls short" and "no 'b'" in found.note


ROWS = (
    {"fact": "It learns.", "name": "test_accuracy", "low": 11.0, "unit": "%", "seeds": [0, 1]},
    {"fact": "An epoch is 40 full batches.", "history": "train_loss", "over": "first_above", "level": 0.0}
    | {"value": 1280.0, "tolerance": 0.0},
    {"fact": "Two schemes.", "name": "test_loss", "versus": {"variants": ["fa"]}, "relation": "ratio", "low": 0.0},
    {"fact": "Too much.", "name": "test_accuracy", "low": 100.0, "known_gap": "one epoch"},
    {"fact": "It diverges.", "name": "test_accuracy", "variants": ["diverging"], "low": 0.0},
    {"fact": "It goes on.", "name": "test_loss", "low": 0.0, "seeds": [1]},
    {"fact": "Later.", "name": "test_loss", "low": 0.0, "slow": True, "minutes": 3.0, "seeds": [5]},
    {"fact": "Some day.", "name": "test_loss", "low": 0.0, "slow": True, "minutes": 9.0, "not_run": "no time"},
)


@pytest.fixture(scope="module")
def tiny(tiny_folder):
    return tiny_folder(*ROWS)


@pytest.fixture(scope="module")
def verdicts(tiny, runs):
    return reproduce(tiny, out=runs)


def test_a_folder_is_run_and_judged_row_by_row(verdicts, runs):
    found = {verdict.row.fact: verdict for verdict in verdicts}
    assert found["An epoch is 40 full batches."].verdict == "met"
    assert found["It learns."].verdict == found["Two schemes."].verdict == found["It goes on."].verdict == "met"
    assert found["Too much."].verdict == "falls short" and found["Too much."].failed
    assert found["Later."].cells[-1] == "not run (slow, 3 min)" and not found["Later."].failed
    assert found["Some day."].cells[-1] == "not run (slow, 9 min, never run so far: no time)"
    # Each model with each seed once, however many rows ask for it, and no slow one.
    assert [len(list(runs.glob(f"tiny-*-seed{seed}"))) for seed in (0, 1, 5)] == [1, 1, 0]


def test_learning_that_diverges_is_a_verdict_and_leaves_the_others_alone(verdicts):
    found = next(verdict for verdict in verdicts if verdict.row.fact == "It diverges.")
    assert found.verdict == "falls short" and found.failed
    assert "tiny+diverging, seed 0: " in found.note and "not finite" in found.note


def test_tables_are_written_beside_the_runs(verdicts, runs):
    rows = list(csv.DictReader((runs / "reproduce.csv").read_text().splitlines()))
    assert [row["verdict"] for row in rows] == [verdict.verdict for verdict in verdicts]
    assert float(rows[0]["mean"]) == verdicts[0].mean and rows[0]["seeds"] == "0 1"
    assert rows[0]["expected_low"] == "11.0" and rows[0]["expected_high"] == rows[0]["expected"] == ""
    assert rows[2]["quantity"] == "test_loss / test_loss" and rows[2]["models"] == "tiny tiny+fa"
    page = (runs / "reproduce.md").read_text()
    assert "| It learns. | " in page and tally(verdicts) in page


def test_finished_runs_are_reused_and_others_begun_again(verdicts, tiny, runs, monkeypatch):
    started = []

    def counting(model, *, seed, **rest):
        started.append((model.name, seed))
        return train(model, seed=seed, **rest)

    monkeypatch.setattr(collection, "train", counting)
    lines: list[str] = []
    again = reproduce(tiny, out=runs, say=lines.append)
    # Only the one that never came to its end.
    assert started == [("tiny+diverging", 0)]
    assert sum("finished before" in line for line in lines) == 3
    assert [verdict.values for verdict in again] == [verdict.values for verdict in verdicts]
    model = Identified()(load(tiny / "tiny.toml"))
    # Interrupted: no summary.
    (folder,) = runs.glob(f"*-{model.identity[:8]}-seed1")
    (folder / files.SUMMARY).unlink()
    started.clear()
    found = collect([(model, 0), (model, 1), (model, 1)], runs)
    assert started == [("tiny", 1)]
    assert found[key_of(model, 0)].reused and not found[key_of(model, 1)].reused
    assert (folder / files.SUMMARY).is_file()


def test_another_version_is_run_again_and_its_results_stay(verdicts, tiny, runs):
    model = Identified()(load(tiny / "tiny.toml"))
    (folder,) = runs.glob(f"*-{model.identity[:8]}-seed0")
    provenance = json.loads((folder / files.PROVENANCE).read_text())
    (folder / files.PROVENANCE).write_text(json.dumps(provenance | {"versions": {"neurosim": "0.0.1"}}))
    found = collect([(model, 0)], runs)[key_of(model, 0)]
    assert not found.reused and found.run is not None and found.run.folder != folder
    assert (folder / files.SUMMARY).is_file()
    assert collect([(model, 0)], runs)[key_of(model, 0)].reused


def test_faults_in_one_run_are_told_and_written_down(tiny, tmp_path, monkeypatch):
    def broken(*_: Any, **__: Any):
        raise RuntimeError("out of luck")

    model = load(tiny / "tiny.toml")
    with monkeypatch.context() as patch:
        patch.setattr(collection, "train", broken)
        found = collect([(model, 0)], tmp_path)[key_of(model, 0)]
    assert found.run is None and not found.diverged and "RuntimeError: out of luck" in found.message
    (folder,) = tmp_path.iterdir()
    assert "Traceback" in (folder / "failure.txt").read_text()
    # What it left is in nobody's way.
    assert collect([(model, 0)], tmp_path)[key_of(model, 0)].run is not None


def test_what_is_not_a_run_is_not_removed(tiny, tmp_path):
    model = Identified()(load(tiny / "tiny.toml"))
    mine = tmp_path / f"tiny-{model.identity[:8]}-seed0" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    assert "not empty" in collect([(model, 0)], tmp_path)[key_of(model, 0)].message
    assert mine.read_text() == "mine"


def test_data_that_are_missing_are_not_a_fact_that_falls_short(tiny_folder, tmp_path):
    row = {"fact": "F.", "name": "test_loss", "low": 0.0, "overrides": ["task.kind=mnist"]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEUROSIM_DATA", str(tmp_path / "nowhere"))
        (verdict,) = reproduce(tiny_folder(row), out=tmp_path / "runs")
    assert verdict.verdict == "not run" and verdict.failed and "mnist" in verdict.note.lower()


def test_rows_that_do_not_fit_stop_everything_before_a_run(tiny_folder, tmp_path):
    with pytest.raises(ConfigError, match="did you mean"):
        reproduce(
            tiny_folder({"fact": "F.", "name": "layers.hidden1.signal_angel_deg", "low": 0.0}), out=tmp_path / "x"
        )
    assert not (tmp_path / "x").exists()


def test_the_command_shows_a_table_and_says_by_its_exit_code_whether_all_is_met(verdicts, tiny, tiny_folder, runs):
    runner = CliRunner(env={"COLUMNS": "200"})
    result = runner.invoke(cli.app, ["reproduce", str(tiny), "--out", str(runs)])
    assert result.exit_code == 1, result.output
    for text in ("It learns.", "at least 11 %", "falls short (known gap: one epoch)", "not run (slow, 3 min)"):
        assert text in result.stdout
    assert tally(verdicts) in result.stdout
    good = tiny_folder(ROWS[0])
    assert runner.invoke(cli.app, ["reproduce", str(good / "tiny.toml"), "--out", str(runs / "good")]).exit_code == 0
    unknown = runner.invoke(cli.app, ["reproduce", "lansdell2021"])
    assert unknown.exit_code == 2 and "did you mean 'lansdell2020'" in unknown.stderr


def test_slow_rows_are_run_when_asked_for(tiny_folder, tmp_path):
    row = {"fact": "Later.", "name": "test_loss", "low": 0.0, "slow": True, "minutes": 3.0}
    (verdict,) = reproduce(tiny_folder(row), slow=True, out=tmp_path)
    assert verdict.verdict == "met"
