"""The primitives as the engines apply them, against finite differences of the regularisers they descend."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import State, initial_state
from neurosim.networks import Part
from neurosim.networks.layered import Config as Network
from neurosim.rules._primitives import coefficient
from neurosim.stability.mirror import MatrixFlow

SETTING = Setting("steady", dtype="float64")
SIZES = {"below": 5, "above": 3}
TRIALS, RATE = 7, 0.3

#: Kunin et al. (2020): value of W, B and x of shape (trial, n), y = W x or its rate.
VALUES: dict[str, Callable[..., float]] = {
    "amp": lambda w, b, x, y: -np.mean(np.sum(x * (y @ b.T), axis=1)),
    "null": lambda w, b, x, y: 0.5 * np.mean(np.sum((y @ b.T) ** 2, axis=1)),
    "decay": lambda w, b, x, y: 0.5 * (np.sum(b**2) + np.sum(w**2)),
    "sparse": lambda w, b, x, y: 0.5 * np.mean(np.sum((x @ b) ** 2, axis=1) + np.sum(y**2, axis=1)),
    "self": lambda w, b, x, y: -np.trace(b @ w),
}
#: A scheme in which each primitive is found.
SCHEMES = {
    "amp": "information_alignment",
    "null": "information_alignment",
    "decay": "information_alignment",
    "sparse": "activation_alignment",
    "self": "symmetric_alignment",
}


def built(primitive: str, activation: str, **settings: Any) -> tuple[Circuit, State]:
    """A circuit in which this primitive alone moves the feedback weights."""
    module = registry.load("schemes", SCHEMES[primitive])
    neuron = {"kind": "leaky_rate", "activation": activation, "method": "rk2"}
    network = Network(
        hidden=(SIZES["below"],),
        neuron=Part.model_validate(neuron),
        output_neuron=Part.model_validate(neuron),
        readout="squared_error",
        bias=activation != "identity",
        bias_weights=0.4,
    )
    given = {"feedback_learning_rate": RATE, **settings}
    if primitive != "self":
        given["source"] = "activity"
    task: Any = SimpleNamespace(n_inputs=4, n_outputs=SIZES["above"])
    circuit = module.build(module.Config(**given), network, task)
    state = initial_state(circuit, 1)
    others = (name for name in VALUES if name != primitive)
    for name in others:
        silent = {key: np.zeros(()) for key in state if key.endswith(f".{coefficient(name)}")}
        state |= silent
    return circuit, state


def moved(circuit: Circuit, state: State) -> tuple[State, np.ndarray, np.ndarray]:
    """The state after one batch, and the activities below and above."""
    generator = np.random.default_rng(5)
    given = {
        "input.r": generator.standard_normal((TRIALS, 4)),
        "output.target": generator.standard_normal((TRIALS, SIZES["above"])),
    }
    after, outputs = BatchedEngine(circuit, SETTING).run(state, given, report=("hidden1.r", "output.r"))
    ends = outputs.ends["clean"]
    return after, ends["hidden1.r"], ends["output.r"]


def slope(value: Callable[[np.ndarray], float], at: np.ndarray, step: float = 1e-4) -> np.ndarray:
    """Central differences; exact for what is quadratic, but for rounding."""
    found = np.empty_like(at)
    for index in np.ndindex(at.shape):
        shift = np.zeros_like(at)
        shift[index] = step
        found[index] = (value(at + shift) - value(at - shift)) / (2 * step)
    return found


@pytest.mark.parametrize("activation", ["identity", "sigmoid"])
@pytest.mark.parametrize("primitive", VALUES)
def test_feedback_descends_the_primitive(primitive: str, activation: str) -> None:
    circuit, state = built(primitive, activation)
    after, x, y = moved(circuit, state)
    weights, feedback = state["W2.w"], state["B1.w"]
    strength = float(state[f"B1.{coefficient(primitive)}"])
    expected = -RATE * strength * slope(lambda b: VALUES[primitive](weights, b, x, y), feedback)
    error = np.linalg.norm(after["B1.w"] - feedback - expected) / np.linalg.norm(expected)
    assert error < 1e-6


@pytest.mark.parametrize("primitive", VALUES)
def test_symmetrised_forward_weights_descend_the_primitive(primitive: str) -> None:
    """For linear units, apart from the task's own step."""
    circuit, state = built(primitive, "identity", update_forward=True)
    after, x, _ = moved(circuit, state)
    without = {**state, f"W2.{coefficient(primitive)}": np.zeros(())}
    task_alone, _, _ = moved(circuit, without)
    weights, feedback = state["W2.w"], state["B1.w"]
    strength = float(state[f"B1.{coefficient(primitive)}"])
    expected = -RATE * strength * slope(lambda w: VALUES[primitive](w, feedback, x, x @ w.T), weights)
    step = after["W2.w"] - task_alone["W2.w"]
    assert np.linalg.norm(step - expected) / np.linalg.norm(expected) < 1e-6


def test_the_symmetrised_circuit_follows_the_matrix_flow() -> None:
    circuit, state = built("null", "identity", update_forward=True)
    amp, null, decay = 1.3, 0.7, 0.2
    for name, value in (("amp", amp), ("null", null), ("decay", decay)):
        state[f"B1.{coefficient(name)}"] = np.asarray(value)
        state[f"W2.{coefficient(name)}"] = np.asarray(value * RATE / float(state["W2.learning_rate"]))
    after, x, _ = moved(circuit, state)
    silent = {key: np.zeros(()) for key in state if key.startswith("W2.c_")}
    task_alone, _, _ = moved(circuit, {**state, **silent})
    flow = MatrixFlow(amp, decay, x.T @ x / TRIALS, SIZES["above"], null)
    forward, feedback = flow.field(state["W2.w"], state["B1.w"])
    np.testing.assert_allclose(after["W2.w"] - task_alone["W2.w"], RATE * forward, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(after["B1.w"] - state["B1.w"], RATE * feedback, rtol=1e-9, atol=1e-12)
