"""Gauss-Newton updates against dense least squares, a closed form, and their limits."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.engines.setting import Setting
from neurosim.engines.state import State, initial_state
from neurosim.errors import ConfigError
from neurosim.gradients.alignment import alignment
from neurosim.gradients.gauss_newton_update import GaussNewtonUpdates, gauss_newton_updates
from neurosim.gradients.true_gradient import true_gradients
from neurosim.gradients.update_angles import update_angles
from neurosim.metrics import angle
from neurosim.networks import Part

STEADY = Setting("steady", dtype="float64")
Arrays = Mapping[str, np.ndarray]
Build = Callable[..., Circuit]


def answer(state: Arrays, x: np.ndarray, activation: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The answers of a network with one hidden layer, (trial, output)."""
    hidden = activation(x @ state["W1.w"].T + state["b1.w"][:, 0])
    return hidden @ state["W2.w"].T + state["b2.w"][:, 0]


def jacobian(names: list[str], state: Arrays, x: np.ndarray, activation: Any) -> np.ndarray:
    """By central differences, (trial*output, weights in the order of the names)."""
    columns = []
    for name in names:
        for index in np.ndindex(*state[name].shape):
            moved = []
            for sign in (1, -1):
                changed = state[name].copy()
                changed[index] += sign * 1e-5
                moved.append(answer({**state, name: changed}, x, activation))
            columns.append((moved[0] - moved[1]).ravel() / 2e-5)
    return np.array(columns).T


def dense(j: np.ndarray, error: np.ndarray, damping: float, trials: int) -> np.ndarray:
    """In the space of weights, by least squares over rows of J and of the damping."""
    rows = np.concatenate([j / np.sqrt(trials), np.sqrt(damping) * np.eye(j.shape[1])])
    return np.linalg.lstsq(rows, np.concatenate([error.ravel() / np.sqrt(trials), np.zeros(j.shape[1])]), rcond=None)[0]


