"""Mean and variance of the estimate where both are known."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neurosim.engines.state import initial_state
from neurosim.errors import CircuitError
from neurosim.probes._estimate import expected_cosine

# Linear: the loss is a quadratic function of the noise, so mean and variance have a closed form at any sigma.
LINEAR: dict[str, Any] = {
    "task": {"kind": "teacher_student", "n_inputs": 5, "hidden": [4], "n_outputs": 3, "n_train": 50},
    "network": {
        "hidden": [6],
        "neuron": {"kind": "leaky_rate", "activation": "identity", "sigma": 0.5},
        "readout": "squared_error",
    },
    "scheme": {"kind": "node_perturbation", "perturbations": 1},
    "engine": {"level": "steady", "dtype": "float64"},
    "probe": {"kind": "estimate", "draws": 40_000, "examples": 2, "curvature": True},
}


def test_a_linear_network_has_the_mean_and_variance_of_the_closed_form(
    probe: Callable[..., Any], parts: Callable[..., Any]
) -> None:
    found = probe(LINEAR)
    engine, task = parts(LINEAR)
    state = initial_state(engine.circuit, 0)
    activity = task.train.inputs[:2] @ state["W1.w"].T + state["b1.w"].T
    error = activity @ state["W2.w"].T + state["b2.w"].T - task.train.targets[:2]
    gradient, curvature, sigma = error @ state["W2.w"], state["W2.w"].T @ state["W2.w"], 0.5
    np.testing.assert_allclose(found.curves.gradient, gradient, rtol=1e-10)
    first_order = gradient**2 + np.sum(gradient**2, axis=1, keepdims=True)
    np.testing.assert_allclose(found.curves.predicted_variance, first_order, rtol=1e-10)
    trace, diagonal = np.trace(curvature), np.diag(curvature)
    added = trace**2 + 2 * np.sum(curvature**2) + 4 * diagonal * trace + 8 * np.diag(curvature @ curvature)
    variance = first_order + sigma**2 / 4 * added
    np.testing.assert_allclose(found.curves.curvature_variance, variance, rtol=1e-10)
    assert np.all(np.abs(found.curves["mean"] - gradient) < 4.5 * np.sqrt(variance / 40_000))
    np.testing.assert_allclose(found.curves.variance, variance, rtol=0.1)
    assert found.numbers["curvature_variance_ratio"] == pytest.approx(1, abs=0.03)
    # Without the curvature the prediction is far off here, so the agreement above means something.
    assert found.numbers["variance_ratio"] > 1.1
    assert found.numbers["hidden1.cosine"] > 0.99


def test_small_noise_needs_no_curvature_and_one_draw_has_the_cosine_of_a_random_direction(
    probe: Callable[..., Any],
) -> None:
    network = {**LINEAR["network"], "neuron": {**LINEAR["network"]["neuron"], "sigma": 1e-3}}
    found = probe({**LINEAR, "network": network}, curvature=False)
    assert found.numbers["variance_ratio"] == pytest.approx(1, abs=0.03)
    # |cos| of a random direction in six dimensions has a standard deviation of 0.23; two examples.
    assert found.numbers["one_shot_cosine"] == pytest.approx(expected_cosine(6), abs=4.5 * 0.23 / math.sqrt(80_000))
    assert found.numbers["one_shot_absolute_cosine"] == pytest.approx(found.numbers["one_shot_cosine"], rel=1e-3)
    assert "curvature_variance_ratio" not in found.numbers


def test_the_mean_of_several_draws_has_their_share_of_the_variance(probe: Callable[..., Any]) -> None:
    network = {**LINEAR["network"], "neuron": {**LINEAR["network"]["neuron"], "sigma": 1e-3}}
    scheme = {"kind": "node_perturbation", "perturbations": 4}
    measured = [
        probe({**LINEAR, "network": network, "scheme": each}, curvature=False) for each in (scheme, LINEAR["scheme"])
    ]
    assert measured[0].numbers["variance_ratio"] == pytest.approx(1, abs=0.03)
    np.testing.assert_allclose(4 * measured[0].curves.variance, measured[1].curves.variance, rtol=0.1)


def test_output_neurons_that_are_perturbed_count_too(probe: Callable[..., Any]) -> None:
    output = {"kind": "leaky_rate", "activation": "identity", "sigma": 0.25}
    network = {**LINEAR["network"], "output_neuron": output}
    sections = {**LINEAR, "network": network, "scheme": {"kind": "node_perturbation_only"}}
    found = probe(sections)
    assert found.curves.sizes["unit"] == 6 + 3
    assert list(found.curves.layer.values[[0, -1]]) == ["hidden1", "output"]
    assert min(found.numbers["hidden1.cosine"], found.numbers["output.cosine"]) > 0.98
    # Noise of two sizes: each unit's variance is in units of its own.
    assert found.numbers["curvature_variance_ratio"] == pytest.approx(1, abs=0.03)
    np.testing.assert_allclose(found.curves.variance, found.curves.curvature_variance, rtol=0.1)


def test_expected_cosines_in_closed_form() -> None:
    assert expected_cosine(1) == pytest.approx(1)
    assert expected_cosine(2) == pytest.approx(2 / math.pi)
    assert expected_cosine(3) == pytest.approx(1 / 2)
    assert expected_cosine(640) == pytest.approx(math.sqrt(2 / (math.pi * 640)), rel=1e-3)


def test_chunks_do_not_matter(probe: Callable[..., Any]) -> None:
    few, many = (probe(LINEAR, draws=600, chunk=chunk).curves for chunk in (600, 100))
    for name in few:
        np.testing.assert_allclose(few[name], many[name], rtol=1e-10, atol=1e-12, err_msg=name)


def test_a_scheme_without_an_estimate_is_refused(probe: Callable[..., Any]) -> None:
    with pytest.raises(CircuitError, match="'backpropagation' holds an estimate"):
        probe({**LINEAR, "scheme": {"kind": "backpropagation"}})
