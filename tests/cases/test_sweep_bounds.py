"""Sweeps as anybody may write them: bounded before memory is taken, typed, and refused where no run has the metric."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
import tomli_w

from neurosim.errors import ConfigError
from neurosim.model_files import search_keys as keys
from neurosim.model_files.checking import Faults
from neurosim.model_files.search_keys import Range, read_keys
from neurosim.studies.sweeps.plan import read_plan
from tests.cases.run_tables import model_file

MODEL = {
    "network": {"hidden": [4]},
    "task": {"kind": "linear_regression", "n_inputs": 5, "n_train": 16, "n_validation": 8, "n_test": 8},
}
RATE = "scheme.learning_rate"


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    """The path of a model of a regression."""
    path = tmp_path_factory.mktemp("models") / "line.toml"
    sections = {**MODEL, "scheme": {"kind": "backpropagation"}, "engine": {"level": "steady"}}
    sections["network"] = {**MODEL["network"], "readout": "squared_error"}
    path.write_text(tomli_w.dumps(sections))
    return str(path)


def refusal(model: str, **tables: Any) -> str:
    about = {"model": model} | tables.pop("sweep", {})
    with pytest.raises(ConfigError) as caught:
        read_plan({"sweep": about, **tables})
    return str(caught.value)


MOST = 10_000


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({"grid": {RATE: {"low": 0.1, "high": 0.2, "count": 300_000_000}}}, "count: got 300000000"),
        ({"zip": {RATE: {"low": 0.1, "high": 0.2, "count": MOST + 1}}}, "count: got 10001"),
        ({"random": {"count": 300_000_000, RATE: [0.1]}}, "random.count: got 300000000"),
        ({"search": {"trials": 300_000_000, RATE: [0.1]}}, "search.trials: got 300000000"),
        ({"grid": {RATE: [n / 1e6 for n in range(60_000)]}}, "got 60000 values, expected at most 10000"),
        ({"zip": {RATE: [n / 1e6 for n in range(60_000)]}}, "got 60000 values, expected at most 10000"),
        ({"list": [{RATE: 0.1}] * 60_000}, "got 60000 configurations, expected at most 10000"),
        ({"grid": {f"scheme.k{n}": [1] for n in range(60_000)}}, "got more than 1000 keys"),
        ({"sweep": {"seeds": list(range(60_000))}, "grid": {RATE: [0.1]}}, "sweep.seeds"),
        ({"list": [{"bad": n} for n in range(9_000)]}, "... 8900 more"),
        ({"list": [{f"scheme.k{n}": n} for n in range(60)]}, "... 10 more"),
    ],
)
def test_what_is_too_much_is_refused_before_it_takes_memory(model, tables, expected):
    tracemalloc.start()
    try:
        assert expected in refusal(model, **tables)
        assert tracemalloc.get_traced_memory()[1] < 2**27
    finally:
        tracemalloc.stop()


def test_values_are_looked_at_once_each(monkeypatch):
    """Finding doubled values takes one comparison a value, however many there are."""
    asked = []
    monkeypatch.setattr(keys, "toml_text", lambda value: asked.append(value) or str(value))
    faults = Faults()
    read_keys({RATE: list(range(MOST))}, "grid", faults)
    assert not faults.listed and len(asked) == MOST


def test_faults_are_kept_apart_in_one_look_each():
    class Counting(str):
        looked = 0

        def startswith(self, *args: Any) -> bool:
            Counting.looked += 1
            return super().startswith(*args)

    faults = Faults()
    for number in range(5000):
        faults.add(Counting(f"grid.key{number}"), "wrong")
    faults.add("grid.key7", "again")
    faults.add("grid", "around them")
    assert len(faults.listed) == 5000 and Counting.looked == 0


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1, 1e30, "9007199254740992"),
        (-1e300, 1, "9007199254740992"),
        (1, 2**53 + 2, "9007199254740992"),
        (0.5, 3, "expected whole numbers"),
        (1, float("inf"), "finite"),
        ("1 ms", "5 ms", "expected whole numbers"),
    ],
)
def test_whole_numbers_that_cannot_be_told_apart_are_refused(model, low, high, expected):
    for kind, more in (("grid", {"count": 3}), ("random", {}), ("search", {})):
        options = {"random": {"count": 2}, "search": {"trials": 2}}.get(kind, {})
        about = {"metric": "validation_loss", "direction": "minimize"}
        table = {**options, "training.epochs": {"low": low, "high": high, "integer": True, **more}}
        assert expected in refusal(model, sweep=about, **{kind: table})


def test_the_largest_whole_numbers_are_drawn_as_they_are():
    own = Range(low=2**53 - 2, high=2**53, integer=True)
    assert {own.drawn(np.random.default_rng(seed)) for seed in range(40)} == {2**53 - 2, 2**53 - 1, 2**53}
    wide = Range(low=1, high=2**53, integer=True, log=True)
    assert all(1 <= wide.drawn(np.random.default_rng(seed)) <= 2**53 for seed in range(20))


@pytest.mark.parametrize(("low", "high"), [(-1e308, 1e308), ("-1e308 second", "1e308 second")])
def test_a_range_whose_width_overflows_is_refused(model, low, high):
    table = {RATE: {"low": low, "high": high, "count": 3}}
    assert "finite bounds" in refusal(model, grid=table)


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ({"seeds": ["a"]}, "sweep.seeds.0: got 'a', expected a valid integer"),
        ({"seeds": [1.5]}, "sweep.seeds.0: got 1.5"),
        ({"seeds": [True]}, "sweep.seeds.0: got true"),
        ({"seeds": [-1]}, "sweep.seeds.0: got -1"),
        ({"seeds": [2**63]}, "sweep.seeds.0: got 9223372036854775808"),
        ({"seeds": 3}, "sweep.seeds: got 3"),
        ({"title": 5}, "sweep.title: got 5"),
        ({"direction": "up"}, "sweep.direction: got 'up'"),
        ({"overrides": "training.epochs=1"}, "sweep.overrides: got 'training.epochs=1'"),
        ({"model": ""}, "sweep.model"),
    ],
)
def test_settings_of_a_sweep_have_types(model, about, expected):
    assert expected in refusal(model, sweep=about, grid={RATE: [0.1]})


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({"random": {"count": "many", RATE: [0.1]}}, "random.count: got 'many'"),
        ({"random": {"count": 2.5, RATE: [0.1]}}, "random.count: got 2.5"),
        ({"random": {"count": True, RATE: [0.1]}}, "random.count: got true"),
        ({"random": {"count": 2, "seed": 2**70, RATE: [0.1]}}, "random.seed: got 1180591620717411303424"),
        ({"grid": {RATE: {"low": 0.1, "high": 0.2, "count": "3"}}}, "count: got '3'"),
        ({"grid": {RATE: {"low": 0.1, "high": 0.2, "count": 3, "log": "yes"}}}, "log: got 'yes'"),
        ({"grid": {RATE: {"low": True, "high": 2, "count": 3}}}, "low"),
        ({"search": {"trials": 0, RATE: [0.1]}}, "search.trials: got 0"),
    ],
)
def test_settings_of_how_values_are_chosen_have_types(model, tables, expected):
    assert expected in refusal(model, sweep={"metric": "validation_loss", "direction": "minimize"}, **tables)


@pytest.mark.parametrize(
    ("metric", "overrides", "expected"),
    [
        ("validation_accuracy", [], "is a regression and has no accuracy"),
        ("train_accuracy", [], "is a regression and has no accuracy"),
        ("perturbed_loss", [], "needs training.evaluate_perturbed = true"),
        ("layers.hidden1.signal_angle_deg", ["training.measure_every=0"], "needs training.measure_every above 0"),
        ("layers.hidden1.gauss_newton_angle_deg", [], "needs training.gauss_newton"),
        ("layers.hidden1.loop_abscissa", [], "has no control loops"),
        ({"history": "validation_loss", "epoch": 3}, ["training.evaluate_every=5"], "evaluate_every = 5"),
        ({"history": "train_loss", "epoch": 0}, [], "expected 1 or more"),
        ({"history": "validation_loss", "epoch": 99}, [], "expected at most 20"),
    ],
)
def test_a_metric_that_no_run_will_have_is_refused_at_once(model, metric, overrides, expected):
    about = {"metric": metric, "direction": "minimize", "overrides": overrides}
    assert expected in refusal(model, sweep=about, grid={RATE: [0.1]})


@pytest.mark.parametrize("metric", ["validation_loss", "validation_accuracy", None])
def test_an_empty_validation_split_is_no_ground_to_choose_by(tmp_path, metric):
    path = model_file(tmp_path / "study")
    about: dict[str, Any] = {"overrides": ["task.validation_fraction=0.0"]}
    about |= {"metric": metric, "direction": "maximize"} if metric else {}
    message = refusal(str(path), sweep=about, grid={RATE: [0.1, 0.2]})
    assert "the validation split of 'table' is empty" in message and "in 2 of 2 configurations" in message


def test_a_number_that_a_probe_does_not_measure_is_refused(model):
    about = {"model": "podlaski2020/loops", "metric": "probe.hidden1.absissa", "direction": "minimize"}
    message = refusal(model, sweep=about, grid={"scheme.leak": [0.1]})
    assert "which 'settling' does not measure" in message and "did you mean 'abscissa'" in message
