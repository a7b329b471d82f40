"""Dynamic inversion: predicted stability against eigenvalues, steps and integration; fixed points; repair.

(Over 300 lines: closed forms of one kind of loop, held against the same random systems.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from neurosim.errors import ConfigError
from neurosim.stability.abscissa import abscissa_gradient, stabilised
from neurosim.stability.inverse import Form, inverse, pseudo_inverse
from neurosim.stability.inversion import abscissa, is_stable, leak_needed, loop_matrix, product_eigenvalues
from neurosim.stability.inversion_steps import Order, is_stable_in_steps, largest_step_stable

ORDERS: tuple[Order, ...] = ("controller_first", "together")


def system(generator: np.random.Generator) -> dict[str, Any]:
    """A random loop: either layer wider, half of the feedback near the negative transpose, time constants apart."""
    above, below = generator.integers(1, 9, 2)
    w = generator.standard_normal((above, below)) * 10 ** generator.uniform(-1.5, 0.5)
    b = -w.T * generator.uniform(0.2, 2) if generator.random() < 0.5 else np.zeros((below, above))
    b = b + generator.standard_normal(b.shape) * 10 ** generator.uniform(-2, 0.5)
    leak = float(generator.choice([0.0, 0.001, 0.01, 0.1, 1.0])) * generator.uniform(0.5, 2)
    taus = {"tau_u": 10 ** generator.uniform(-1.5, 1.5), "tau_x": 10 ** generator.uniform(-1.5, 1.5)}
    return {"w": w, "b": b, "leak": leak, **taus}


def neutral(given: dict[str, Any]) -> bool:
    return given["leak"] == 0 and given["w"].shape[0] > given["w"].shape[1]


def step_matrix(given: dict[str, Any], dt: float, order: str) -> np.ndarray:
    """One step of Euler's method on the whole loop, column by column, as a simulation would do it."""
    w, b = given["w"], given["b"]
    tau_u, tau_x = given.get("tau_u", 1.0), given.get("tau_x", 1.0)
    columns = []
    for start in np.eye(sum(w.shape)):
        x, u = start[: w.shape[1]], start[w.shape[1] :]
        new_u = u + dt / tau_u * (-given["leak"] * u + w @ x)
        new_x = x + dt / tau_x * (-x + b @ (new_u if order == "controller_first" else u))
        columns.append(np.concatenate([new_x, new_u]))
    return np.stack(columns, axis=1)


def run(w: np.ndarray, b: np.ndarray, leak: float, target: np.ndarray, dt: float, steps: int, order: Order) -> Any:
    x, u = np.zeros(w.shape[1]), np.zeros(w.shape[0])
    for _ in range(steps):
        new = u + dt * (-leak * u + w @ x - target)
        x = x + dt * (-x + b @ (new if order == "controller_first" else u))
        u = new
    return x


def test_stability_is_that_of_the_whole_matrix() -> None:
    generator = np.random.default_rng(0)
    seen = {"stable": 0, "unstable": 0, "marginal": 0, "naive rule wrong": 0}
    for _ in range(1000):
        given = system(generator)
        whole = np.linalg.eigvals(loop_matrix(**given)).real.max()
        verdict = is_stable(**given)
        assert verdict.abscissa == pytest.approx(
            whole, rel=1e-7, abs=1e-9 * float(np.linalg.norm(loop_matrix(**given)))
        )
        assert abscissa(**given) == verdict.abscissa
        if neutral(given) and abs(whole) < 1e-9:
            assert verdict.marginal and not verdict.stable
            seen["marginal"] += 1
            continue
        assert not verdict.marginal
        assert verdict.stable == (whole < 0) == bool(verdict)
        assert bool(verdict.remedy) != verdict.stable
        seen["stable" if verdict else "unstable"] += 1
        naive = np.linalg.eigvals(given["w"] @ given["b"]).real.max() < given["leak"]
        seen["naive rule wrong"] += naive and not verdict.stable
        assert naive or not verdict.stable
    assert all(count >= 5 for count in seen.values()), seen


