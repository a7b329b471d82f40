"""Folders of runs: made for what fits, given to one table each, and what is refused before there is one."""

from __future__ import annotations

from pathlib import Path

import pytest

import neurosim
from neurosim.errors import ArgumentError, ConfigError, DataError
from neurosim.model_files.model_file import load
from neurosim.runs.run import train
from neurosim.studies.compare import compare
from tests.cases.run_tables import TABLE, model_file


@pytest.fixture()
def model(tmp_path) -> Path:
    """A model file with its table beside it."""
    return model_file(tmp_path / "study")


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ("training.batch_size=1000", "training.batch_size"),
        ('training.record={variables=["hidden1.r"], trials=[5000]}', "training.record"),
        ("task.path=nowhere.csv", "nowhere.csv"),
        ("training.optimiser.kind=adam engine.kind=brian engine.level=rate", "optimiser"),
        ("scheme.kind=node_perturbation engine.kind=brian engine.level=rate training.batch_size=999", "batch_size"),
    ],
)
def test_what_is_refused_leaves_no_folder_and_the_mended_call_fits(model, tmp_path, wrong, expected):
    out = tmp_path / "new" / "run"
    with pytest.raises((ConfigError, DataError), match=expected):
        train(model, out=out, overrides=_split(wrong))
    assert not out.parent.exists()


def _split(text: str) -> list[str]:
    return [text] if "{" in text else text.split()


def test_after_a_refusal_the_corrected_call_runs_in_the_same_folder(model, tmp_path):
    with pytest.raises(ConfigError, match="batch_size"):
        train(model, out=tmp_path / "run", overrides=["training.batch_size=1000"])
    assert train(model, out=tmp_path / "run").summary["epochs"] == 1


@pytest.mark.parametrize(
    "probe",
    [
        {"kind": "settling"},
        {"kind": "estimate"},
        {"kind": "spiking_inversion"},
        {"kind": "sensitivity", "ranges": {"nothing.here": [0.1, 1.0]}},
        {"kind": "update", "batch_size": 10_000},
    ],
)
def test_a_probe_that_does_not_fit_leaves_no_folder(tmp_path, probe):
    sections = {name: TABLE[name] for name in ("network", "scheme", "engine")} | {"task": {"kind": "digits"}}
    with pytest.raises(neurosim.NeurosimError):
        train({**sections, "probe": probe}, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"seed": -1}, "seed: got -1, expected at least 0"),
        ({"seed": 1.5}, "seed: got 1.5, expected a whole number"),
        ({"seed": True}, "seed: got True"),
        ({"overrides": "training.epochs=1"}, "overrides: got 'training.epochs=1', expected a list of names"),
        ({"checkpoint_every": -1.0}, "checkpoint_every: got -1.0"),
        ({"checkpoint_every": float("nan")}, "checkpoint_every: got nan"),
        ({"resume": "yes"}, "resume: got 'yes'"),
    ],
)
def test_arguments_of_training_are_checked(model, tmp_path, settings, expected):
    with pytest.raises(ArgumentError) as caught:
        train(model, out=tmp_path / "run", **settings)
    assert expected in str(caught.value) and not (tmp_path / "run").exists()


def test_a_table_takes_the_place_of_no_other(model, tmp_path):
    out = tmp_path / "out"
    compare([model], seeds=1, out=out)
    held = (out / "compare.csv").read_bytes()
    for other, changes in ((model, ["training.epochs=2"]), ({**TABLE, "task": {"kind": "digits"}}, [])):
        with pytest.raises(ConfigError, match="holds the results of another compare"):
            compare([load(other)], seeds=1, out=out, overrides=changes)
    assert (out / "compare.csv").read_bytes() == held
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "compare.csv").write_text("mine")
    with pytest.raises(ConfigError, match=r"holds compare\.csv, but not the compare\.toml"):
        compare([model], seeds=1, out=tmp_path / "mine")
    # More seeds include what was there.
    assert len(compare([model], seeds=2, out=out).entries[0].runs) == 2


def test_without_a_folder_another_comparison_gets_one_of_its_own(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert compare([model], seeds=1).folder == tmp_path / "runs" / "compare"
    assert compare([model], seeds=1, overrides=["training.epochs=2"]).folder == tmp_path / "runs" / "compare-2"
    assert compare([model], seeds=1).folder == tmp_path / "runs" / "compare"
