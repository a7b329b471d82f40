"""Alignment of what feedback delivers with the true gradient, where it is known beforehand."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import State, initial_state
from neurosim.gradients.alignment import alignment, weight_angle
from neurosim.networks import Part

STEADY = Setting("steady", dtype="float64")
HIDDEN = ("hidden1", "hidden2")
Arrays = Mapping[str, np.ndarray]


@pytest.mark.parametrize("readout", ["cross_entropy", "squared_error"])
@pytest.mark.parametrize("site", ["rate", "current"])
def test_backpropagation_delivers_the_gradient(
    site: str, readout: str, build: Callable[..., Circuit], given: Arrays
) -> None:
    neuron = Part(kind="leaky_rate", noise_site=site)  # type: ignore[call-arg]
    circuit = build("backpropagation", readout=readout, neuron=neuron)
    found = alignment(circuit, STEADY, initial_state(circuit, 1), given)
    assert list(found) == [*HIDDEN, "output"]
    for layer in HIDDEN:
        numbers = found[layer]
        for name in ("signal_angle_deg", "batch_signal_angle_deg", "update_angle_deg", "weight_angle_deg"):
            assert numbers[name] == pytest.approx(0, abs=1e-5), name
        assert numbers["signal_norm_ratio"] == pytest.approx(1, abs=1e-10)
        assert numbers["signal_sign_agreement"] == 100
        assert numbers["signal_relative_error"] == pytest.approx(0, abs=1e-10)
        assert numbers["signal_r2"] == pytest.approx(1, abs=1e-10)
        assert numbers["local_angle_deg"] == pytest.approx(0, abs=1e-5)
        assert numbers["weight_norm_ratio"] == pytest.approx(1, abs=1e-10)
        assert numbers["weight_relative_error"] == 0
        assert numbers["weight_sign_agreement"] == 100
    assert found["output"]["update_angle_deg"] == pytest.approx(0, abs=1e-5)
    for name in ("weight_angle_deg", "weight_relative_error", "weight_sign_agreement", "local_angle_deg"):
        assert math.isnan(found["output"][name]), name


@pytest.mark.slow
def test_a_settled_rate_network_delivers_it_too(build: Callable[..., Circuit], given: Arrays) -> None:
    circuit = build("backpropagation", duration="500 ms")
    found = alignment(circuit, Setting("rate", 1e-3, "float64"), initial_state(circuit, 1), given)
    for layer in HIDDEN:
        assert found[layer]["signal_angle_deg"] == pytest.approx(0, abs=1e-4)
        assert found[layer]["update_angle_deg"] == pytest.approx(0, abs=1e-4)


def feedback(circuit: Circuit, state: State, **weights: np.ndarray) -> State:
    assert all(f"{name}.w" in state for name in weights)
    return state | {f"{name}.w": array for name, array in weights.items()}


def test_inverted_feedback_points_the_other_way(build: Callable[..., Circuit], given: Arrays) -> None:
    circuit = build("feedback_alignment")
    state = initial_state(circuit, 1)
    state = feedback(circuit, state, B1=-3 * state["W2.w"].T, B2=-2 * state["W3.w"].T)
    found = alignment(circuit, STEADY, state, given)
    assert found["hidden2"]["signal_angle_deg"] == pytest.approx(180, abs=1e-5)
    assert found["hidden2"]["signal_norm_ratio"] == pytest.approx(2)
    assert found["hidden2"]["signal_sign_agreement"] == 0
    # Twice inverted on the way down.
    assert found["hidden1"]["signal_angle_deg"] == pytest.approx(0, abs=1e-5)
    assert found["hidden1"]["signal_norm_ratio"] == pytest.approx(6)
    assert found["hidden1"]["update_angle_deg"] == pytest.approx(0, abs=1e-5)
    assert found["hidden2"]["update_angle_deg"] == pytest.approx(180, abs=1e-5)
    # Each pathway by itself.
    for layer, factor in (("hidden1", 3), ("hidden2", 2)):
        assert found[layer]["local_angle_deg"] == pytest.approx(180, abs=1e-5)
        assert found[layer]["weight_angle_deg"] == pytest.approx(180, abs=1e-5)
        assert found[layer]["weight_norm_ratio"] == pytest.approx(factor)
        assert found[layer]["weight_relative_error"] == pytest.approx(factor + 1)
        assert found[layer]["weight_sign_agreement"] == 0


def test_direct_feedback_through_the_product_is_exact_in_a_linear_network(
    build: Callable[..., Circuit], given: Arrays
) -> None:
    neuron = Part(kind="leaky_rate", activation="identity")  # type: ignore[call-arg]
    circuit = build("feedback_alignment", choice={"topology": "direct"}, neuron=neuron)
    state = initial_state(circuit, 1)
    product = state["W3.w"] @ state["W2.w"]
    state = feedback(circuit, state, B1=product.T, B2=state["W3.w"].T)
    for numbers in (alignment(circuit, STEADY, state, given)[layer] for layer in HIDDEN):
        assert numbers["weight_angle_deg"] == pytest.approx(0, abs=1e-5)
        assert numbers["signal_angle_deg"] == pytest.approx(0, abs=1e-5)


def test_weight_angles_in_closed_form(build: Callable[..., Circuit]) -> None:
    circuit = build("feedback_alignment")
    state = initial_state(circuit, 1)
    right = state["W3.w"].T
    across = np.random.default_rng(0).standard_normal(right.shape)
    across -= right * np.sum(across * right) / np.sum(right**2)
    across *= np.linalg.norm(right) / np.linalg.norm(across)
    for degrees in (0, 30, 90, 135, 180):
        turned = math.cos(math.radians(degrees)) * right + math.sin(math.radians(degrees)) * across
        for scale in (1.0, 1e-3):
            found = weight_angle(circuit, feedback(circuit, state, B2=scale * turned), "hidden2")
            assert found == pytest.approx(degrees, abs=1e-5)


def test_the_local_angle_is_that_of_the_same_error_through_both_matrices(
    build: Callable[..., Circuit], given: Arrays
) -> None:
    circuit = build("feedback_alignment")
    state = initial_state(circuit, 1)
    report = ("hidden2.delta", "output.delta")
    _, outputs = BatchedEngine(circuit, STEADY).run(state, given, report=report, learn=False)
    found = alignment(circuit, STEADY, state, given)
    for layer, sender, back, forth in (("hidden1", "hidden2", "B1.w", "W2.w"), ("hidden2", "output", "B2.w", "W3.w")):
        error = outputs.ends["clean"][f"{sender}.delta"]
        pairs = zip(error @ state[back].T, error @ state[forth], strict=True)
        angles = [math.degrees(math.acos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))) for a, b in pairs]
        assert found[layer]["local_angle_deg"] == pytest.approx(np.mean(angles), abs=1e-6)
    # In the last hidden layer the error is exact, so the local angle is that of the whole signal.
    assert found["hidden2"]["local_angle_deg"] == pytest.approx(found["hidden2"]["signal_angle_deg"], abs=1e-6)
    assert abs(found["hidden1"]["local_angle_deg"] - found["hidden1"]["signal_angle_deg"]) > 1


def test_random_feedback_is_near_a_right_angle(build: Callable[..., Circuit]) -> None:
    circuit = build("feedback_alignment", hidden=(100, 100))
    found = [weight_angle(circuit, initial_state(circuit, seed), "hidden1") for seed in range(10)]
    # 10,000 entries: a standard deviation of 0.57 degrees.
    assert np.all(np.abs(np.array(found) - 90) < 3)


def test_no_feedback_no_angle(build: Callable[..., Circuit]) -> None:
    circuit = build("backpropagation")
    state = initial_state(circuit, 1)
    assert math.isnan(weight_angle(circuit, state, "input"))
    assert math.isnan(weight_angle(circuit, state, "output"))
    assert weight_angle(circuit, state, "hidden1") == pytest.approx(0, abs=1e-6)


def test_a_trial_without_error_does_not_count(build: Callable[..., Circuit], given: Arrays) -> None:
    circuit = build("feedback_alignment", readout="squared_error")
    state = initial_state(circuit, 1)
    _, outputs = BatchedEngine(circuit, STEADY).run(state, given, report=("output.r",), learn=False)
    answer = np.asarray(outputs.ends[circuit.phases[0].name]["output.r"])
    right = np.concatenate([answer[:1], given["output.target"][1:]])
    found = alignment(circuit, STEADY, state, {**given, "output.target": right})
    others = {name: array[1:] for name, array in given.items()}
    expected = alignment(circuit, STEADY, state, others)
    for layer in HIDDEN:
        for name in ("signal_angle_deg", "batch_signal_angle_deg", "signal_norm_ratio"):
            assert found[layer][name] == pytest.approx(expected[layer][name], rel=1e-9), name
    everywhere = alignment(circuit, STEADY, state, {**given, "output.target": answer})
    assert all(math.isnan(everywhere[layer]["signal_angle_deg"]) for layer in HIDDEN)