def test_stability_is_that_of_a_simulation() -> None:
    # The flow over doubling times, of random beginnings: the exponential of the matrix, squared again and again.
    generator = np.random.default_rng(1)
    counted = 0
    for _ in range(1100):
        given = system(generator)
        verdict = is_stable(**given)
        matrix = loop_matrix(**given)
        if verdict.marginal or abs(verdict.abscissa) < 1e-9 * np.linalg.norm(matrix):
            assert neutral(given)
            continue
        length = 1 / np.linalg.norm(matrix)
        flow, size = expm(matrix * length), generator.standard_normal(len(matrix))
        while length < 40 / abs(verdict.abscissa):
            flow, length = flow @ flow, 2 * length
            if not np.abs(flow).max() < 1e60:
                break
        end = np.linalg.norm(flow @ size)
        assert (end < 1e-3) if verdict else (end > 1e3)
        counted += 1
    assert counted >= 1000


@pytest.mark.parametrize("order", ORDERS)
def test_stability_in_steps_is_that_of_simulated_steps(order: Order) -> None:
    generator = np.random.default_rng(2)
    counts = {"stable": 0, "unstable": 0, "marginal": 0, "stable in continuous time only": 0}
    for _ in range(600):
        given = system(generator)
        dt = min(given["tau_u"], given["tau_x"]) * 10 ** generator.uniform(-2, 0.6)
        verdict = is_stable_in_steps(**given, dt=dt, order=order)
        matrix = step_matrix(given, dt, order)
        radius = np.abs(np.linalg.eigvals(matrix)).max()
        assert np.exp(verdict.abscissa * dt) == pytest.approx(radius, rel=1e-6)
        if verdict.marginal:
            assert abs(radius - 1) < 1e-9 and neutral(given)
            counts["marginal"] += 1
            continue
        assert verdict.stable == (radius < 1)
        assert bool(verdict.remedy) != verdict.stable
        counts["stable" if verdict else "unstable"] += 1
        counts["stable in continuous time only"] += bool(is_stable(**given)) and not verdict
        # Plain Euler only adds to growth.
        assert order == "controller_first" or is_stable(**given) or not verdict
    assert all(count >= 10 for count in counts.values()), counts


@pytest.mark.parametrize("order", ORDERS)
def test_all_steps_below_the_largest_are_stable_and_longer_ones_are_not(order: Order) -> None:
    generator = np.random.default_rng(3)
    found = 0
    for _ in range(200):
        given = system(generator)
        limit = largest_step_stable(**given, order=order)
        assert (limit > 0) == bool(is_stable(**given))
        if not limit:
            continue
        found += 1
        assert np.isfinite(limit)
        for share in (0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.9999):
            matrix = step_matrix(given, share * limit, order)
            assert np.abs(np.linalg.eigvals(matrix)).max() < 1
        longer = np.abs(np.linalg.eigvals(step_matrix(given, 1.0001 * limit, order))).max()
        assert longer > 1
    assert found > 50


@pytest.mark.parametrize(
    ("order", "mu", "settles"),
    [
        ("controller_first", -11.9, True),
        ("controller_first", -12.1, False),
        ("together", -1.9, True),
        ("together", -2.1, False),
    ],
)
def test_the_published_step_converges_up_to_an_eigenvalue(order: Order, mu: float, settles: bool) -> None:
    w, b, target = np.array([[1.0]]), np.array([[mu]]), np.array([1.0])
    assert bool(is_stable_in_steps(w, b, 0.001, 0.5, order=order)) == settles
    x = run(w, b, 0.001, target, 0.5, 4000, order)
    assert (abs(float(x[0]) - mu / (mu - 0.001)) < 1e-9) if settles else abs(float(x[0])) > 1e6


