"""Single-loop dynamic inversion: stability against the whole matrix and simulated steps, and its fixed point."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from neurosim.errors import ConfigError
from neurosim.metrics import matrix_angle
from neurosim.stability.inverse import inverse, single_loop_fixed_point
from neurosim.stability.inversion import is_stable
from neurosim.stability.single_loop import (
    single_loop_abscissa,
    single_loop_bound,
    single_loop_eigenvalues,
    single_loop_is_stable,
    single_loop_matrix,
)


def system(generator: np.random.Generator) -> dict[str, Any]:
    sizes = [*sorted(generator.integers(1, 6, generator.integers(2, 5)), reverse=True)]
    ws = [generator.standard_normal((post, pre)) for pre, post in pairwise(sizes)]
    product = ws[0]
    for w in ws[1:]:
        product = w @ product
    b = -product.T / np.linalg.norm(product) ** 2 * 10 ** generator.uniform(-1, 1)
    b = b + generator.choice([0, 0.1, 1]) * np.linalg.norm(b) * generator.standard_normal(b.shape)
    leak = float(generator.choice([0, 0.01, 0.3]))
    return {"ws": ws, "b": b, "leak": leak, "tau_u": 10 ** generator.uniform(-1, 1), "tau_x": generator.uniform(0.3, 3)}


def step_matrix(ws: list[np.ndarray], b: np.ndarray, leak: float, tau_u: float, tau_x: float, dt: float) -> np.ndarray:
    """A step in the authors' order: the layers from below, each seeing the one below it anew, then the controller."""
    sizes = [b.shape[0], *(w.shape[0] for w in ws)]
    columns = []
    for start in np.eye(sum(sizes)):
        *layers, u = np.split(start, np.cumsum(sizes)[:-1])
        layers[0] = layers[0] + dt / tau_x * (b @ u - layers[0])
        for place, w in enumerate(ws[:-1], start=1):
            layers[place] = layers[place] + dt / tau_x * (w @ layers[place - 1] - layers[place])
        u = u + dt / tau_u * (ws[-1] @ layers[-1] - leak * u)
        columns.append(np.concatenate([*layers, u]))
    return np.stack(columns, axis=1)


def test_stability_is_that_of_the_whole_matrix_and_of_the_bound() -> None:
    generator = np.random.default_rng(0)
    stable = 0
    for _ in range(250):
        given = system(generator)
        taus = {name: given[name] for name in ("tau_u", "tau_x")}
        whole = np.linalg.eigvals(single_loop_matrix(**given)).real.max()
        mu, stages = single_loop_eigenvalues(given["ws"], given["b"]), len(given["ws"])
        found = single_loop_abscissa(mu, stages, given["leak"], **taus)
        # Where a mode of surplus units is the slowest it is not in the roots.
        assert max(found, -1 / given["tau_x"]) == pytest.approx(max(whole, -1 / given["tau_x"]), rel=1e-6, abs=1e-9)
        verdict = single_loop_is_stable(**given)
        assert verdict.stable == (whole < 0) and not verdict.marginal
        bound = single_loop_bound(stages, given["leak"], angle=np.angle(mu), **taus)
        assert verdict.stable == bool((np.abs(mu) < bound).all())
        assert bool(verdict.remedy) != verdict.stable
        if stages == 1:
            assert verdict.stable == is_stable(given["ws"][0], given["b"], given["leak"], **taus).stable
        stable += verdict.stable
    assert 50 < stable < 200


def test_stability_in_steps_is_that_of_steps_as_published() -> None:
    generator = np.random.default_rng(1)
    stable, lost = 0, 0
    for _ in range(150):
        given = system(generator)
        dt = min(given["tau_u"], given["tau_x"]) * 10 ** generator.uniform(-1, 0.5)
        radius = np.abs(np.linalg.eigvals(step_matrix(**given, dt=dt))).max()
        verdict = single_loop_is_stable(**given, dt=dt)
        assert verdict.stable == (radius < 1)
        plain = single_loop_is_stable(**given, dt=dt, order="together")
        matrix = single_loop_matrix(**given)
        assert plain.stable == (np.abs(np.linalg.eigvals(np.eye(len(matrix)) + dt * matrix)).max() < 1)
        stable += verdict.stable
        lost += not verdict and bool(single_loop_is_stable(**given))
    assert 25 < stable < 125 and lost > 0


