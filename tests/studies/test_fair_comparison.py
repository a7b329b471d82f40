"""Fair comparisons: the same splits, the same number of trials on the validation split, pairs, curves, refusals."""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
import xarray
from typer.testing import CliRunner

import neurosim
from neurosim import cli
from neurosim.circuit.rewards import reward_samples
from neurosim.errors import ConfigError, DataError, NeurosimError
from neurosim.studies.comparable import short_names
from neurosim.studies.compare import compare
from neurosim.studies.comparison_curves import costs

RATE = {"low": 0.05, "high": 0.5, "log": True}
MODEL: dict[str, Any] = {
    "task": {"kind": "table", "path": "flowers.csv", "target": "kind", "validation_fraction": 0.25},
    "network": {"hidden": [4]},
    "scheme": {"kind": "node_perturbation", "learning_rate": 0.2, "feedback_learning_rate": 0.05},
    # Nothing to compile.
    "engine": {"kind": "numpy", "level": "steady"},
    "training": {"epochs": 2, "batch_size": 8, "measure_every": 0},
    "tune": {
        "trials": 3,
        "scheme": {"learning_rate": RATE, "feedback_learning_rate": {"low": 0.01, "high": 0.1}},
    },
    "variants": {
        "fa": {"scheme": {"kind": "feedback_alignment", "learning_rate": 0.2}},
        "bp": {"scheme": {"kind": "backpropagation", "learning_rate": 0.2}},
        "probe": {"probe": {"kind": "update"}},
    },
}


@pytest.fixture(scope="module", autouse=True)
def _without_figures_of_runs():
    """A third of the time of runs this short; the figure of the comparison is drawn."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neurosim.runs.run.draw", lambda run: None)
        yield


@pytest.fixture
def model(tmp_path) -> Path:
    return _made(tmp_path)


@pytest.fixture(scope="module")
def compared(tmp_path_factory) -> Any:
    """A model against backpropagation on two splits, and how to ask for the same again."""
    folder = tmp_path_factory.mktemp("compared")
    path = _without_search(_made(folder))
    asked = {"models": [f"{path}+bp", str(path)], "seeds": 2, "resample": True, "out": folder / "runs"}
    return neurosim.compare(**asked), asked


def _made(tmp_path: Path) -> Path:
    """A table and the model beside it."""
    generator = np.random.default_rng(0)
    rows = [("a", 0.0), ("b", 2.0), ("c", 4.0)] * 20
    lines = [f"{centre + generator.normal():.3f},{generator.normal():.3f},{kind}" for kind, centre in rows]
    (tmp_path / "flowers.csv").write_text("\n".join(["x,y,kind", *lines]) + "\n")
    return _written(tmp_path, {})


def _written(folder: Path, changes: dict[str, Any]) -> Path:
    """The model's file with some sections replaced; ``None`` leaves a section out."""
    sections = {name: value for name, value in {**MODEL, **changes}.items() if value is not None}
    (folder / "m.toml").write_text(tomli_w.dumps(sections))
    return folder / "m.toml"


def _without_search(path: Path) -> Path:
    return _written(path.parent, {"tune": None})


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def test_each_seed_has_its_split_and_all_models_the_same(compared):
    found, asked = compared
    splits = [
        [tomllib.loads((run.folder / "config.toml").read_text())["task"]["split_seed"] for run in entry.runs]
        for entry in found.entries
    ]
    assert splits == [[0, 1], [0, 1]]
    (each,) = found.differences
    accuracies = [[run.summary["test_accuracy"] for run in entry.runs] for entry in found.entries]
    assert each.values == tuple(np.subtract(accuracies[1], accuracies[0]))
    assert (each.reference, each.verdict) == ("m+bp", "too few seeds")
    (row,) = _rows(found.folder / "differences.csv")
    assert row["verdict"] == "too few seeds" and row["low"] == "" and row["pairs"] == "2"
    with pytest.raises(ConfigError, match="a split for each seed"):
        compare(**(asked | {"resample": False}))


def test_curves_count_presentations_reward_samples_and_time(compared):
    found, _ = compared
    rows = [row for row in _rows(found.folder / "curves.csv") if row["seed"] == "0"]
    assert [row["epoch"] for row in rows] == ["0", "1", "2"] * 2
    backpropagation, learned = rows[:3], rows[3:]
    presented = [float(row["presentations"]) for row in learned]
    assert presented[0] == 0 and presented[2] == 2 * presented[1] > 0
    # A clean and a perturbed phase each tell the loss once; backpropagation has no reward.
    assert [float(row["reward_samples"]) for row in learned] == [2 * each for each in presented]
    assert {row["reward_samples"] for row in backpropagation} == {""}
    assert 0 < float(learned[1]["seconds"]) < float(learned[2]["seconds"])
    assert (found.folder / "compare.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("scheme", "samples"),
    [
        ({"kind": "backpropagation"}, 0),
        ({"kind": "vector_response"}, 0),
        ({"kind": "weight_perturbation"}, 2),
        ({"kind": "node_perturbation"}, 9),
        ({"kind": "node_perturbation", "perturbations": 1}, 2),
        ({"kind": "node_perturbation", "baseline": "running"}, 1),
    ],
)
def test_reward_samples_are_counted_from_phases_and_rules(scheme, samples):
    sections = {"task": {"kind": "digits"}, "network": {"hidden": [4]}, "scheme": scheme}
    assert reward_samples(neurosim.load({**sections, "engine": {"level": "steady"}}).circuit) == samples


