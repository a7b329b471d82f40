"""Held noise and initial weights depend on the seed and on what they are for, and on nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.random import held_normal, key_words

SITES = ("hidden1.noise", "hidden2.noise")
STEADY, RATE = Setting("steady", dtype="float64"), Setting("rate", 1e-3, "float64")


@pytest.fixture(scope="module")
def circuit(build: Callable[..., Circuit]) -> Circuit:
    return build("node_perturbation", duration="1 ms")


@pytest.fixture(scope="module")
def reference(circuit: Circuit, stimuli: Callable[[int], Any]) -> dict[str, np.ndarray]:
    """The noise of the presentations 0 to 127, in one batch at the steady level."""
    return noise(BatchedEngine(circuit, STEADY), stimuli(128))


def noise(engine: Any, given: dict[str, np.ndarray], *, seed: int = 3, first: int = 0) -> dict[str, np.ndarray]:
    """The held noise at work in the perturbed phase, ``site -> (trial, n)``."""
    _, outputs = engine.run(initial_state(engine.circuit, 0), given, seed=seed, first=first, report=SITES, learn=False)
    return {site: np.asarray(outputs.ends["perturbed"][site]) for site in SITES}


def rows(given: dict[str, np.ndarray], chosen: Any) -> dict[str, np.ndarray]:
    return {name: array[chosen] for name, array in given.items()}


def test_noise_is_the_documented_stream(circuit: Circuit, reference: dict[str, np.ndarray]) -> None:
    for site, found in reference.items():
        key = key_words(3, "noise", "perturbed", *site.split("."))
        np.testing.assert_array_equal(found, np.asarray(held_normal(key, np.arange(128), found.shape[1])))
    assert not np.array_equal(reference[SITES[0]][:, :4], reference[SITES[1]])


@pytest.mark.parametrize("steps", [1, 7])
def test_training_in_one_call_has_the_same_noise(circuit: Circuit, stimuli: Callable[[int], Any], steps: int) -> None:
    engine, given = BatchedEngine(circuit, Setting("steady", dtype="float64")), stimuli(8 * steps)
    state = initial_state(circuit, 0)
    trained, _ = engine.train(state, given, np.arange(8 * steps).reshape(steps, 8), seed=3, first=40)
    for step in range(steps):
        chosen = slice(8 * step, 8 * step + 8)
        state, _ = engine.run(state, rows(given, chosen), seed=3, first=40 + 8 * step)
    for name, found in trained.items():
        np.testing.assert_allclose(found, state[name], rtol=1e-12, atol=1e-14)


def test_every_level_has_the_same_noise(
    circuit: Circuit, reference: dict[str, np.ndarray], stimuli: Callable[[int], Any]
) -> None:
    for site, found in noise(BatchedEngine(circuit, RATE), stimuli(128)).items():
        np.testing.assert_array_equal(found, reference[site])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_reference_engine_has_the_same_noise(
    dtype: Any, circuit: Circuit, reference: dict[str, np.ndarray], stimuli: Callable[[int], Any]
) -> None:
    engine = BrianEngine(circuit, replace(RATE, dtype=dtype))
    for site, found in noise(engine, rows(stimuli(128), slice(8, 12)), first=8).items():
        np.testing.assert_array_equal(found, reference[site][8:12])


def test_batches_of_one_have_the_same_noise(
    circuit: Circuit, reference: dict[str, np.ndarray], stimuli: Callable[[int], Any]
) -> None:
    engine, given = BatchedEngine(circuit, STEADY), stimuli(128)
    for number in (0, 1, 64, 127):
        for site, found in noise(engine, rows(given, [number]), first=number).items():
            np.testing.assert_array_equal(found[0], reference[site][number])


def test_single_precision_draws_the_same_noise(
    circuit: Circuit, reference: dict[str, np.ndarray], stimuli: Callable[[int], Any]
) -> None:
    for site, found in noise(BatchedEngine(circuit, replace(STEADY, dtype="float32")), stimuli(128)).items():
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, reference[site])


def test_the_order_of_the_data_does_not_matter(
    circuit: Circuit, reference: dict[str, np.ndarray], stimuli: Callable[[int], Any]
) -> None:
    shuffled = rows(stimuli(128), np.random.default_rng(0).permutation(128))
    for site, found in noise(BatchedEngine(circuit, STEADY), shuffled).items():
        np.testing.assert_array_equal(found, reference[site])


def test_presentations_in_training_are_numbered_on(circuit: Circuit, stimuli: Callable[[int], Any]) -> None:
    # What is learned in two calls is what is learned in one: the second goes on where the first ended.
    engine, given, start = BatchedEngine(circuit, STEADY), stimuli(128), initial_state(circuit, 0)
    order = np.random.default_rng(1).permutation(128).reshape(8, 16)
    together, _ = engine.train(start, given, order, seed=3, first=5)
    halfway, _ = engine.train(start, given, order[:4], seed=3, first=5)
    apart, _ = engine.train(halfway, given, order[4:], seed=3, first=5 + 64)
    for name, array in together.items():
        np.testing.assert_allclose(apart[name], array, rtol=1e-12, atol=1e-14)


def test_other_seeds_and_presentations_have_other_noise(
    circuit: Circuit, reference: dict[str, np.ndarray], stimuli: Callable[[int], Any]
) -> None:
    engine, given = BatchedEngine(circuit, STEADY), stimuli(128)
    for found in (noise(engine, given, seed=4), noise(engine, given, first=128)):
        assert not np.intersect1d(found[SITES[0]], reference[SITES[0]]).size > 2


def test_initial_weights_depend_on_seed_and_pathway_alone(build: Callable[..., Circuit]) -> None:
    circuits = [build("backpropagation"), build("node_perturbation"), build("node_perturbation", hidden=(5, 4, 6))]
    states = [initial_state(circuit, 9) for circuit in circuits]
    for name in ("W1.w", "W2.w", "b1.w"):
        np.testing.assert_array_equal(states[1][name], states[0][name])
        np.testing.assert_array_equal(states[2][name], states[0][name])
    assert not np.array_equal(initial_state(circuits[0], 10)["W1.w"], states[0]["W1.w"])
    assert not np.intersect1d(states[1]["W2.w"], states[1]["B1.w"]).size


def test_initial_weights_in_single_precision_are_the_rounded_ones(circuit: Circuit) -> None:
    for name, array in initial_state(circuit, 9).items():
        np.testing.assert_array_equal(initial_state(circuit, 9, dtype="float32")[name], array.astype(np.float32))


def test_engines_leave_the_weights_they_are_given(circuit: Circuit, stimuli: Callable[[int], Any]) -> None:
    start = initial_state(circuit, 9)
    kept = {name: array.copy() for name, array in start.items()}
    for engine in (BatchedEngine(circuit, STEADY), BatchedEngine(circuit, RATE), BrianEngine(circuit, RATE)):
        after, _ = engine.run(start, stimuli(2), learn=False)
        for name, array in kept.items():
            np.testing.assert_array_equal(start[name], array)
            np.testing.assert_array_equal(after[name], array)
