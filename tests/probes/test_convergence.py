"""The course of the error of learned feedback against its prediction, and what all probes have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from neurosim import registry
from neurosim.engines.state import initial_state
from neurosim.probes._convergence import predicted_error
from neurosim.probes.convergence import Config

# One hidden layer, linear outputs, errors of no preferred direction: the prediction has a closed form.
ISOTROPIC: dict[str, Any] = {
    "task": {"kind": "teacher_student", "n_inputs": 10, "hidden": [8], "n_outputs": 4, "noise": 20.0, "n_train": 8000},
    "network": {"hidden": [60], "neuron": {"kind": "leaky_rate", "sigma": 0.01}, "readout": "squared_error"},
    "scheme": {"kind": "node_perturbation", "estimator": "exact_least_squares"},
    "engine": {"level": "steady", "dtype": "float64"},
    "probe": {"kind": "convergence", "marks": [640, 6400, 64_000], "batch_size": 32},
}
SAMPLES = np.array(ISOTROPIC["probe"]["marks"])


def test_the_prediction_is_the_closed_form_for_isotropic_errors(parts: Callable[..., Any]) -> None:
    engine, task = parts(ISOTROPIC)
    state = initial_state(engine.circuit, 0)
    found = predicted_error(engine.circuit, engine.setting, state, task.train, layer="hidden1")
    # (n + 1)(m + 2) for n hidden and m output neurons; expectations over a few thousand trials.
    assert found == pytest.approx(np.sqrt(61 * 6), rel=0.03)


def test_least_squares_converges_at_the_predicted_rate(probe: Callable[..., Any]) -> None:
    found = probe(ISOTROPIC)
    assert found.numbers["slope"] == pytest.approx(-0.5, abs=0.05)
    assert found.numbers["worst_ratio"] < 0.25
    errors = found.curves.weight_relative_error.sel(layer="hidden1")
    expected = np.sqrt(61 * 6 / SAMPLES)
    np.testing.assert_allclose(found.curves.predicted_relative_error, expected, rtol=0.03)
    np.testing.assert_allclose(errors, expected, rtol=0.25)
    assert found.numbers["hidden1.weight_relative_error"] == pytest.approx(float(errors[-1]))
    # With orthogonal errors the angle is the arctangent of the relative error.
    angle = np.degrees(np.arctan(float(errors[-1])))
    assert found.numbers["hidden1.weight_angle_deg"] == pytest.approx(angle, rel=0.1)
    assert 0 < found.numbers["hidden1.local_angle_deg"] < 45


@pytest.mark.slow
def test_responses_converge_faster_by_the_number_of_outputs_and_have_no_such_prediction(
    probe: Callable[..., Any],
) -> None:
    found = probe({**ISOTROPIC, "scheme": {"kind": "vector_response", "estimator": "exact_mean"}})
    assert "worst_ratio" not in found.numbers and "predicted_relative_error" not in found.curves
    expected = np.sqrt(61 / SAMPLES)
    np.testing.assert_allclose(found.curves.weight_relative_error.sel(layer="hidden1"), expected, rtol=0.25)
    assert found.numbers["slope"] == pytest.approx(-0.5, abs=0.05)


def test_marks_are_rising_multiples_of_the_batch() -> None:
    with pytest.raises(ValidationError, match=r"marks \[100\], expected multiples of the batch size 32"):
        Config(marks=(64, 100))
    with pytest.raises(ValidationError, match="expected them to rise"):
        Config(marks=(64, 32))


SHORT = {
    "convergence": {"marks": [32, 64]},
    "mirror": {"marks": [32, 64]},
    "sensitivity": {"ranges": {"W*.learning_rate": [0.01, 0.1]}, "draws": 2, "training": {"epochs": 1}},
    "cost": {"most": 20, "repetitions": 3},
    "estimate": {"draws": 30, "chunk": 10},
    "settling": {"systems": 2, "gains": 3},
    "spiking_inversion": {
        "neurons": [4],
        "settling": ["20 ms", "40 ms"],
        "background": "20 ms",
        "trials": 2,
        "draws": 1,
    },
    "update": {"draws": [1, 2], "repetitions": 2},
    "credit_in_time": {"marks": [0, 32], "trials": 4, "hops": [0, 1]},
}


@pytest.mark.parametrize("name", registry.names("probes"))
def test_every_probe_tells_how_far_it_is_and_repeats_itself(name: str, parts: Callable[..., Any]) -> None:
    classes = {"task": {"kind": "digits"}, "network": {**ISOTROPIC["network"], "readout": "cross_entropy"}}
    linear = {"kind": "leaky_rate", "activation": "identity", "tau_m": "0.5 ms"}
    loops = {
        "network": {"hidden": [6], "neuron": linear, "output_neuron": linear, "readout": "squared_error"},
        "scheme": {"kind": "dynamic_inversion", "tau_u": "1 ms", "tau_x": "1 ms", "inversion_duration": "100 ms"},
        "engine": {"level": "rate", "dt": "0.5 ms", "dtype": "float64"},
    }
    taus = {"leak": 0.2, "tau_u": "20 ms", "tau_x": "50 ms"}
    slow = {**loops, "scheme": {**loops["scheme"], **taus}}
    in_time = {
        "task": {"kind": "recurrent_teacher", "duration": "10 ms", "n_train": 64, "n_validation": 8},
        "network": {"kind": "recurrent", "hidden": [6]},
        "scheme": {"kind": "eprop", "feedback": "learned"},
        "engine": {"level": "rate", "dt": "1 ms", "dtype": "float64"},
    }
    own = {"sensitivity": classes, "settling": loops, "spiking_inversion": slow, "credit_in_time": in_time}
    engine, task = parts({**ISOTROPIC, **own.get(name, {})})
    module, told = registry.load("probes", name), []
    config = module.Config(**SHORT[name])
    with pytest.raises(ValidationError):
        module.Config(unknown=1)
    first = module.measure(config, engine, task, seed=5, on_step=lambda done, total: told.append((done, total)))
    again = module.measure(config, engine, task, seed=5)
    other = module.measure(config, engine, task, seed=6)
    done = [step for step, _ in told]
    assert done == sorted(done) and told[-1][0] == told[-1][1] and len({total for _, total in told}) == 1
    np.testing.assert_equal(dict(again.numbers), dict(first.numbers))
    if name == "settling":
        assert any(np.isfinite(value) and value != first.numbers[key] for key, value in other.numbers.items())
        return
    assert first.curves is not None and again.curves is not None and other.curves is not None
    assert first.curves.equals(again.curves)
    assert name == "cost" or not first.curves.equals(other.curves)