@pytest.mark.parametrize("dt", [0.1, 0.5, 1.0])
def test_closed_forms_of_the_largest_eigenvalue_in_steps(dt: float) -> None:
    for size, order in zip(((4 - 2 * dt) / dt**2, 1 / dt), ORDERS, strict=True):
        found = largest_step_stable(np.eye(1), -size * np.eye(1), 0.0, order=order)
        assert found == pytest.approx(dt, rel=1e-9)


def test_moving_the_controller_first_can_damp_a_loop_that_grows_in_continuous_time() -> None:
    size, turn = 0.1, (1.2 * 0.1) ** 0.5
    w, b = np.eye(2), np.array([[-size, -turn], [turn, -size]])
    assert not is_stable(w, b, 0.0)
    assert is_stable_in_steps(w, b, 0.0, 0.5) and not is_stable_in_steps(w, b, 0.0, 0.5, order="together")
    assert largest_step_stable(w, b, 0.0) == 0
    assert np.linalg.norm(w @ run(w, b, 0.0, np.ones(2), 0.5, 10000, "controller_first") - 1) < 1e-9


def test_positive_feedback_is_stable_only_below_the_leak() -> None:
    w = np.random.default_rng(4).standard_normal((4, 7))
    largest = float(np.linalg.norm(w, 2)) ** 2
    above, below = is_stable(w, w.T, 0.99 * largest), is_stable(w, w.T, 1.01 * largest)
    assert not above and "leak" in above.remedy
    assert below and np.linalg.norm(inverse(w, w.T, 1.01 * largest) @ w) > 1
    assert is_stable(w, -w.T, 0.0)
    assert leak_needed(product_eigenvalues(w, w.T)) == pytest.approx(largest, rel=1e-9)


def test_the_leak_that_is_named_is_the_smallest_that_stabilises() -> None:
    generator = np.random.default_rng(5)
    for _ in range(100):
        given = system(generator)
        mu = product_eigenvalues(given["w"], given["b"])
        leak = leak_needed(mu, tau_u=given["tau_u"], tau_x=given["tau_x"])
        if leak > 1e-9:
            assert not is_stable(**{**given, "leak": leak * (1 - 1e-6)})
            assert is_stable(**{**given, "leak": leak * (1 + 1e-6)})
            if not is_stable(**given).stable and not is_stable(**given).marginal:
                assert f"{leak:.3g}" in is_stable(**given).remedy


def test_expanding_without_leak_is_marginal() -> None:
    w = np.random.default_rng(6).uniform(-1, 1, (20, 10))
    verdict = is_stable(w, -w.T, 0.0)
    assert verdict.marginal and not verdict.stable and abs(verdict.abscissa) < 1e-12
    assert "10 of 20" in verdict.remedy
    assert abs(np.linalg.eigvals(loop_matrix(w, -w.T, 0.0)).real.max()) < 1e-12
    damped = is_stable(w, -w.T, 0.01)
    assert damped and damped.abscissa == pytest.approx(-0.01, rel=1e-12)
    stepped = is_stable_in_steps(w, -w.T, 0.0, 0.1)
    assert stepped.marginal and "leak" in stepped.remedy


def test_weights_without_full_rank_are_marginal_without_leak() -> None:
    w = np.random.default_rng(7).standard_normal((3, 6))
    w[2] = w[0] + w[1]
    assert is_stable(w, -w.T, 0.0).marginal and is_stable(w, -w.T, 0.001)


def pair(contracting: bool, seed: int = 8) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    shape = (10, 20) if contracting else (20, 10)
    w = generator.standard_normal(shape) / np.sqrt(shape[1])
    return w, -w.T + 0.05 * generator.standard_normal(shape[::-1])


