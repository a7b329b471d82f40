"""Rows of expected.toml: what they mean, and every fault at once. All that ship fit."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from neurosim import registry
from neurosim.errors import ConfigError, DataError, UnknownNameError
from neurosim.studies.expected import Row, load_expected

MODEL: dict[str, Any] = {
    "task": {"kind": "digits"},
    "network": {"hidden": [6]},
    "scheme": {"kind": "node_perturbation"},
    "engine": {"level": "steady"},
    "training": {"epochs": 3},
    "variants": {"fa": {"scheme": {"kind": "feedback_alignment"}}},
}
ROW: dict[str, Any] = {
    "fact": "It learns.",
    "model": "small",
    "seeds": [0, 1],
    "name": "test_accuracy",
    "low": 80.0,
    "unit": "%",
    "source": "derived",
}


def folder(path: Path, *rows: dict[str, Any]) -> Path:
    (path / "small.toml").write_text(tomli_w.dumps(MODEL))
    (path / "expected.toml").write_text(tomli_w.dumps({"expected": list(rows)}))
    return path


def without(row: dict[str, Any], *keys: str, **more: Any) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in keys} | more


@pytest.mark.parametrize(
    "name", sorted({model.partition("/")[0] for model in [*registry.models(), *registry.circuits()]})
)
def test_every_folder_that_ships_has_rows_that_fit_its_models(name):
    claims = load_expected(name)
    assert claims
    for claim in claims:
        assert claim.row.fact.endswith(".")
        assert all(model.name.startswith(f"{name}/") for _, model in claim.readings)


@pytest.mark.parametrize(
    ("keys", "text", "met", "missed"),
    [
        ({"value": 10.0, "tolerance": 2.0}, "10 ± 2 %", (8, 10, 12), (7.9, 12.1, math.nan, math.inf)),
        ({"value": -10.0, "relative_tolerance": 0.1}, "-10 % ± 10 % of it", (-11, -9), (-11.1, -8.9, 10)),
        ({"low": 3.0}, "at least 3 %", (3, math.inf), (2.9, math.nan)),
        ({"high": 3.0, "each_seed": True}, "each at most 3 %", (3, -5), (3.1, math.nan, math.inf)),
        ({"low": 3.0, "high": 4.0}, "3 to 4 %", (3, 4), (2.9, 4.1)),
    ],
)
def test_what_is_expected(keys, text, met, missed):
    row = Row.model_validate(without(ROW, "low") | keys)
    assert row.expectation == text
    assert all(map(row.met_by, met))
    assert not any(map(row.met_by, missed))


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"high": -10.0, "unit": "deg"}, "at least 10 deg lower"),
        ({"low": 20.0, "unit": "deg"}, "at least 20 deg higher"),
        ({"low": -1.5}, "at most 1.5 points lower"),
        ({"high": 2.0, "unit": "deg"}, "at most 2 deg higher"),
        ({"low": 0.0}, "not lower"),
        ({"high": 0.0}, "not higher"),
        ({"low": -25.0, "high": -10.0}, "10 to 25 points lower"),
        ({"low": -2.0, "high": 3.0}, "2 points lower to 3 points higher"),
        ({"value": -15.1, "tolerance": 4.0, "unit": "deg"}, "15.1 ± 4 deg lower"),
        ({"value": 0.0, "tolerance": 1.0, "each_seed": True}, "each the same ± 1 points"),
        ({"high": 0.6, "relation": "ratio"}, "at most 0.6 times"),
        ({"value": 4.0, "relative_tolerance": 0.25, "relation": "ratio"}, "4 times ± 25 % of it"),
        ({"low": 0.2, "high": 0.3, "relation": "ratio", "unit": "trials"}, "0.2 to 0.3 times"),
    ],
)
def test_what_is_expected_beside_another_run_says_which_way(keys, text):
    row = Row.model_validate(without(ROW, "low", versus={"model": "b"}, relation="difference") | keys)
    assert row.expectation == text


def test_the_other_reading_takes_what_it_does_not_say_from_the_first(tmp_path):
    curve = without(ROW, "name", history="signal_angle_deg", layer="hidden1", epoch=2, relation="difference")
    rows = [
        without(ROW, versus={"variants": ["fa"]}, relation="ratio", overrides=["training.epochs=2"]),
        {**curve, "versus": {"over": "last"}},
        {**curve, "versus": {"name": "test_loss"}},
        {**curve, "versus": {"layer": "output"}, "variants": ["fa"]},
    ]
    readings: Any = [claim.readings for claim in load_expected(folder(tmp_path, *rows))]
    (one, other), (_, last), (_, loss), (_, layer) = readings
    assert one[0].name == other[0].name == "test_accuracy"
    assert (one[1].scheme_kind, other[1].scheme_kind) == ("node_perturbation", "feedback_alignment")
    assert one[1].training.epochs == other[1].training.epochs == 2
    assert (last[0].layer, last[0].over, last[0].epoch) == ("hidden1", "last", None)
    assert (loss[0].name, loss[0].history, loss[0].layer, loss[0].epoch) == ("test_loss", None, None, None)
    assert (layer[0].layer, layer[0].epoch, layer[0].variants) == ("output", 2, ("fa",))


FAULTS = [
    (without(ROW, "fact"), "expected.0.fact: missing"),
    (without(ROW, "model"), "expected.0.model: got ''"),
    (without(ROW, model="smal"), "expected.0.model: got 'smal'.*did you mean 'small'"),
    (without(ROW, model="../small"), "expected.0.model: got '../small'"),
    (without(ROW, modle="small"), "expected.0.modle: unknown key, got 'small'; did you mean 'model'"),
    (without(ROW, source="hearsay"), "expected.0.source: got 'hearsay', expected 'paper'"),
    (without(ROW, source="another implementation"), "expected.0.origin: missing, expected whose implementation it is"),
    (without(ROW, origin=""), "expected.0.origin: "),
    (without(ROW, seeds=[]), "expected.0.seeds: .*at least 1"),
    (without(ROW, seeds=[1, 1]), "expected.0.seeds: .*each seed once"),
    (without(ROW, seeds=[0.5]), "expected.0.seeds.0: got 0.5"),
    (without(ROW, value=3.0), "expected.0.value: expected either value"),
    (without(ROW, "low"), "expected.0.value: expected either value"),
    (without(ROW, "low", value=3.0), "expected.0.tolerance: expected with value"),
    (without(ROW, "low", value=3.0, tolerance=1.0, relative_tolerance=0.1), "expected.0.tolerance"),
    (without(ROW, "low", value=3.0, tolerance=-1.0), "expected.0.tolerance: got -1.0"),
    (without(ROW, tolerance=3.0), "expected.0.tolerance: expected with value"),
    (without(ROW, high=3.0), "expected.0.low: got 80, expected at most high, which is 3"),
    (without(ROW, low=math.inf), "expected.0.low: got inf, expected a finite"),
    (without(ROW, slow=True), "expected.0.minutes: missing"),
    (without(ROW, relation="ratio"), "expected.0.relation: expected together with versus"),
    (without(ROW, versus={"variants": ["fa"]}), "expected.0.relation: expected together with versus"),
    (without(ROW, versus={"seeds": [1]}, relation="ratio"), "expected.0.versus.seeds: unknown key"),
    (without(ROW, versus={"history": "train_loss"}, relation="ratio"), "expected.0.versus.epoch: expected either"),
    (without(ROW, versus={"model": "large"}, relation="ratio"), "expected.0.versus.model: got 'large'"),
    (without(ROW, versus={"name": "accuracy"}, relation="ratio"), "expected.0.versus.name: got 'accuracy'"),
    (without(ROW, over="last"), "expected.0.over: goes with history, got it with name"),
    (without(ROW, name="layers.hidden2.r2"), "expected.0.name: .*no layer 'hidden2'"),
    (without(ROW, "name", history="train_loss", over="latest"), "expected.0.over: got 'latest'"),
    (without(ROW, "name", history="test_accuracy", over="max"), "expected.0.history: .*training.evaluate_test = true"),
    (without(ROW, variants=["fb"]), "expected.0.variants: unknown variant of small 'fb': there are fa"),
    (without(ROW, overrides=["training.epoch=3"]), "expected.0.model: small: 1 fault\n.*did you mean 'epochs'"),
]


@pytest.mark.parametrize(("row", "message"), FAULTS)
def test_a_row_that_does_not_fit_is_refused_with_its_key(tmp_path, row, message):
    with pytest.raises(ConfigError, match=message):
        load_expected(folder(tmp_path, row))


def test_all_faults_of_all_rows_come_in_one_report(tmp_path):
    rows = [without(ROW, "low", name="accuracy"), ROW, without(ROW, model="x"), without(ROW, name="loss", slow=True)]
    with pytest.raises(ConfigError) as caught:
        load_expected(folder(tmp_path, *rows))
    report = str(caught.value)
    assert "3 faults" in report
    assert all(key in report for key in ("expected.0.value", "expected.2.model", "expected.3.minutes"))


def test_files_that_are_no_rows(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        load_expected(tmp_path)
    folder(tmp_path)
    assert load_expected(tmp_path) == ()
    (tmp_path / "expected.toml").write_text("expectd = []\nexpected = 3\n")
    with pytest.raises(ConfigError, match=r"(?s)expectd: unknown table; did you mean 'expected'.*expected: got 3"):
        load_expected(tmp_path)
    (tmp_path / "expected.toml").write_text("expected = [3]\n")
    with pytest.raises(ConfigError, match=r"expected.0: got 3, expected a table"):
        load_expected(tmp_path)


def test_names_of_folders_and_of_models_in_them(tmp_path):
    path = folder(tmp_path, ROW)
    (path / "other.toml").write_text(tomli_w.dumps(MODEL))
    assert len(load_expected(path)) == len(load_expected(path / "small.toml")) == 1
    assert load_expected(path / "other.toml") == ()
    assert {claim.row.model for claim in load_expected("lansdell2020/digits")} == {"digits"}
    with pytest.raises(UnknownNameError, match="did you mean 'lansdell2020'"):
        load_expected("lansdel2020")
    with pytest.raises(UnknownNameError, match="did you mean 'lansdell2020/digits'"):
        load_expected("lansdell2020/digit")
