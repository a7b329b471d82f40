"""Feedback that is learned over time: alike on both engines, and where it comes to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.state import State, initial_state
from neurosim.errors import ConfigError
from neurosim.networks import Part, recurrent
from neurosim.schemes import eprop
from tests.schemes import in_time

SIZE, STEPS, A = 16, 30, 0.2
NEURON: dict[str, Any] = {"kind": "leaky_rate", "tau_m": "5 ms", "sigma": 0.01}
TASK: Any = SimpleNamespace(n_inputs=3, n_outputs=2, steps=STEPS, dt=in_time.DT)


def built(config: dict[str, Any], **settings: Any) -> Circuit:
    given = {"hidden": (SIZE,), "gain": 0.8, "autapses": True, **settings}
    given.setdefault("neuron", Part.model_validate(NEURON))
    return eprop.build(eprop.Config(**config), recurrent.Config.model_validate(given), TASK)


@pytest.mark.parametrize(
    ("feedback", "baseline"),
    [
        ("learned", "clean"),
        ("mirror", "running"),
        pytest.param("learned", "running", marks=pytest.mark.slow),
        pytest.param("mirror", "clean", marks=pytest.mark.slow),
    ],
)
def test_both_engines_learn_alike(feedback: str, baseline: str) -> None:
    task = {"duration": "13 ms"}
    circuit = built({"feedback": feedback, "baseline": baseline, **task}, hidden=(5,), autapses=False, initial=0.3)
    (batched, _), (brian, _) = (
        in_time.changes(circuit, in_time.trials(), engine)[1:] for engine in (BatchedEngine, BrianEngine)
    )
    for name in circuit.phases[0].learn:
        np.testing.assert_allclose(batched[name], brian[name], rtol=1e-9, atol=1e-15, err_msg=name)
        assert np.abs(batched[name]).max() > 1e-5, name


def trials(count: int, seed: int) -> dict[str, np.ndarray]:
    """Slow inputs, and what another network of the same kind makes of them."""
    drawn, own = np.random.default_rng(seed), np.random.default_rng(5)
    fresh = drawn.normal(size=(count, STEPS, 3))
    recurrence, into = 0.8 * own.normal(size=(SIZE, SIZE)) / SIZE**0.5, own.normal(size=(SIZE, 3)) / 3**0.5
    out = own.normal(size=(2, SIZE)) / SIZE**0.5
    x, y = np.zeros((count, STEPS, 3)), np.zeros((count, STEPS, 2))
    u, last = np.zeros((count, SIZE)), np.zeros((count, 3))
    for step in range(STEPS):
        last = 0.9 * last + 0.19**0.5 * fresh[:, step] if step else 0.19**0.5 * fresh[:, step]
        x[:, step] = last
        u = u + A * (np.tanh(u) @ recurrence.T + last @ into.T - u)
        y[:, step] = np.tanh(u) @ out.T
    return {"x": x, "target": y, "mask": np.full((count, STEPS, 1), 1 / STEPS)}


def degrees(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.sum(a * b) / np.linalg.norm(a) / np.linalg.norm(b))))


def learned(gamma: float, updates: int) -> tuple[Circuit, State]:
    """Feedback that has learned beside weights that stay."""
    rates = {"learning_rate": 0.0, "output_learning_rate": 0.0, "feedback_learning_rate": 0.1}
    circuit = built({"feedback": "learned", "gamma": gamma, **rates})
    engine, state = BatchedEngine(circuit, in_time.SETTING), initial_state(circuit, 0)
    for update in range(updates):
        state, _ = engine.run(state, in_time.stimuli(trials(48, update)), first=48 * update)
    return circuit, state


def update_angle(circuit: Circuit, state: State, feedback: np.ndarray) -> float:
    """Between the update of the recurrent weights with this feedback and the gradient through time."""
    given = trials(256, 10**6)
    exact = in_time.rate_loss(np.zeros(SIZE), A, truncated=False)
    _, slopes = in_time.gradients(exact, in_time.matrices(circuit, state), given)
    plain = built({"feedback": "random", "learning_rate": 1.0})
    start = {name: state.get(name, value) for name, value in initial_state(plain, 0).items()} | {"B1.w": feedback}
    after, _ = BatchedEngine(plain, in_time.SETTING).run(start, in_time.stimuli(given))
    return degrees(start["R1.w"] - after["R1.w"], slopes["R1"])


def test_without_a_horizon_feedback_comes_to_the_transposed_readout() -> None:
    circuit, state = learned(0.0, 60)
    assert degrees(state["B1.w"], state["Wout.w"].T) < 6
    symmetric = update_angle(circuit, state, state["Wout.w"].T)
    assert abs(update_angle(circuit, state, state["B1.w"]) - symmetric) < 3


def test_with_a_horizon_it_is_nearer_to_the_gradient_than_weight_symmetry() -> None:
    circuit, state = learned(0.9, 60)
    assert degrees(state["B1.w"], state["Wout.w"].T) > 8
    assert update_angle(circuit, state, state["B1.w"]) < 0.75 * update_angle(circuit, state, state["Wout.w"].T)


def test_a_mirror_comes_to_the_transposed_readout() -> None:
    rates = {"learning_rate": 0.0, "output_learning_rate": 0.0, "feedback_learning_rate": 0.2}
    circuit = built({"feedback": "mirror", **rates})
    engine, state = BatchedEngine(circuit, in_time.SETTING), initial_state(circuit, 0)
    for update in range(40):
        state, _ = engine.run(state, in_time.stimuli(trials(48, update)), first=48 * update)
    assert degrees(state["B1.w"], state["Wout.w"].T) < 6
    np.testing.assert_allclose(np.linalg.norm(state["B1.w"]), np.linalg.norm(state["Wout.w"]), rtol=0.05)


@pytest.mark.parametrize(
    ("neuron", "key", "said"),
    [
        ({**NEURON, "noise_site": "current"}, "network.neuron.kind", "noise_site = 'rate'"),
        ({**NEURON, "sigma": 0.0}, "network.neuron.sigma", "expected noise above zero"),
        ({**NEURON, "dropout": 0.2}, "network.neuron.dropout", "twin"),
    ],
)
def test_neurons_that_cannot_explore_are_refused(neuron: dict[str, Any], key: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        built({"feedback": "learned"}, neuron=Part.model_validate(neuron))
    assert refused.value.faults[0][0] == key


def test_normalised_steps_do_not_grow_with_the_error() -> None:
    state = {}
    for size in (1.0, 10.0):
        given = in_time.trials(STEPS)
        # A target far away makes errors large; the change of the loss by noise grows in proportion.
        given["target"] = size * 1e3 * np.sign(given["target"])
        settings = {"feedback": "learned", "feedback_weights": 0.0, "estimator": "normalised_lms", "gamma": 0.8}
        circuit = built({**settings, "learning_rate": 0.0, "output_learning_rate": 0.0})
        start = initial_state(circuit, 0)
        after, _ = BatchedEngine(circuit, in_time.SETTING).run(start, in_time.stimuli(given))
        state[size] = after["B1.w"] - start["B1.w"]
        assert not circuit.pathway["B1"].synapse.local
    np.testing.assert_allclose(state[1.0], state[10.0], rtol=0.02, atol=1e-5)
    assert np.abs(state[1.0]).max() > 1e-4
    with pytest.raises(ValueError, match="expected 'learned'"):
        eprop.Config(feedback="random", estimator="normalised_lms")