@pytest.mark.parametrize(("contracting", "leak"), [(True, 0.0), (True, 0.01), (True, 0.1), (False, 0.01), (False, 0.1)])
def test_the_dynamics_settle_at_the_fixed_point(contracting: bool, leak: float) -> None:
    w, b = pair(contracting)
    target = np.random.default_rng(9).standard_normal(w.shape[0])
    expected = inverse(w, b, leak) @ target
    rate = -abscissa(w, b, leak)
    assert rate > 0
    stepped = run(w, b, leak, target, 0.5, int(60 / rate), "controller_first")
    assert np.linalg.norm(stepped - expected) < 1e-10 * np.linalg.norm(expected)
    matrix, drive = loop_matrix(w, b, leak, tau_u=2.0, tau_x=0.5), np.concatenate([np.zeros(w.shape[1]), target])
    found = solve_ivp(
        lambda _, state: matrix @ state - drive / 2.0,
        (0, 200 / rate),
        0 * drive,
        rtol=1e-10,
        atol=1e-12,
        method="LSODA",
    )
    assert np.linalg.norm(found.y[: w.shape[1], -1] - expected) < 1e-7 * np.linalg.norm(expected)


@pytest.mark.parametrize("contracting", [True, False])
def test_the_two_forms_agree_with_a_leak(contracting: bool) -> None:
    w, b = pair(contracting)
    right, left = inverse(w, b, 0.01, "right"), inverse(w, b, 0.01, "left")
    assert np.linalg.norm(right - left) < 1e-10 * np.linalg.norm(right)
    damped = pseudo_inverse(w, 0.01)
    assert np.linalg.norm(inverse(w, -w.T, 0.01) - damped) < 1e-10 * np.linalg.norm(damped)
    other = w.T @ np.linalg.inv(w @ w.T + 0.01 * np.eye(len(w)))
    assert np.linalg.norm(other - damped) < 1e-10 * np.linalg.norm(damped)


def test_any_stable_feedback_inverts_and_only_its_row_space_gives_the_smallest_solution() -> None:
    w, b = pair(True)
    assert is_stable(w, b, 0.0)
    found = inverse(w, b, 0.0)
    assert np.linalg.norm(w @ found - np.eye(10)) < 1e-10
    assert np.linalg.norm(found - np.linalg.pinv(w)) > 1e-2 * np.linalg.norm(found)
    mixed = -w.T @ (np.eye(10) + 0.1 * np.random.default_rng(10).standard_normal((10, 10)))
    for feedback in (-w.T, mixed):
        assert np.linalg.norm(inverse(w, feedback, 0.0) - np.linalg.pinv(w)) < 1e-10 * np.linalg.norm(found)


@pytest.mark.parametrize("contracting", [True, False])
def test_negative_transpose_without_leak_is_pseudobackprop(contracting: bool) -> None:
    w, b = pair(contracting)
    expected = np.linalg.pinv(w)
    assert np.linalg.norm(inverse(w, -w.T, 0.0) - expected) < 1e-10 * np.linalg.norm(expected)
    assert np.linalg.norm(pseudo_inverse(w) - expected) < 1e-10 * np.linalg.norm(expected)
    if not contracting:
        assert np.linalg.norm(inverse(w, b, 0.0) @ w - np.eye(10)) < 1e-10


def test_a_singular_form_is_refused_or_solved_by_least_squares() -> None:
    cases: list[tuple[bool, Form, Form]] = [(True, "left", "right"), (False, "right", "left")]
    for contracting, form, right in cases:
        w, b = pair(contracting)
        with pytest.raises(ConfigError, match=f"got '{form}'.*expected '{right}'"):
            inverse(w, b, 0.0, form)
        solved = inverse(w, -w.T, 0.0, form, least_squares=True)
        assert np.linalg.norm(solved - np.linalg.pinv(w)) < 1e-9 * np.linalg.norm(solved)