def test_closed_forms_of_the_bound() -> None:
    assert np.isinf(single_loop_bound(1, 0.0))
    for leak in (0.0, 0.01, 0.5):
        assert single_loop_bound(2, leak) == pytest.approx(2 * (1 + leak) ** 2, rel=1e-12)
    assert single_loop_bound(3, 0.0) == pytest.approx(8 / 9, rel=1e-12)
    assert single_loop_bound(4, 0.0) == pytest.approx(0.57, abs=0.005)
    # Without leak a slower controller multiplies it.
    assert single_loop_bound(2, 0.0, tau_u=5.0) == pytest.approx(10, rel=1e-12)
    # Positive feedback only below the leak; none at right angles without one.
    assert single_loop_bound(2, 0.3, angle=0.0) == pytest.approx(0.3, rel=1e-9)
    assert single_loop_bound(2, 0.0, angle=np.pi / 2) == pytest.approx(0, abs=1e-9)
    # One stage: the parabola of one layer's criterion.
    for angle in (2.0, 2.5, 3.0):
        bound = float(single_loop_bound(1, 0.1, tau_u=2.0, tau_x=0.7, angle=angle))
        p, q = bound * np.cos(angle), bound * np.sin(angle)
        assert (2.0 + 0.1 * 0.7) ** 2 * (0.1 - p) == pytest.approx(2.0 * 0.7 * q**2, rel=1e-9)


@pytest.mark.parametrize("stages", [2, 3, 4])
def test_the_bound_is_where_the_abscissa_changes_sign(stages: int) -> None:
    for leak in (0.0, 0.1):
        bound = float(single_loop_bound(stages, leak, tau_u=2.0))
        below, above = (single_loop_abscissa(np.array([-f * bound]), stages, leak, tau_u=2.0) for f in (0.9999, 1.0001))
        assert below < 0 < above


def test_the_published_order_and_step_allow_three_times_the_bound() -> None:
    w = np.eye(1)
    for size, settles in ((5.99, True), (6.01, False)):
        assert single_loop_is_stable([w, w], -size * w, 0.0, 0.5).stable == settles
        assert not single_loop_is_stable([w, w], -size * w, 0.0)
        assert (np.abs(np.linalg.eigvals(step_matrix([w, w], -size * w, 0.0, 1, 1, 0.5))).max() < 1) == settles


def chain(hidden: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """W_2, W_3 and their layers' feedback for 20-hidden-10."""
    generator = np.random.default_rng(2)
    w2, w3 = generator.standard_normal((hidden, 20)) / 20**0.5, generator.standard_normal((10, hidden)) / hidden**0.5
    return w2, w3, -w2.T, -w3.T


def test_one_loop_is_as_good_as_one_for_each_layer_where_the_output_can_be_inverted() -> None:
    angles = {}
    for hidden in (10, 15):
        w2, w3, b1, b2 = chain(hidden)
        above = inverse(w3, b2, 0.0)
        apart = inverse(w2, b1, 0.0) @ above, above
        for name, b in (("product", -b1 @ b2), ("exact", b1 @ np.linalg.inv(w2 @ b1) @ b2)):
            found = single_loop_fixed_point([w2, w3], b, 0.0)
            angles[hidden, name] = [float(matrix_angle.measure(f, a)) for f, a in zip(found, apart, strict=True)]
    assert max(angles[10, "product"]) < 1e-4
    assert min(angles[15, "product"]) > 5
    assert max(angles[10, "exact"] + angles[15, "exact"]) < 1e-4


def test_the_loop_settles_at_its_fixed_point() -> None:
    w2, w3, b1, b2 = chain(15)
    b = -0.1 * b1 @ b2
    target = np.random.default_rng(3).standard_normal(10)
    x1, x2, u = np.zeros(20), np.zeros(15), np.zeros(10)
    verdict = single_loop_is_stable([w2, w3], b, 0.05, 0.5)
    assert verdict
    for _ in range(int(-40 / verdict.abscissa / 0.5)):
        x1 = x1 + 0.5 * (b @ u - x1)
        x2 = x2 + 0.5 * (w2 @ x1 - x2)
        u = u + 0.5 * (w3 @ x2 - target - 0.05 * u)
    for got, matrix in zip((x1, x2), single_loop_fixed_point([w2, w3], b, 0.05), strict=True):
        assert np.linalg.norm(got - matrix @ target) < 1e-10 * np.linalg.norm(got)


def test_remedies_name_what_would_help() -> None:
    w2, w3 = np.eye(2), np.eye(2)
    large = single_loop_is_stable([w2, w3], -4.0 * np.eye(2), 0.0)
    assert not large and "multiplied by less than 0.5" in large.remedy and "-4" in large.remedy
    assert single_loop_is_stable([w2, w3], -4.0 * 0.499 * np.eye(2), 0.0)
    assert "negative feedback" in single_loop_is_stable([w2, w3], np.eye(2), 0.0).remedy
    assert "time step" in single_loop_is_stable([w2, w3], -np.eye(2), 0.0, 3.0).remedy
    assert single_loop_is_stable([w2, w3], -2 * np.eye(2), 0.0).marginal
    with pytest.raises(ConfigError, match="W_3: got shape"):
        single_loop_is_stable([w2, np.eye(3)], np.eye(2), 0.0)
    with pytest.raises(ConfigError, match="feedback weights"):
        single_loop_fixed_point([w2, w3], np.eye(3), 0.0)
    with pytest.raises(ConfigError, match="none"):
        single_loop_fixed_point([], np.eye(3), 0.0)
