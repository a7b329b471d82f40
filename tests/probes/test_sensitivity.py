"""Training with random draws of metaparameters: what is drawn, what is trained, what is reported."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from neurosim.errors import CircuitError, ConfigError
from neurosim.probes import _sensitivity
from neurosim.probes.sensitivity import Config

SECTIONS: dict[str, Any] = {
    "task": {"kind": "digits"},
    "network": {"hidden": [16], "readout": "cross_entropy"},
    "scheme": {"kind": "weight_mirror", "learning_rate": 0.3},
    "engine": {"level": "steady"},
    "probe": {
        "kind": "sensitivity",
        "ranges": {"B*.c_amp": [0.5, 2.0], "W*.learning_rate": [0.3, 0.3]},
        "draws": 3,
        "warm_up": [0, 5],
        "epochs": 2,
    },
}


def test_draws_are_uniform_in_the_logarithm_and_depend_on_the_seed_alone() -> None:
    config = Config(ranges={"a": (0.1, 10.0), "b": (2.0, 2.0)}, warm_up=(0, 100))
    drawn = [_sensitivity.draw(config, 3, number) for number in range(400)]
    exponents = np.log10([values["a"] for values, _ in drawn])
    counts, _ = np.histogram(exponents, 4, (-1, 1))
    assert counts.sum() == 400 and np.all(np.abs(counts - 100) < 4.5 * 75**0.5)
    assert all(values["b"] == pytest.approx(2.0) for values, _ in drawn)
    assert {warm_up for _, warm_up in drawn} == {0, 100}
    assert drawn[7] == _sensitivity.draw(config, 3, 7) != _sensitivity.draw(config, 4, 7)


def test_numbers_are_those_of_the_curve(probe) -> None:
    found = probe(SECTIONS)
    accuracy = found.curves.validation_accuracy.values
    assert accuracy.shape == (3,) and np.all(accuracy > 50)
    assert found.numbers["fraction_above_50"] == 1 and found.numbers["fraction_diverged"] == 0
    assert found.numbers["median_accuracy"] == pytest.approx(np.median(accuracy))
    assert len(set(found.curves["B*.c_amp"].values)) == 3
    again = probe(SECTIONS, draws=1)
    assert again.curves.validation_accuracy.values[0] == accuracy[0]


def test_what_diverges_is_above_no_level(probe) -> None:
    found = probe(SECTIONS, ranges={"B*.learning_rate": [100.0, 100.0]}, draws=2, epochs=1)
    assert found.numbers["fraction_diverged"] == 1
    assert found.numbers["fraction_above_50"] == 0 and found.numbers["median_accuracy"] == 0
    assert np.isnan(found.curves.validation_accuracy.values).all()


def test_faults_are_named(probe) -> None:
    with pytest.raises(CircuitError, match=r"'B\*\.c_null' fits no number of the circuit"):
        probe(SECTIONS, ranges={"B*.c_null": [1.0, 2.0]})
    with pytest.raises(ConfigError, match="validation split"):
        probe({**SECTIONS, "task": {"kind": "teacher_student"}})
    with pytest.raises(ValidationError, match="smaller number first"):
        Config(ranges={"a": (2.0, 1.0)})
