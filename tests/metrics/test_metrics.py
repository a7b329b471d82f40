"""Every metric keeps the contract and gives known values."""

from __future__ import annotations

import inspect
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from neurosim import registry

NAMES = registry.names("metrics")


def metric(name):
    return registry.load("metrics", name).measure


COMPARING = [name for name in NAMES if list(inspect.signature(metric(name)).parameters) == ["delivered", "true"]]

vectors = npst.arrays(np.float64, 5, elements=st.floats(-1e3, 1e3).map(lambda x: 0.0 if abs(x) < 1e-3 else x))


@pytest.mark.parametrize("name", NAMES)
def test_every_metric_says_what_it_is(name):
    module = registry.load("metrics", name)
    assert registry.describe("metrics", name).endswith(".")
    assert module.UNIT in {"deg", "%", "1", "Hz", "s", "signal"}
    assert module.BETTER in {"lower", "higher", "none"}
    assert module.measure.__doc__
    parameters = inspect.signature(module.measure).parameters.values()
    assert all(p.annotation is not p.empty for p in parameters)


@pytest.mark.parametrize("name", COMPARING)
def test_numpy_jax_and_jit_agree(name):
    generator = np.random.default_rng(0)
    delivered, true = generator.standard_normal((2, 6, 4))
    measure = metric(name)
    expected = np.asarray(measure(delivered, true))
    assert isinstance(measure(delivered, true), np.ndarray | np.generic)
    on_jax = measure(jnp.asarray(delivered), jnp.asarray(true))
    jitted = jax.jit(measure)(delivered, true)
    assert isinstance(on_jax, jax.Array)
    np.testing.assert_allclose(on_jax, expected, rtol=1e-12)
    np.testing.assert_allclose(jitted, expected, rtol=1e-12)
    assert isinstance(measure(jnp.asarray(delivered), true), jax.Array)


@pytest.mark.parametrize("name", COMPARING)
def test_a_perfect_signal_is_perfect(name):
    module = registry.load("metrics", name)
    true = np.eye(4) * 3
    perfect = np.asarray(module.measure(true, true))
    best = {("deg", "lower"): 0, ("1", "lower"): 0, ("%", "higher"): 100}.get((module.UNIT, module.BETTER), 1)
    np.testing.assert_allclose(perfect, best, atol=1e-12)


@pytest.mark.parametrize("name", COMPARING)
def test_single_precision_stays_single_and_small_gradients_survive(name):
    delivered, true = np.random.default_rng(1).standard_normal((2, 6, 4))
    expected = metric(name)(delivered, true)
    small = metric(name)((delivered * 1e-30).astype(np.float32), (true * 1e-30).astype(np.float32))
    np.testing.assert_allclose(small, expected, rtol=1e-4)
    jitted = jax.jit(metric(name))(delivered.astype(np.float32), true.astype(np.float32))
    np.testing.assert_allclose(jitted, expected, rtol=1e-4)


@pytest.mark.parametrize("name", COMPARING)
def test_zero_and_nan_give_no_warning_and_no_perfect_score(name):
    module = registry.load("metrics", name)
    true = np.eye(3)
    for delivered in (np.zeros((3, 3)), np.full((3, 3), np.nan)):
        value = np.asarray(module.measure(delivered, true))
        best = {"lower": 0.0, "higher": 1.0 if module.UNIT == "1" else 100.0, "none": 1.0}[module.BETTER]
        assert not np.isclose(value, best).any()


@pytest.mark.parametrize(
    ("a", "b", "degrees"),
    [
        ([1, 0], [1, 1], 45),
        ([1, 0], [0, 2], 90),
        ([1, 2], [-1, -2], 180),
        ([1, 0], [-1, 1], 135),
        ([3, 4], [6, 8], 0),
        ([1, 0, 0], [1, math.sqrt(3), 0], 60),
        ([1, 0], [1, 1e-12], math.degrees(1e-12)),
    ],
)
def test_known_angles(a, b, degrees):
    assert metric("angle")(a, b) == pytest.approx(degrees, rel=1e-12, abs=1e-13)
    assert metric("matrix_angle")([a], [b]) == pytest.approx(degrees, rel=1e-12, abs=1e-13)
    assert metric("r_squared")(a, b) == pytest.approx(math.cos(math.radians(degrees)) ** 2, abs=1e-12)


