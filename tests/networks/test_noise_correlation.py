"""Noise that the neurons of a layer share, and what learned feedback makes of it."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import Setting
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.state import initial_state
from neurosim.errors import ConfigError
from neurosim.model_files.model_file import load

MODEL = {
    "task": {"kind": "teacher_student", "n_inputs": 2, "hidden": [3], "n_outputs": 2},
    "network": {"hidden": [5, 3], "noise_correlation": 0.3, "readout": "squared_error"},
    "scheme": {"kind": "node_perturbation"},
    "engine": {"level": "steady"},
}
TRIALS = 4000


def test_neurons_of_a_layer_share_as_much_of_their_noise_as_asked() -> None:
    circuit = load(MODEL).circuit
    stimuli = {"input.r": np.ones((TRIALS, 2)), "output.target": np.ones((TRIALS, 2))}
    engine = BatchedEngine(circuit, Setting(level="steady", dtype="float64"))
    names = ("hidden1.noise", "hidden2.noise")
    _, outputs = engine.run(initial_state(circuit, 0), stimuli, report=names, learn=False)
    noise = np.concatenate([np.asarray(outputs.ends["perturbed"][name], dtype=float) for name in names], axis=1)
    wanted = np.eye(8)
    wanted[:5, :5] += 0.3 * (1 - np.eye(5))
    wanted[5:, 5:] += 0.3 * (1 - np.eye(3))
    # Standard errors are at most sqrt(2/4000).
    np.testing.assert_allclose(np.cov(noise.T), wanted, atol=0.1)
    np.testing.assert_allclose(np.mean(noise, axis=0), 0, atol=0.07)


def test_both_engines_draw_the_same() -> None:
    brief = {"kind": "node_perturbation", "duration": "1 ms", "perturbed_duration": "1 ms"}
    circuit, found = load({**MODEL, "scheme": brief, "engine": {"level": "rate"}}).circuit, []
    stimuli = {"input.r": np.ones((2, 2)), "output.target": np.ones((2, 2))}
    for engine in (BatchedEngine, BrianEngine):
        made = engine(circuit, Setting(level="rate", dt=0.001, dtype="float64"))
        _, outputs = made.run(initial_state(circuit, 0), stimuli, report=("hidden1.noise",), learn=False)
        found.append(np.asarray(outputs.ends["perturbed"]["hidden1.noise"]))
    np.testing.assert_allclose(*found, rtol=1e-6)


@pytest.mark.parametrize("correlation", [1.0, -0.1])
def test_impossible_correlations_are_refused(correlation: float) -> None:
    with pytest.raises(ConfigError, match=r"network\.noise_correlation"):
        load({**MODEL, "network": {"hidden": [5], "noise_correlation": correlation}})


def test_without_correlation_a_model_is_what_it_was() -> None:
    plain = {**MODEL, "network": {key: value for key, value in MODEL["network"].items() if key != "noise_correlation"}}
    zero = {**MODEL, "network": {**MODEL["network"], "noise_correlation": 0.0}}
    assert load(plain).hash == load(zero).hash != load(MODEL).hash


@pytest.mark.parametrize("estimator", ["growing_memory", "normalised_lms", "true_gradient"])
def test_an_estimator_keeps_what_the_network_adds_to_a_layer(estimator: str) -> None:
    network = {**MODEL["network"], "update_limit": 1.0}
    circuit = load({**MODEL, "network": network, "scheme": {**MODEL["scheme"], "estimator": estimator}}).circuit
    assert {"error_power", "all_drawn"} <= set(circuit.population["hidden1"].sums)
    assert "exact" in circuit.population["hidden1"].equations or estimator != "true_gradient"


@pytest.mark.parametrize("scheme", ["weight_mirror", "continuous_node_perturbation", "backpropagation"])
def test_schemes_without_such_noise_refuse_it(scheme: str) -> None:
    with pytest.raises(ConfigError, match=f"with scheme '{scheme}' no noise of hidden neurons is held through a phase"):
        _ = load({**MODEL, "scheme": {"kind": scheme}}).circuit