@pytest.mark.parametrize("contracting", [True, False])
def test_inverses_in_jax(contracting: bool) -> None:
    jax = pytest.importorskip("jax")
    w, b = pair(contracting)
    with jax.enable_x64(True) if hasattr(jax, "enable_x64") else jax.experimental.enable_x64():

        def both(w: Any, b: Any) -> Any:
            return inverse(w, b, 0.01, xp=jax.numpy), inverse(w, b, 0.0, least_squares=True, xp=jax.numpy)

        expected = inverse(w, b, 0.01), inverse(w, b, 0.0), pseudo_inverse(w)
        for got, right in zip((*jax.jit(both)(w, b), pseudo_inverse(w, xp=jax.numpy)), expected, strict=True):
            np.testing.assert_allclose(got, right, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape", [(4, 6), (5, 5), (6, 4)])
def test_the_gradient_of_the_abscissa_against_finite_differences(shape: tuple[int, int]) -> None:
    generator = np.random.default_rng(11)
    compared = 0
    for _ in range(20):
        w, b = generator.standard_normal(shape), generator.standard_normal(shape[::-1])
        taus = {"tau_u": generator.uniform(0.3, 3), "tau_x": generator.uniform(0.3, 3)}
        leak = generator.uniform(0.01, 0.5)
        slowest, gradient = abscissa_gradient(w, b, leak, **taus)
        if slowest != pytest.approx(abscissa(w, b, leak, **taus)):
            continue
        compared += 1
        numbers = np.zeros_like(b)
        for place in np.ndindex(*b.shape):
            shift = np.zeros_like(b)
            shift[place] = 1e-6
            ends = [np.linalg.eigvals(loop_matrix(w, b + s, leak, **taus)).real.max() for s in (shift, -shift)]
            numbers[place] = (ends[0] - ends[1]) / 2e-6
        cosine = np.sum(numbers * gradient) / (np.linalg.norm(numbers) * np.linalg.norm(gradient))
        assert cosine > 0.999
        assert np.linalg.norm(gradient) == pytest.approx(np.linalg.norm(numbers), rel=1e-3)
    assert compared >= 10


def test_repair_stabilises_every_random_pair_of_the_published_law() -> None:
    generator = np.random.default_rng(12)
    unstable = 0
    for _ in range(30):
        w, b = generator.uniform(-0.01, 0.01, (10, 20)), generator.uniform(-0.01, 0.01, (20, 10))
        unstable += not is_stable(w, b, 0.0)
        kept = b.copy()
        found = stabilised(w, b, 0.0)
        assert found.succeeded and found.steps <= 200
        assert np.linalg.eigvals(loop_matrix(w, found.feedback, 0.0)).real.max() < 0
        np.testing.assert_array_equal(b, kept)
    assert unstable >= 25


def test_repair_stops_at_its_margin_and_says_when_it_fails() -> None:
    generator = np.random.default_rng(13)
    w, b = generator.standard_normal((20, 10)), 0.1 * generator.standard_normal((10, 20))
    found = stabilised(w, b, 0.1, tau_u=3.0, steps_max=2000)
    assert found.succeeded and 10 <= found.steps < 2000
    assert abscissa_gradient(w, found.feedback, 0.1, tau_u=3.0)[0] <= -0.01
    failed = stabilised(w, 10 * b, 0.001, rate=1e-6, steps_min=0, steps_max=3)
    assert not failed.succeeded and failed.steps == 3 and failed.abscissa > 0
    with pytest.raises(ConfigError, match="20 units above 10"):
        stabilised(w, b, 0.0)
    with pytest.raises(ConfigError, match="repair"):
        stabilised(w, b, 0.1, steps_min=5, steps_max=4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"b": np.zeros((4, 6))}, r"feedback weights: got shape \(4, 6\).*\(4, 6\)"),
        ({"leak": -0.1}, "leak: got -0.1"),
        ({"tau_u": 0.0}, "tau_u: got 0.0"),
        ({"tau_x": np.nan}, "tau_x"),
        ({"w": np.full((4, 6), np.inf)}, "finite"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], message: str) -> None:
    given = {"w": np.ones((4, 6)), "b": np.ones((6, 4)), "leak": 0.1, **changes}
    for function in (loop_matrix, abscissa, is_stable, largest_step_stable, stabilised):
        with pytest.raises(ConfigError, match=message):
            function(**given)
    with pytest.raises(ConfigError, match=message):
        is_stable_in_steps(**given, dt=0.1)