def parts(names: list[str], updates: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([updates[name].ravel() for name in names])


@pytest.fixture
def network(build: Build) -> Callable[[str], tuple[Circuit, State]]:
    def network(activation: str) -> tuple[Circuit, State]:
        neuron = Part.model_validate({"kind": "leaky_rate", "activation": activation})
        circuit = build("backpropagation", readout="squared_error", neuron=neuron, hidden=(5,))
        return circuit, initial_state(circuit, 1)

    return network


LAYERS = [["W1.w", "b1.w"], ["W2.w", "b2.w"]]
NAMES = [name for names in LAYERS for name in names]
ACTIVATIONS = {"identity": lambda a: a, "tanh": np.tanh}


@pytest.mark.parametrize("damping", [0.0, 0.05])
@pytest.mark.parametrize("trials", [1, 3])
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_updates_are_those_of_dense_least_squares(
    activation: str, trials: int, damping: float, network: Callable[[str], tuple[Circuit, State]], given: Arrays
) -> None:
    circuit, state = network(activation)
    stimuli = {name: array[:trials] for name, array in given.items()}
    x, target = stimuli["input.r"], stimuli["output.target"]
    error = answer(state, x, ACTIVATIONS[activation]) - target
    found = gauss_newton_updates(circuit, STEADY, state, stimuli, damping=damping)

    def expected(names: list[str], k: slice = slice(None)) -> np.ndarray:
        return dense(jacobian(names, state, x[k], ACTIVATIONS[activation]), error[k], damping, len(x[k]))

    close: dict[str, Any] = {"rtol": 1e-5, "atol": 1e-8}
    np.testing.assert_allclose(parts(NAMES, found.together), expected(NAMES), **close)
    for names in LAYERS:
        np.testing.assert_allclose(parts(names, found.by_layer), expected(names), **close)
    alone = np.mean([expected(NAMES, slice(k, k + 1)) for k in range(trials)], axis=0)
    np.testing.assert_allclose(parts(NAMES, found.by_trial), alone, **close)
    if trials > 1:
        assert angle.measure(parts(NAMES, found.together), alone) > 1


def test_one_trial_through_a_linear_network_in_closed_form(build: Build, given: Arrays) -> None:
    # v = (|x|^2 W2 W2^T + |h|^2 + d)^-1 e; the updates are W2^T v x^T and v h^T.
    neuron = Part.model_validate({"kind": "leaky_rate", "activation": "identity"})
    circuit = build("backpropagation", readout="squared_error", neuron=neuron, hidden=(5,), bias=False)
    state = initial_state(circuit, 2)
    stimuli = {name: array[:1] for name, array in given.items()}
    (x,), (target,), w1, w2 = stimuli["input.r"], stimuli["output.target"], state["W1.w"], state["W2.w"]
    h = w1 @ x
    v = np.linalg.solve(x @ x * w2 @ w2.T + (h @ h + 0.1) * np.eye(len(target)), w2 @ h - target)
    found = gauss_newton_updates(circuit, STEADY, state, stimuli, damping=0.1).together
    np.testing.assert_allclose(found["W1.w"], np.outer(w2.T @ v, x), rtol=1e-10)
    np.testing.assert_allclose(found["W2.w"], np.outer(v, h), rtol=1e-10)


def test_much_damping_leaves_the_gradient(network: Callable[[str], tuple[Circuit, State]], given: Arrays) -> None:
    circuit, state = network("tanh")
    gradient = parts(NAMES, true_gradients(circuit, STEADY, state, given).weights)
    for field in dataclasses.fields(GaussNewtonUpdates):
        angles = []
        for damping in (0.1, 1e6):
            updates = gauss_newton_updates(circuit, STEADY, state, given, damping=damping)
            angles.append(angle.measure(parts(NAMES, getattr(updates, field.name)), gradient))
        assert angles[1] < 1e-3 < 1 < angles[0]
        np.testing.assert_allclose(1e6 * parts(NAMES, getattr(updates, field.name)), gradient, rtol=1e-3, atol=1e-6)


def test_a_step_removes_the_error_of_a_linear_layer(
    network: Callable[[str], tuple[Circuit, State]], given: Arrays
) -> None:
    # Three trials through five hidden units: there are weights that answer all of them.
    circuit, state = network("tanh")
    step = gauss_newton_updates(circuit, STEADY, state, given, damping=0.0).by_layer
    moved = state | {name: state[name] - step[name] for name in LAYERS[1]}
    np.testing.assert_allclose(answer(moved, given["input.r"], np.tanh), given["output.target"], atol=1e-9)


def test_every_pathway_and_every_layer_has_its_angles(build: Build, given: Arrays) -> None:
    circuit = build("backpropagation", readout="squared_error")
    state = initial_state(circuit, 1)
    layers = alignment(circuit, STEADY, state, given, gauss_newton=0.05)
    found = update_angles(circuit, STEADY, state, given, gauss_newton=0.05)
    assert list(found) == ["W1", "b1", "W2", "b2", "W3", "b3"]
    updates = gauss_newton_updates(circuit, STEADY, state, given, damping=0.05)
    gradient = true_gradients(circuit, STEADY, state, given).weights
    for name, numbers in found.items():
        key = f"{name}.w"
        assert numbers["update_angle_deg"] == pytest.approx(0, abs=1e-5)
        expected = angle.measure(gradient[key].ravel(), updates.together[key].ravel())
        assert numbers["update_gauss_newton_angle_deg"] == pytest.approx(expected, abs=1e-6)
    for layer, names in {"hidden1": ["W1.w", "b1.w"], "output": ["W3.w", "b3.w"]}.items():
        for number, field in (("trial", updates.by_trial), ("layer", updates.by_layer)):
            expected = angle.measure(parts(names, gradient), parts(names, field))
            assert layers[layer][f"update_{number}_gauss_newton_angle_deg"] == pytest.approx(expected, abs=1e-6)
            assert expected > 1
    assert "update_gauss_newton_angle_deg" not in alignment(circuit, STEADY, state, given)["output"]


def test_dynamic_inversion_learns_what_its_layer_alone_would_by_gauss_newton(build: Build, given: Arrays) -> None:
    # One trial, linear: the fixed point with a leak is the layer's update if the damping is the leak times |x|^2.
    neuron = Part.model_validate({"kind": "leaky_rate", "activation": "identity"})
    settings = {"readout": "squared_error", "neuron": neuron, "bias": False, "hidden": (6,)}
    circuit = build("nondynamic_inversion", choice={"leak": 0.1}, **settings)
    stimuli = {name: array[:1] for name, array in given.items()}
    power = float(np.sum(stimuli["input.r"] ** 2))
    found, state = {}, initial_state(circuit, 1)
    for factor in (1.0, 10.0):
        found[factor] = alignment(circuit, STEADY, state, stimuli, gauss_newton=0.1 * factor * power)["hidden1"]
    assert found[1.0]["update_layer_gauss_newton_angle_deg"] < 1e-5
    assert found[10.0]["update_layer_gauss_newton_angle_deg"] > 1 < found[1.0]["update_angle_deg"]


@pytest.mark.slow
def test_spikes_are_differentiated_as_for_the_gradient(build: Build, given: Arrays) -> None:
    circuit = build("backpropagation", duration="40 ms", neuron=Part(kind="lif"), weights=6.0, readout="squared_error")
    state, setting = initial_state(circuit, 0), Setting("spiking", 1e-3, "float64")
    gradient = true_gradients(circuit, setting, state, given).weights
    updates = gauss_newton_updates(circuit, setting, state, given, damping=1e9).together
    assert np.abs(gradient["W1.w"]).max() > 0
    for name, array in updates.items():
        assert angle.measure(array.ravel(), gradient[name].ravel()) < 0.01


def test_a_system_that_is_too_large_is_refused_before_it_is_made(build: Build, given: Arrays) -> None:
    circuit = build("backpropagation")
    many = {name: np.repeat(array, 400, axis=0) for name, array in given.items()}
    message = "got 1200 trials with 4 outputs, a system of 4800 rows; expected at most 4096: .* at most 1024 trials"
    with pytest.raises(ConfigError, match=message):
        gauss_newton_updates(circuit, STEADY, initial_state(circuit, 0), many, damping=0.1)
