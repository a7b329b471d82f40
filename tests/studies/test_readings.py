"""Readings of runs: hand-made histories with known answers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import xarray

from neurosim.errors import DataError
from neurosim.gradients.alignment import GAUSS_NEWTON_NUMBERS, MEASURES
from neurosim.gradients.loops import LOOP_NUMBERS
from neurosim.model_files.model_file import load
from neurosim.runs.run import train
from neurosim.studies.availability import unavailable
from neurosim.studies.readings import Reading, complaints, over, read, slope
from neurosim.training.history import QUANTITIES, EpochReport, history_of

NAN = math.nan
TINY: dict[str, Any] = {
    "task": {"kind": "digits"},
    "network": {"hidden": [5]},
    "scheme": {"kind": "node_perturbation"},
    "engine": {"level": "steady"},
    "training": {"epochs": 1, "measure_trials": 8, "batch_size": 32},
}


def _report(epoch: int, accuracy: float, angle: float) -> EpochReport:
    layers = {} if math.isnan(angle) else {"hidden1": {"signal_angle_deg": angle}}
    return EpochReport(epoch, 4, validation_accuracy=accuracy, layers=layers, presentations=100 * epoch)


@pytest.fixture
def history() -> xarray.Dataset:
    accuracies, angles = (10.0, 50.0, 90.0, 80.0, 95.0), (90.0, 60.0, NAN, 40.0, 30.0)
    return history_of([_report(epoch, *pair) for epoch, pair in enumerate(zip(accuracies, angles, strict=True))])


def value(history: xarray.Dataset, /, **keys: Any) -> float:
    return read(Reading(**keys), {}, history)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"epoch": 2}, 90),
        ({"epoch": (1, 3)}, (50 + 90 + 80) / 3),
        ({"over": "last"}, 95),
        ({"over": "min"}, 10),
        ({"over": "max"}, 95),
        ({"over": "mean"}, 65),
        ({"over": "first_above", "level": 90}, 200),
        ({"over": "first_above", "level": 5}, 0),
        ({"over": "first_above", "level": 99}, math.inf),
        ({"over": "first_below", "level": 9}, math.inf),
    ],
)
def test_a_curve_gives_the_number_that_is_asked_for(history, keys, expected):
    assert value(history, history="validation_accuracy", **keys) == expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"over": "last"}, 30),
        ({"over": "mean"}, 55),
        ({"over": "first_below", "level": 60}, 100),
        ({"over": "first_below", "level": 45}, 300),
        ({"epoch": (1, 3)}, 50),
    ],
)
def test_what_was_not_measured_is_left_out(history, keys, expected):
    assert value(history, history="signal_angle_deg", layer="hidden1", **keys) == expected


def test_the_slope_of_a_power_law_is_its_exponent():
    presentations = np.array([32.0, 64, 96, 320, 1000, 5000])
    for exponent in (-0.5, 0, 1.25):
        assert slope(presentations, 3 * presentations**exponent) == pytest.approx(exponent, abs=1e-12)
    reports = [
        EpochReport(epoch, 9, validation_loss=7.0 * (epoch * 50) ** -0.5 if epoch else 3.0, presentations=50 * epoch)
        for epoch in range(10)
    ]
    # Epoch 0, which has no logarithm, does not count.
    assert value(history_of(reports), history="validation_loss", over="slope") == pytest.approx(-0.5, abs=1e-12)


def test_every_stretch_of_the_logarithm_weighs_the_same():
    """A power law of slope -1 over the first decade and 0 over the second: as a line, -1/2 on average.

    For a kink in the middle the least-squares line has -1/2 exactly. Of 1000 points equally spaced in the
    abscissa nine tenths lie in the second decade, and a plain fit would give nearly 0.
    """
    x = np.linspace(1, 100, 1000)
    y = np.where(x < 10, 10 / x, 1.0)
    assert slope(x, y) == pytest.approx(-0.5, abs=2e-3)
    assert np.polyfit(np.log(x), np.log(y), 1)[0] > -0.3


def test_slopes_that_do_not_exist():
    assert math.isnan(slope(np.array([1.0, 2.0]), np.array([1.0, 0.0])))
    assert math.isnan(slope(np.array([0.0, 2.0]), np.array([1.0, 1.0])))
    assert math.isnan(slope(np.array([]), np.array([])))


def test_curves_of_probes_have_their_own_abscissa():
    error = xarray.DataArray([1.0, 0.1, 0.01], dims="samples", coords={"samples": [10, 100, 1000]})
    assert over(error, "slope") == pytest.approx(-1)
    assert over(error, "first_below", 0.1) == 100
    nothing = xarray.DataArray([NAN], dims="samples", coords={"samples": [10]})
    assert all(math.isnan(over(nothing, how, 1.0)) for how in ("last", "mean", "slope", "first_below"))


def test_numbers_of_a_summary():
    summary = {"test_accuracy": 90.0, "layers": {"hidden1": {"r2": None}}, "epochs": 3, "title": "x", "local": True}
    empty = xarray.Dataset()
    assert read(Reading(name="test_accuracy"), summary, empty) == 90
    assert math.isnan(read(Reading(name="layers.hidden1.r2"), summary, empty))
    for name, message in (
        ("test_acuracy", "no 'test_acuracy'; did you mean 'test_accuracy'"),
        ("layers.hidden2.r2", "no 'layers.hidden2.r2'; .*hidden1"),
        ("test_accuracy.mean", "no 'test_accuracy.mean'"),
        ("title", "no number"),
        ("local", "no number"),
    ):
        with pytest.raises(DataError, match=message):
            read(Reading(name=name), summary, empty)


def test_curves_that_are_not_there(history):
    for keys, message in (
        ({"history": "validation_los", "over": "last"}, "did you mean 'validation_loss'"),
        ({"history": "signal_angle_deg", "over": "last"}, "dims epoch, layer, expected one"),
        ({"history": "signal_angle_deg", "over": "last", "layer": "hidden3"}, "no layer 'hidden3'"),
        ({"history": "signal_angle_deg", "epoch": 2, "layer": "hidden1"}, "not measured in epoch 2"),
    ):
        with pytest.raises(DataError, match=message):
            value(history, **keys)


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ({}, "name"),
        ({"name": "a", "history": "b"}, "name"),
        ({"name": "a", "layer": "b", "epoch": 3}, "layer"),
        ({"history": "b"}, "epoch"),
        ({"history": "b", "epoch": 3, "over": "last"}, "epoch"),
        ({"history": "b", "epoch": (3, 2)}, "epoch"),
        ({"history": "b", "over": "first_below"}, "level"),
        ({"history": "b", "over": "last", "level": 3.0}, "level"),
    ],
)
def test_keys_that_do_not_go_together(keys, where):
    assert complaints(Reading(**keys))[0][0] == where


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"name": "test_acc"}, "expected layers.<layer>.<number> or one of"),
        ({"name": "layers.hidden2.signal_angle_deg"}, "no layer 'hidden2'; did you mean 'hidden1'"),
        ({"name": "layers.hidden1.signal_angel_deg"}, "did you mean 'signal_angle_deg'"),
        ({"name": "probe.slope"}, "expected layers"),
        ({"history": "signal_angel_deg", "over": "last"}, "did you mean 'signal_angle_deg'"),
        ({"history": "signal_angle_deg", "over": "last"}, "of a layer, which is missing"),
        ({"history": "train_loss", "over": "last", "layer": "hidden1"}, "of no layer"),
        ({"history": "signal_angle_deg", "over": "last", "layer": "hiden1"}, "did you mean 'hidden1'"),
        ({"history": "train_loss", "epoch": 2}, "got 2, expected at most 1"),
    ],
)
def test_what_a_model_cannot_give_is_known_before_it_runs(keys, message):
    found = unavailable(Reading(**keys), load(TINY))
    assert found is not None and message in found[1]


def test_what_is_said_to_be_measured_is_what_a_run_has(tmp_path):
    run = train(TINY, out=tmp_path / "run")
    # What loops have, only runs with loops have; Gauss-Newton directions have to be asked for.
    measures = set(MEASURES) - {*LOOP_NUMBERS, *GAUSS_NEWTON_NUMBERS}
    assert set(run.history) == {*QUANTITIES, *measures}
    assert set(run.summary["layers"]["hidden1"]) == measures
    model = load(TINY)
    for layer in run.history.layer.values:
        for measure in measures:
            assert unavailable(Reading(history=measure, layer=layer, over="last"), model) is None
            name = f"layers.{layer}.{measure}"
            assert unavailable(Reading(name=name), model) is None
            read(Reading(name=name), run.summary, run.history)
    for name in ("test_accuracy", "test_loss", "samples_per_second", "wall_s"):
        assert unavailable(Reading(name=name), model) is None
        assert read(Reading(name=name), run.summary, run.history) > 0
    # 1294 of 1797 digits are for training; a batch that is not full is left out.
    assert run.history.presentations.values.tolist() == [0, 1294 // 32 * 32]
