"""Fixed points of feedback weights for constant forward weights: closed forms against iteration and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad

from neurosim.stability import feedback


@pytest.fixture
def weights() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((4, 7)) / np.sqrt(7)


def angle(first: np.ndarray, second: np.ndarray) -> float:
    cosine = np.sum(first * second) / (np.linalg.norm(first) * np.linalg.norm(second))
    return math.degrees(math.acos(min(1.0, cosine)))


@pytest.mark.parametrize("null", [0.0, 0.6])
def test_mirror_weights_stand_still(weights: np.ndarray, null: float) -> None:
    covariance = np.diag(np.linspace(0.5, 2, 7))
    cross, power = covariance @ weights.T, weights @ covariance @ weights.T
    settled = feedback.mirror_weights(cross, power, amp=1.4, decay=0.3, null=null)
    np.testing.assert_allclose(1.4 * cross - null * settled @ power - 0.3 * settled, 0, atol=1e-12)


def test_the_weight_mirror_is_the_transpose_times_its_gain(weights: np.ndarray) -> None:
    settled = feedback.mirror_weights(0.25 * weights.T, 0.25 * weights @ weights.T, amp=2.0, decay=0.4)
    np.testing.assert_allclose(settled, feedback.weight_mirror_gain(2.0, 0.4, 0.25) * weights.T, rtol=1e-12)


def test_activation_alignment_is_least_squares_where_there_is_activity(weights: np.ndarray) -> None:
    generator = np.random.default_rng(1)
    # Activity in five of seven directions.
    inputs = generator.standard_normal((200, 5)) @ generator.standard_normal((5, 7))
    outputs = np.maximum(inputs @ weights.T, 0)
    cross, covariance, start = inputs.T @ outputs / 200, inputs.T @ inputs / 200, generator.standard_normal((7, 4))
    settled = feedback.activation_weights(cross, covariance, amp=1.0, sparse=1.0, start=start)
    fitted = np.linalg.lstsq(inputs, outputs, rcond=None)[0]
    np.testing.assert_allclose(inputs @ settled, inputs @ fitted, atol=1e-9)
    silent = np.linalg.svd(inputs)[2][5:]
    np.testing.assert_allclose(silent @ settled, silent @ start, atol=1e-9)


def test_the_sampling_law() -> None:
    generator, weights = np.random.default_rng(2), np.random.default_rng(3).standard_normal((6, 40))
    found = []
    for _ in range(20):
        noise = generator.standard_normal((80, 40))
        found.append(angle(noise.T @ (noise @ weights.T), weights.T))
    assert np.mean(found) == pytest.approx(feedback.sampling_angle(40, 80), abs=3 * np.std(found) / np.sqrt(20) + 0.3)


@pytest.mark.parametrize("contraction", [2e-4, 0.1, 0.9])
def test_the_noise_floor_is_the_recursions(contraction: float) -> None:
    variance = 0.0
    for _ in range(200_000 if contraction < 0.01 else 1000):
        variance = (1 - contraction) ** 2 * variance + (0.1 * 1.5) ** 2
    assert feedback.estimation_noise(0.1, 1.5, contraction) == pytest.approx(math.sqrt(variance), rel=1e-9)


@pytest.mark.parametrize(("tau_noise", "tau_m", "delay"), [(20, 20, 0), (100, 20, 0), (5, 20, 0), (20, 20, 10)])
def test_membrane_gains_are_the_integrals_of_their_kernels(tau_noise: float, tau_m: float, delay: float) -> None:
    def membrane(time: float) -> float:
        return math.exp(-time / tau_m) / tau_m

    plain, _ = quad(lambda s: membrane(s) * math.exp(-(s + delay) / tau_noise), 0, 2000, limit=200)
    assert feedback.membrane_gain(tau_noise, tau_m, delay=delay) == pytest.approx(plain, rel=1e-6)

    # The trace at its own lag u, the potential at s: correlated by the noise between the two.
    def inner(u: float) -> float:
        found = quad(
            lambda s: membrane(s) * math.exp(-abs(s + delay - u) / tau_noise),
            0,
            400,
            limit=200,
            points=[max(u - delay, 0)],
        )
        return membrane(u) * found[0]

    matched, _ = quad(inner, 0, 400, limit=200, epsabs=1e-7)
    assert feedback.matched_gain(tau_noise, tau_m, delay=delay) == pytest.approx(matched, rel=1e-4)