def test_angles_are_per_trial_and_zero_has_none():
    delivered = np.array([[[1.0, 0.0], [0.0, 0.0]], [[0.0, 1.0], [1.0, 1.0]]])
    true = np.array([[[1.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 0.0]]])
    np.testing.assert_allclose(metric("angle")(delivered, true), [[0, np.nan], [90, np.nan]], atol=1e-12)


def test_the_batch_mean_cancels_what_single_trials_have():
    true = np.array([[1.0, 0.0], [1.0, 0.0]])
    delivered = np.array([[1.0, 1.0], [1.0, -1.0]])
    np.testing.assert_allclose(metric("angle")(delivered, true), [45, 45])
    assert metric("batch_angle")(delivered, true) == pytest.approx(0, abs=1e-12)


@given(vectors, vectors, st.floats(1e-200, 1e90), st.floats(1e-200, 1e90))
def test_angles_ignore_scale_and_order(a, b, scale, other_scale):
    assume(a.any() and b.any())
    degrees = metric("angle")(a, b)
    assert 0 <= degrees <= 180 + 1e-10
    assert metric("angle")(scale * a, other_scale * b) == pytest.approx(degrees, abs=1e-6)
    assert metric("angle")(b, a) == pytest.approx(degrees, abs=1e-10)
    assert metric("angle")(-a, b) == pytest.approx(180 - degrees, abs=1e-10)
    assert metric("r_squared")(a, b) == pytest.approx(math.cos(math.radians(degrees)) ** 2, abs=1e-9)


@given(vectors, vectors)
def test_lengths(a, b):
    assume(b.any())
    length = np.linalg.norm(b)
    assert metric("relative_error")(a, b) == pytest.approx(np.linalg.norm(a - b) / length)
    assert metric("norm_ratio")(a, b) == pytest.approx(np.linalg.norm(a) / length)


def test_lengths_against_nothing_are_nan():
    for name in ("relative_error", "norm_ratio"):
        np.testing.assert_array_equal(metric(name)([[1.0, 2.0], [0.0, 0.0]], np.zeros((2, 2))), [np.nan, np.nan])


def test_one_gain_for_all_trials():
    true = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert metric("r_squared")(-7 * true, true) == pytest.approx(1)
    delivered = true * [[1.0], [2.0]]
    gain = (true * delivered).sum() / (delivered**2).sum()
    explained = 1 - ((true - gain * delivered) ** 2).sum() / (true**2).sum()
    assert metric("r_squared")(delivered, true) == pytest.approx(explained)


def test_signs():
    true = [[1.0, -2.0, 0.0, 4.0], [0.0, 0.0, 0.0, 0.0]]
    delivered = [[5.0, -1.0, 3.0, 0.0], [1.0, 1.0, 1.0, 1.0]]
    np.testing.assert_allclose(metric("sign_agreement")(delivered, true), [200 / 3, np.nan])


def test_accuracy():
    targets = np.eye(3)[[0, 1, 2, 2]]
    scores = np.array([[3.0, 1, 2], [0, 0, 1], [np.nan, 0, 1], [-3, -2, -1]])
    assert metric("accuracy")(scores, targets) == 50
    assert np.isnan(metric("accuracy")(np.zeros((0, 3)), np.zeros((0, 3))))


def test_firing_rate():
    spikes = np.zeros((100, 2, 3), dtype=bool)
    spikes[::10, 0, 1] = True
    rates = metric("firing_rate")(spikes, 1e-3)
    assert rates.shape == (2, 3)
    assert rates[0, 1] == pytest.approx(100)
    assert rates.sum() == pytest.approx(100)
    np.testing.assert_allclose(jax.jit(metric("firing_rate"))(spikes, 1e-3), rates)
    assert np.isnan(metric("firing_rate")(np.zeros((0, 2), dtype=bool), 1e-3)).all()
