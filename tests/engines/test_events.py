"""Sums by events: the same numbers as dense products and as Brian2, and only where they are meant to act."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Initial, Pathway, Phase, Population, Tie, hold
from neurosim.engines.batched.batch import Batch, Request
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.batched.kernels import events
from neurosim.engines.batched.presentation import present
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.engines.stimuli import Stimulus
from neurosim.neurons._model import NeuronModel
from neurosim.recording.courses import over_time
from neurosim.recording.simulate import simulate
from neurosim.rules._rule import Rule

pytestmark = pytest.mark.usefixtures("compiles_anew")

NEURON = NeuronModel(
    "dv/dt = (drive + g - v)/tau : 1 (unless refractory)\ndg/dt = -g/tau_g : 1\ndrive : 1\nkept : 1",
    threshold="v > 1",
    reset="v = 0",
    refractory="1.5 ms",
    parameters={"tau": "10 ms", "tau_g": "3 ms"},
    method="euler",
)
INPUT = NeuronModel("r : 1")


def network(**changes: Any) -> Circuit:
    """A sparse stimulus, two spiking layers with a recurrent pathway and a tied one, and something held in between."""
    pathways = (
        Pathway("W1", "input.r", "first.drive", initial=Initial(scale=9.0)),
        Pathway("W2", "first.spikes", "second.g", initial=Initial(scale=12.0), **changes),
        Pathway("R", "second.spikes", "second.v", initial=Initial(scale=2.0)),
        Pathway("back", "second.spikes", "first.g", tie=Tie("W2", transposed=True)),
    )
    phases = (Phase("one", "8 ms", hold=(hold("second.kept = g"),)), Phase("two", "7 ms"))
    populations = (Population("input", 70, INPUT), Population("first", 40, NEURON), Population("second", 33, NEURON))
    return Circuit("events", populations, pathways, phases)


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, ...]]]:
    """Sums by events whatever the size of a matrix; the shapes of those that are compiled."""
    shapes: list[tuple[int, ...]] = []
    product = events.product
    assert events.available()

    def noting(activity: Any, rows: Any) -> Any:
        shapes.append((*activity.shape, rows.shape[1]))
        return product(activity, rows)

    monkeypatch.setattr(events, "LEAST_PRODUCTS", 1)
    monkeypatch.setattr(events, "LEAST_TARGETS", 1)
    monkeypatch.setattr(events, "product", noting)
    jax.clear_caches()
    yield shapes
    jax.clear_caches()


def sparse(shape: tuple[int, ...], share: float, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return np.where(generator.random(shape) < share, generator.normal(size=shape), 0.0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 1.0])
@pytest.mark.parametrize(("trials", "n_pre", "n_post"), [(1, 1, 1), (7, 64, 33), (130, 200, 300), (9, 63, 16)])
def test_the_sum_is_the_product(dtype: str, share: float, trials: int, n_pre: int, n_post: int) -> None:
    activity, weights = sparse((trials, n_pre), share), np.random.default_rng(1).normal(size=(n_post, n_pre))
    with jax.enable_x64(dtype == "float64"):
        rows = events.rows_of(jnp.asarray(weights, dtype))
        found = np.asarray(jax.jit(events.product)(jnp.asarray(activity, dtype), rows))
    assert found.dtype == dtype and rows.shape[1] % events.COLUMNS == 0
    expected, error = activity @ weights.T, 1e-5 if dtype == "float32" else 1e-13
    bound = error * (np.abs(activity) @ np.abs(weights.T)) + 1e-300
    assert np.all(np.abs(found[:, :n_post] - expected) <= bound)
    assert not found[:, n_post:].any()


def test_a_trial_has_the_same_bits_in_any_batch() -> None:
    activity, rows = sparse((50, 90), 0.2).astype(np.float32), sparse((90, 48), 1.0).astype(np.float32)
    together = np.asarray(jax.jit(events.product)(activity, rows))
    for trial in (0, 13, 49):
        np.testing.assert_array_equal(events.product(activity[trial : trial + 1], rows)[0], together[trial])


def test_callers_at_the_same_time_do_not_meet() -> None:
    compiled, rows = jax.jit(events.product), sparse((200, 256), 1.0, 1)
    inputs = [jnp.asarray(sparse((100, 200), 0.1, seed)) for seed in range(4)]
    expected = [np.asarray(compiled(activity, rows)) for activity in inputs]
    with ThreadPoolExecutor(4) as callers:
        for _ in range(50):
            found = list(callers.map(lambda activity: np.asarray(compiled(activity, rows)), inputs))
            assert all(np.array_equal(got, wanted) for got, wanted in zip(found, expected, strict=True))


def test_what_is_not_finite_shows() -> None:
    activity = np.zeros((2, 20))
    activity[0, 3], activity[1, 5] = np.nan, np.inf
    found = np.asarray(events.product(activity, np.ones((20, 16))))
    assert np.all(np.isnan(found[0])) and np.all(np.isposinf(found[1]))


def test_derivatives_are_those_of_the_product() -> None:
    activity, rows, weight = sparse((6, 30), 0.3), sparse((30, 16), 1.0, 1), sparse((6, 16), 1.0, 2)

    def loss(product: Any) -> Any:
        return lambda x, w: jnp.sum(weight * jnp.tanh(product(x, w)))

    for arguments in (0, 1, (0, 1)):
        found = jax.tree.leaves(jax.jit(jax.grad(loss(events.product), arguments))(activity, rows))
        expected = jax.tree.leaves(jax.grad(loss(jnp.matmul), arguments)(activity, rows))
        for got, wanted in zip(found, expected, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-12)
    many = np.stack([activity, 2 * activity])
    mapped = jax.vmap(lambda x: events.product(x, rows))(many)
    np.testing.assert_allclose(mapped, many @ rows, rtol=1e-12, atol=1e-12)


def test_a_network_is_that_of_brian(used: list[tuple[int, ...]]) -> None:
    settings: dict[str, Any] = {
        "inputs": {"input.r": over_time(np.abs(sparse((15, 3, 70), 0.1)))},
        "trials": 3,
        "record": ["first.v", "second.v", "second.g", "second.kept", "first.spikes", "second.spikes"],
        "dt": "1 ms",
    }
    found = simulate(network(), engine="batched", **settings)
    # Each phase compiles all of them: the stimulus, then W2, the recurrent and the tied pathway.
    assert set(used) == {(3, 70, 48), (3, 40, 48), (3, 33, 48)}
    expected = simulate(network(), engine="brian", **settings)
    for name in ("first.spikes", "second.spikes"):
        assert 0.01 < float(expected[name].mean()) < 0.5, name
        np.testing.assert_array_equal(found[name].values, expected[name].values)
    for name in ("first.v", "second.v", "second.g", "second.kept"):
        np.testing.assert_allclose(found[name].values, expected[name].values, rtol=0, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_network_is_that_of_dense_products(
    dtype: Any, used: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = BatchedEngine(network(), Setting("spiking", 1e-3, dtype))
    state = initial_state(network(), 0, dtype=dtype)
    course = Stimulus.from_steps(np.abs(sparse((15, 20, 70), 0.1)))
    record = ("second.v", "first.spikes", "second.spikes")

    def run() -> Any:
        return engine.run(state, {"input.r": course}, record=record, report=("second.g",))[1]

    found, count = run(), len(used)
    monkeypatch.setattr(events, "LEAST_PRODUCTS", 1 << 60)
    jax.clear_caches()
    expected = run()
    assert count > 0 and len(used) == count
    np.testing.assert_array_equal(found.recordings["second.spikes"], expected.recordings["second.spikes"])
    assert expected.recordings["second.spikes"].any()
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    for phase in ("one", "two"):
        np.testing.assert_allclose(found.ends[phase]["second.g"], expected.ends[phase]["second.g"], atol=tolerance)


def test_surrogate_gradients_are_those_of_dense_products(
    used: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    circuit, course = network(), np.abs(sparse((15, 6, 70), 0.1))
    setting = Setting("spiking", 1e-3, "float64", surrogate_width=0.5)
    state = initial_state(circuit, 0)

    def gradients() -> Any:
        def loss(weights: Any) -> Any:
            numbers = jnp.zeros(6, jnp.uint32)
            batch = Batch({**state, **weights}, {}, {}, numbers, courses={"input.r": jnp.asarray(course)})
            outcome = present(Request(circuit, setting, report=("second.g",), sparse=("input.r",)), batch)
            return jnp.sum(jnp.tanh(outcome.ends["two"]["second.g"]))

        return jax.grad(loss)({name: jnp.asarray(state[name]) for name in ("W1.w", "W2.w", "R.w")})

    found = gradients()
    assert used
    monkeypatch.setattr(events, "LEAST_PRODUCTS", 1 << 60)
    for name, expected in gradients().items():
        scale = float(np.max(np.abs(expected)))
        assert scale > 0, name
        np.testing.assert_allclose(found[name], expected, rtol=0, atol=1e-9 * scale, err_msg=name)


def compiled_shapes(circuit: Circuit, course: np.ndarray, used: list[tuple[int, ...]]) -> set[tuple[int, ...]]:
    used.clear()
    engine = BatchedEngine(circuit, Setting("spiking", 1e-3, "float32"))
    given = {"input.r": Stimulus.from_steps(course) if course.ndim == 3 else course}
    engine.run(initial_state(circuit, 0, dtype="float32"), given, report=("first.v", "second.v"))
    return set(used)


def test_dense_stimuli_and_weights_that_change_are_multiplied(used: list[tuple[int, ...]]) -> None:
    full, little = np.ones((15, 4, 70)), sparse((15, 4, 70), 0.1)
    stimulus, forward, recurrent = (4, 70, 48), (4, 40, 48), (4, 33, 48)
    assert compiled_shapes(network(), little, used) == {stimulus, forward, recurrent}
    assert compiled_shapes(network(), full, used) == {forward, recurrent}
    # A stimulus that is held is multiplied once, before the loop.
    assert compiled_shapes(network(), little[0], used) == {forward, recurrent}
    # Noise on weights makes them another matrix in each trial; the tied pathway has it, too.
    noisy = network(sigma=0.1)
    perturbed = replace(noisy, phases=(Phase("one", "15 ms", {"perturb": 1.0}, draw_noise=True),))
    assert compiled_shapes(perturbed, little, used) == {stimulus, recurrent}
    # Weights that learn at every step: W2 and the pathway tied to it.
    rule = Rule("w += 0.01*v_pre*v_post", timing="step")
    learning = replace(network(rule=rule), phases=(Phase("one", "15 ms", learn=("W2",)),))
    assert compiled_shapes(learning, little, used) == {stimulus, recurrent}


def test_small_matrices_are_multiplied() -> None:
    assert not events.worthwhile(4, 33, 40)
    assert events.worthwhile(128, 500, 784)
    assert not events.worthwhile(128, 10, 784)


def test_without_numba_all_is_dense(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    events.available.cache_clear()
    try:
        assert not events.worthwhile(128, 500, 784)
    finally:
        monkeypatch.undo()
        events.available.cache_clear()


def test_a_version_that_does_not_fit_makes_all_dense(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> Any:
        raise RuntimeError("API version mismatch")

    monkeypatch.setattr(events, "product", refused)
    events.available.cache_clear()
    try:
        with pytest.warns(RuntimeWarning, match="dense products, which are slower: API version mismatch"):
            assert not events.worthwhile(128, 500, 784)
    finally:
        monkeypatch.undo()
        events.available.cache_clear()


def test_which_courses_are_sparse() -> None:
    courses = {"input.r": sparse((30, 20, 50), 0.05), "other.r": sparse((30, 20, 50), 0.5)}
    assert events.sparse_courses(courses) == ("input.r",)
