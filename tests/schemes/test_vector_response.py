"""Feedback from responses to noise: what its weights are on average, and how near to that after so many trials."""

from __future__ import annotations

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
from neurosim.random import held_normal, key_words

SETTING = Setting("steady", dtype="float64")
SIZES = (6, 5)
N_INPUTS, N_OUTPUTS = 3, 4


def build(activation: str = "tanh", sigma: float = 0.5, site: str = "rate", **settings: Any) -> Circuit:
    neuron = Part.model_validate(
        {"kind": "leaky_rate", "activation": activation, "sigma": sigma, "noise_site": site},
    )
    network = Network(hidden=SIZES, neuron=neuron, readout="squared_error", bias_weights=0.3)
    module = registry.load("schemes", "vector_response")
    task = SimpleNamespace(n_inputs=N_INPUTS, n_outputs=N_OUTPUTS)
    return module.build(module.Config(**settings), network, task)


def stimuli(trials: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(7)
    targets = generator.standard_normal((trials, N_OUTPUTS))
    return {"input.r": generator.standard_normal((trials, N_INPUTS)), "output.target": targets}


def responses(circuit: Circuit, state: State, trials: int, layer: str, sender: str) -> np.ndarray:
    """Noise of the layer over sigma times response of the sender, by hand, (trial, n_layer, n_sender)."""
    given = stimuli(trials)
    drive = f"{sender}.drive"
    _, outputs = BatchedEngine(circuit, SETTING).run(state, given, seed=2, report=[drive], learn=False)
    response = outputs.ends["perturbed"][drive] - outputs.ends["clean"][drive]
    key = key_words(2, "noise", "perturbed", layer, "noise")
    noise = np.asarray(held_normal(key, np.arange(trials), circuit.population[layer].size), dtype=float)
    return noise[:, :, None] * response[:, None, :] / float(state[f"{layer}.sigma"])


@pytest.mark.parametrize("activation", ["tanh", pytest.param("softplus", marks=pytest.mark.slow)])
def test_the_mean_is_the_transposed_weight_whatever_the_activation_and_the_noise(activation: str) -> None:
    circuit, trials = build(activation), 20_000
    state = initial_state(circuit, 1)
    for layer, sender, weights in (("hidden1", "hidden2", "W2.w"), ("hidden2", "output", "W3.w")):
        drawn = responses(circuit, state, trials, layer, sender)
        error = drawn.std(axis=0) / np.sqrt(trials)
        assert np.max(np.abs(drawn.mean(axis=0) - state[weights].T) / error) < 4.5
        # Large enough for a mean that is off by a fifth of a weight to show.
        assert np.median(error) < 0.2 * np.median(np.abs(state[weights])) / 4.5


def test_direct_feedback_is_the_product_in_a_linear_network() -> None:
    circuit, trials = build("identity", topology="direct"), 20_000
    state = initial_state(circuit, 1)
    drawn = responses(circuit, state, trials, "hidden1", "output")
    error = drawn.std(axis=0) / np.sqrt(trials)
    product = (state["W3.w"] @ state["W2.w"]).T
    assert np.max(np.abs(drawn.mean(axis=0) - product) / error) < 4.5


def test_noise_as_a_current_scales_each_neurons_weights_by_its_mean_slope() -> None:
    circuit, trials = build(sigma=0.5, site="current"), 40_000
    state = initial_state(circuit, 1)
    drawn = responses(circuit, state, trials, "hidden1", "hidden2")
    given = stimuli(trials)
    _, outputs = BatchedEngine(circuit, SETTING).run(state, given, seed=2, report=["hidden1.slope"], learn=False)
    slope = outputs.ends["perturbed"]["hidden1.slope"].mean(axis=0)
    error = drawn.std(axis=0) / np.sqrt(trials)
    assert np.max(np.abs(drawn.mean(axis=0) - slope[:, None] * state["W2.w"].T) / error) < 4.5


@pytest.mark.parametrize(
    ("batch", "topology"),
    [
        (8, "layerwise"),
        (1, "direct"),
        pytest.param(1, "layerwise", marks=pytest.mark.slow),
        pytest.param(8, "direct", marks=pytest.mark.slow),
    ],
)
def test_the_exact_mean_is_the_mean_of_all_samples(topology: str, batch: int) -> None:
    circuit = build(estimator="exact_mean", topology=topology)
    # Forward weights stay, so that the samples can be drawn at once.
    state = initial_state(circuit, 1)
    state |= {name: np.zeros(()) for name in state if name.endswith(".learning_rate")}
    after, _ = BatchedEngine(circuit, SETTING).train(
        state, stimuli(64), np.arange(64).reshape(-1, batch), seed=2, first=0
    )
    sender = "hidden2" if topology == "layerwise" else "output"
    expected = responses(circuit, state, 64, "hidden1", sender).mean(axis=0)
    np.testing.assert_allclose(after["B1.w"], expected, rtol=1e-10, atol=1e-12)


def test_a_memory_forgets_exponentially() -> None:
    circuit = build(estimator="exact_mean", memory=10.0)
    state = initial_state(circuit, 1)
    state |= {name: np.zeros(()) for name in state if name.endswith(".learning_rate")}
    after, _ = BatchedEngine(circuit, SETTING).train(state, stimuli(64), np.arange(64)[:, None], seed=2, first=0)
    weight = np.exp(-(63 - np.arange(64)) / 10)
    drawn = responses(circuit, state, 64, "hidden1", "hidden2")
    np.testing.assert_allclose(after["B1.w"], np.tensordot(weight / weight.sum(), drawn, axes=1), rtol=1e-10)


def test_the_online_rule_is_a_leaky_average() -> None:
    circuit = build(feedback_learning_rate=0.1)
    state = initial_state(circuit, 1)
    state |= {f"{name}.learning_rate": np.zeros(()) for name in ("W1", "W2", "W3", "b1", "b2", "b3")}
    after, _ = BatchedEngine(circuit, SETTING).train(state, stimuli(30), np.arange(30)[:, None], seed=2, first=0)
    drawn = responses(circuit, state, 30, "hidden1", "hidden2")
    expected = state["B1.w"]
    for sample in drawn:
        expected = expected + 0.1 * (sample - expected)
    np.testing.assert_allclose(after["B1.w"], expected, rtol=1e-10)


def test_it_is_local_and_the_exact_mean_is_not() -> None:
    assert build().local
    assert not build(estimator="exact_mean").local
