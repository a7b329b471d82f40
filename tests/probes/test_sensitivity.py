"""The probe `sensitivity`: what it draws, that it trains with it, and what it counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim.errors import ConfigError
from neurosim.model_files.engine_section import make_engine
from neurosim.model_files.model_file import Model, load
from neurosim.probes._learning import seed_of_repetition
from neurosim.probes._sensitivity import draws, matching
from neurosim.probes.sensitivity import Config
from neurosim.runs.run import train as run_model

MODEL: dict[str, Any] = {
    "task": {"kind": "digits"},
    "network": {"hidden": [12, 8]},
    "scheme": {"kind": "weight_mirror"},
    "engine": {"level": "steady"},
    "probe": {
        "kind": "sensitivity",
        "draws": 3,
        "warm_up": [0, 1],
        "ranges": {"B*.learning_rate": [1e-3, 0.1], "*.mirror_sd": [0.5, 2.0]},
        "training": {"epochs": 2},
    },
}


def model(**probe: Any) -> Model:
    return load({**MODEL, "probe": {**MODEL["probe"], **probe}})


def config(**probe: Any) -> Config:
    found = model(**probe).probe_config
    assert isinstance(found, Config)
    return found


def engine(checked: Model) -> Any:
    return make_engine(checked.engine, checked.circuit)


def test_draws_lie_in_their_ranges_evenly_on_a_logarithmic_scale_and_depend_on_the_seed_alone() -> None:
    many = config(draws=4000)
    found = draws(many, 1)
    places = np.log(found["B*.learning_rate"] / 1e-3) / np.log(100)
    assert places.min() >= 0 and places.max() <= 1
    assert np.histogram(places, 4)[0] == pytest.approx(1000, abs=120)
    assert set(found["warm_up"]) == {0, 1}
    assert np.array_equal(draws(many, 1)["*.mirror_sd"], found["*.mirror_sd"])
    assert not np.array_equal(draws(many, 2)["*.mirror_sd"], found["*.mirror_sd"])


def test_a_pattern_means_all_parameters_that_fit() -> None:
    found = matching(engine(model()), ["B*.learning_rate", "*.mirror_sd"])
    assert found["B*.learning_rate"] == ("B1.learning_rate", "B2.learning_rate")
    assert set(found["*.mirror_sd"]) == {"hidden1.mirror_sd", "hidden2.mirror_sd"}


def test_a_pattern_that_fits_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"probe\.ranges: 'B\*\.rate' fits no parameter .* near: "):
        matching(engine(model()), ["B*.rate"])


def test_a_draw_is_what_training_with_its_settings_gives(tmp_path) -> None:
    measured = run_model(model(draws=2), seed=3, out=tmp_path / "probe")
    drawn = draws(config(draws=2), 3)
    for number in range(2):
        rate, sd, warm_up = (values[number] for values in drawn.values())
        settings = {"feedback_learning_rate": float(rate), "noise_sd": float(sd)}
        trained = {name: section for name, section in MODEL.items() if name != "probe"} | {
            "scheme": {"kind": "weight_mirror", **settings},
            "training": {"epochs": 2 + int(warm_up), "feedback_warm_up": int(warm_up), "measure_every": 0},
        }
        run = run_model(trained, seed=seed_of_repetition(3, number), out=tmp_path / str(number))
        assert run.history.validation_accuracy.values[-1] == measured.history.accuracy.values[number]


def test_what_diverges_counts_as_guessing() -> None:
    from neurosim.probes._sensitivity import _summary

    found = _summary(np.array([np.nan, 60.0, 95.0, 10.0]), 10.0, [50, 90])
    assert found == {"above_50": 50.0, "above_90": 25.0, "diverged": 25.0, "mean": 43.75, "median": 35.0}


@pytest.mark.slow
def test_the_best_are_carried_over_to_the_other_network(tmp_path) -> None:
    transfer = {"network": {"hidden": [9, 8, 7]}, "best": 2, "seeds": 2}
    checked = model(transfer=transfer)
    assert checked.further["transfer"].resolve()["network"]["hidden"] == [9, 8, 7]
    run = run_model(checked, seed=0, out=tmp_path / "run")
    accuracy = run.history.accuracy.values
    chosen = run.history.chosen_draw.values
    assert run.history.transfer_accuracy.shape == (2, 2)
    assert set(chosen) == set(np.argsort(-accuracy, kind="stable")[:2])
    assert run.summary["probe"]["transfer.mean"] == pytest.approx(float(run.history.transfer_accuracy.mean()))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ranges": {"B*.c_amp": [2.0, 1.0]}}, "expected the lower end first"),
        ({"ranges": {}}, "probe.ranges"),
        ({"transfer": {"network": {"hiden": [3]}, "best": 1}}, r"probe\.transfer\.network\.hiden"),
        ({"transfer": {"network": {}, "best": 4}}, "expected at most the 3 draws"),
        ({"training": {"feedback_warm_up": 1}}, "expected it as warm_up of the probe"),
    ],
)
def test_faults_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        model(**changes)