def test_time_leaves_out_what_the_first_epoch_compiles():
    history = xarray.Dataset(
        {"samples_per_second": ("epoch", [np.nan, 1.0, 100.0, 50.0])},
        coords={"epoch": [0, 1, 2, 3], "presentations": ("epoch", [0, 100, 200, 300])},
    )
    np.testing.assert_allclose(costs(history, 0)["seconds"], [0, 100 / 75, 100 / 75 + 1, 100 / 75 + 3])


def test_each_model_is_tuned_by_as_many_trials_on_the_validation_split(model, tmp_path):
    said: list[str] = []
    asked = {"seeds": 2, "overrides": ["tune.trials=2", "tune.each_split=false"], "out": tmp_path / "runs"}
    found = compare([str(model), f"{model}+fa"], **asked, resample=True, say=said.append)
    trials = _rows(tmp_path / "runs" / "tune.csv")
    assert [(row["model"], row["trial"]) for row in trials] == [(n, str(t)) for n in ("m", "m+fa") for t in range(2)]
    assert {row["metric"] for row in trials} == {"validation_accuracy"}
    # The variant's scheme has no feedback rate, so that key is not searched for it.
    assert [bool(row["scheme.feedback_learning_rate"]) for row in trials] == [True] * 2 + [False] * 2
    chosen = tomllib.loads((tmp_path / "runs" / "chosen.toml").read_text())["chosen"]
    for each, entry in zip(chosen, found.entries, strict=True):
        own = [row for row in trials if row["model"] == each["model"]]
        assert each["score"] == max(float(row["value"]) for row in own)
        assert [row["trial"] for row in own if row["chosen"] == "True"] == [str(each["trial"])]
        for run in entry.runs:
            scheme = tomllib.loads((run.folder / "config.toml").read_text())["scheme"]
            assert scheme["learning_rate"] == each["settings"]["scheme.learning_rate"]
    assert sum("trial" in line for line in said) == 4 and any("chosen" in line for line in said)
    # Asked again, nothing is run or searched; with another search it is another comparison.
    again: list[str] = []
    repeated = compare([str(model), f"{model}+fa"], **asked, resample=True, say=again.append)
    assert not any("trial" in line for line in again) and str(repeated) == str(found)
    other = [*asked.pop("overrides"), "tune.startup=5"]
    with pytest.raises(ConfigError, match=r"another \[tune\] of m, or more trials"):
        compare([str(model), f"{model}+fa"], **asked, overrides=other, resample=True)


def test_each_split_has_a_search_of_its_own(model, tmp_path):
    path = _written(model.parent, {"tune": {"trials": 2, "scheme": {"learning_rate": RATE}}})
    found = compare([f"{path}+fa"], seeds=2, resample=True, out=tmp_path / "runs")
    trials = _rows(tmp_path / "runs" / "tune.csv")
    assert len(trials) == 2 * 2
    for row in trials:
        config = tomllib.loads((tmp_path / "runs" / row["folder"] / "config.toml").read_text())
        assert str(config["task"]["split_seed"]) == row["seed"]
    # The runs that are compared are the chosen trials: nothing is trained twice.
    compared = {run.folder.name for entry in found.entries for run in entry.runs}
    assert compared == {row["folder"] for row in trials if row["chosen"] == "True"}


def _tune(**changes: Any) -> dict[str, Any]:
    return {"tune": {"trials": 3, "scheme": {"learning_rate": RATE}} | changes}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (_tune(metric="test_accuracy"), "tune.metric: got 'test_accuracy', expected validation_accuracy or "),
        (_tune(metric="train_loss"), "tune.metric: got 'train_loss', expected validation_accuracy"),
        (_tune(trials=0), "tune.trials: got 0, expected greater than or equal to 1"),
        (_tune(trials=1, training={"epochs": [1, 2]}), "tune.trials: got 1, expected at least 2, one for each key"),
        (_tune(trials=2), "tune.trials: got 2 for 3 schemes, expected at least as many trials"),
        (_tune(seeds=[1, 1]), "tune.seeds: got .*, expected every seed once"),
        ({"tune": {"trials": 3}}, "tune: got no key path"),
        (_tune(task={"split_seed": [0, 1]}), "tune.task.split_seed: 'task' is the same for all"),
        (_tune(network={"hiden": [1, 2]}), "tune.network.hiden: unknown key.*did you mean 'hidden'"),
        (
            _tune(scheme={"learning_rate": {"low": -1.0, "high": 1.0}}),
            "tune.scheme.learning_rate: got -1.0, expected greater than 0 .in m, with",
        ),
    ],
)
def test_searches_that_are_refused(model, tmp_path, changes, message):
    path = _written(model.parent, changes)
    with pytest.raises(ConfigError, match=message):
        compare([str(path), f"{path}+fa", f"{path}+bp"], seeds=1, out=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_unequal_searches_are_refused(model, tmp_path):
    bp = {**MODEL["variants"]["bp"], "tune": {"trials": 5}}
    path = _written(model.parent, {"variants": {"bp": bp}})
    with pytest.raises(ConfigError, match=r"tune.trials: got 3 for m and 5 for m\+bp, expected the same"):
        compare([str(path), f"{path}+bp"], out=tmp_path / "runs")
    with pytest.raises(ConfigError, match="tune: m has it and digits has not"):
        compare([str(path), "lansdell2020/digits"], out=tmp_path / "runs")


@pytest.mark.parametrize(
    ("task", "tune", "message"),
    [
        ({"validation_fraction": 0.0}, MODEL["tune"], "task.validation_fraction: gives an empty validation split"),
        (
            {"validation_fraction": 0.02, "test_fraction": 0.2},
            MODEL["tune"],
            "task.validation_fraction: .*empty|task.validation_fraction: leaves the validation split",
        ),
    ],
)
def test_splits_that_lack_a_class_are_refused(model, tmp_path, task, tune, message):
    path = _written(model.parent, {"task": {**MODEL["task"], **task}, "tune": tune})
    with pytest.raises(ConfigError, match=message):
        compare([str(path), f"{path}+fa"], out=tmp_path / "runs")


def test_a_rare_class_that_the_test_lacks_is_named(model, tmp_path):
    with (model.parent / "flowers.csv").open("a") as file:
        file.write("9.0,9.0,rare\n9.1,9.0,rare\n")
    path = _without_search(model)
    with pytest.raises(ConfigError, match=r"task.test_fraction: leaves the test split of seed 0 .* the class rare"):
        compare([str(path), f"{path}+fa"], resample=True, out=tmp_path / "runs")


def test_a_published_split_is_not_drawn_anew(model, tmp_path):
    path = _written(model.parent, {"task": {"kind": "mnist"}, "tune": None})
    with pytest.raises(ConfigError, match=r"task.kind: got 'mnist' with resample.*leave resample out.*'table'"):
        compare([str(path)], resample=True, out=tmp_path / "runs")
    refused = CliRunner().invoke(cli.app, ["compare", str(path), "--resample"])
    assert refused.exit_code == 2 and "the publisher's" in refused.stderr.replace("\n", " ")


def test_the_reference_is_one_of_the_models(compared):
    _, asked = compared
    with pytest.raises(ConfigError, match=r"reference: got 'm.bb', expected one of the models; did you mean 'm.bp'"):
        compare(**asked, reference="m+bb")
    found = compare(**asked, reference=asked["models"][1])
    assert [(each.model, each.reference) for each in found.differences] == [("m+bp", "m")]


def test_a_search_without_any_result_says_why(model, tmp_path):
    too_large = {"training": {"batch_size": [1000, 2000]}}
    path = _written(model.parent, {"tune": {"trials": 2, **too_large}})
    with pytest.raises(DataError, match=r"none of the 2 trials of m has a result, first: training.batch_size: got"):
        compare([str(path)], seeds=1, out=tmp_path / "runs")
    assert not (tmp_path / "runs" / "compare.csv").exists()


def test_a_model_with_a_search_runs_by_itself_as_without(model):
    searched = neurosim.load(model)
    assert searched.tune is not None and "tune" not in searched.resolve()
    assert searched.hash == neurosim.load(_without_search(model)).hash
    with pytest.raises(NeurosimError, match="tune: got a search beside a probe"):
        sections = {name: value for name, value in MODEL.items() if name not in ("training", "variants")}
        neurosim.load({**sections, "probe": {"kind": "update"}})


def test_models_of_one_name_are_numbered():
    assert short_names(["model", "model", "other"]) == ["model", "model-2", "other"]


def test_the_command_prints_pairs_and_verdicts(compared):
    _, asked = compared
    arguments = ["compare", *asked["models"], "--seeds", "2", "--resample", "--out", str(asked["out"])]
    result = CliRunner(env={"COLUMNS": "200"}).invoke(cli.app, [*arguments, "--reference", "m"])
    assert result.exit_code == 0, result.output
    assert result.stdout.count("finished before") == 4
    assert "verdict" in result.stdout and "too few seeds" in result.stdout and "minus m" in result.stdout
