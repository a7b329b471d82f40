"""The symmetrised flow: closed forms against numerical derivatives, and where trajectories end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from neurosim.errors import ConfigError
from neurosim.stability.mirror import MatrixFlow, ScalarFlow

COEFFICIENTS = st.floats(0.05, 5.0)
WEIGHTS = st.floats(-2.0, 2.0)


def numerical_jacobian(field: Any, at: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """Central differences, one column for each number of `at`."""
    shifts = step * np.eye(at.size)
    return np.stack([(field(at + shift) - field(at - shift)) / (2 * step) for shift in shifts], axis=1)


def matrix_flow(seed: int = 0, *, inputs: int = 5, outputs: int = 3, **coefficients: float) -> MatrixFlow:
    generator = np.random.default_rng(seed)
    basis = np.linalg.qr(generator.standard_normal((inputs, inputs)))[0]
    values = np.linspace(4.0, 0.5, inputs)
    given = {"amp": 1.0, "decay": 1.0, "null": 1.0, **coefficients}
    return MatrixFlow(covariance=basis @ np.diag(values) @ basis.T, outputs=outputs, **given)


def flat_field(flow: MatrixFlow, inputs: int = 5, outputs: int = 3) -> Any:
    """The field on one long vector, forward weights first."""

    def field(flat: np.ndarray) -> np.ndarray:
        forward, feedback = flat[: inputs * outputs].reshape(outputs, inputs), flat[inputs * outputs :]
        changes = flow.field(forward, feedback.reshape(inputs, outputs))
        return np.concatenate([change.ravel() for change in changes])

    return field


@given(COEFFICIENTS, COEFFICIENTS, st.sampled_from([0.0, 0.3, 1.0]), COEFFICIENTS, WEIGHTS, WEIGHTS)
def test_the_scalar_jacobian_is_the_fields_derivative(
    amp: float, decay: float, null: float, variance: float, w: float, b: float
) -> None:
    flow = ScalarFlow(amp, decay, null, variance)
    numerical = numerical_jacobian(lambda at: np.array(flow.field(*at)), np.array([w, b]))
    np.testing.assert_allclose(flow.jacobian(w, b), numerical, rtol=1e-6, atol=1e-6)


@given(COEFFICIENTS, COEFFICIENTS, st.sampled_from([0.0, 0.3, 1.0]), COEFFICIENTS)
def test_nothing_moves_at_a_fixed_point(amp: float, decay: float, null: float, variance: float) -> None:
    flow = ScalarFlow(amp, decay, null, variance)
    for point in flow.fixed_points():
        np.testing.assert_allclose(flow.field(point.forward, point.feedback), 0.0, atol=1e-9)


@given(COEFFICIENTS, COEFFICIENTS, COEFFICIENTS, WEIGHTS)
def test_weights_stand_still_on_their_nullcline(amp: float, decay: float, null: float, other: float) -> None:
    flow = ScalarFlow(amp, decay, null, 1.5)
    assert flow.field(flow.nullcline(other), other)[0] == pytest.approx(0, abs=1e-9)
    assert flow.field(other, flow.nullcline(other))[1] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("amp", "kind", "values"),
    [(2.0, "saddle", [-3.0, 1.0]), (0.5, "stable node", [-1.5, -0.5]), (1.0, "line of neutral points", [-2.0, 0.0])],
)
def test_the_weight_mirror_has_no_isolated_stable_state_but_zero(amp: float, kind: str, values: list[float]) -> None:
    """Eigenvalues -decay +- amp*variance, whatever the coefficients."""
    (point,) = ScalarFlow(amp, decay=1.0).fixed_points()
    assert point.kind == kind
    np.testing.assert_allclose(point.eigenvalues, values, atol=1e-12)
    symmetric = np.abs(point.directions[:, 1])
    np.testing.assert_allclose(symmetric, np.sqrt(0.5))
    assert np.prod(point.directions[:, 1]) > 0 > np.prod(point.directions[:, 0])


@pytest.mark.parametrize(("variance", "null"), [(1.0, 1.0), (2.0, 0.25), (0.7, 3.0)])
def test_eigenvalues_of_information_alignment(variance: float, null: float) -> None:
    """-2(amp*v - decay) along w = b, -2 decay along w = -b."""
    amp, decay = 2.0, 0.5
    zero, plus, minus = ScalarFlow(amp, decay, null, variance).fixed_points()
    assert (zero.kind, plus.kind, minus.kind) == ("saddle", "stable node", "stable node")
    for point in (plus, minus):
        along = point.directions.T @ np.array([1.0, 1.0]) / np.sqrt(2)
        expected = np.where(np.abs(along) > 0.5, -2 * (amp * variance - decay), -2 * decay)
        np.testing.assert_allclose(point.eigenvalues, expected, rtol=1e-12)


def test_below_threshold_and_on_it() -> None:
    (zero,) = ScalarFlow(0.5, 1.0, 1.0).fixed_points()
    assert zero.kind == "stable node"
    (zero,) = ScalarFlow(1.0, 1.0, 1.0).fixed_points()
    assert zero.kind == "marginal"
    # Without decay any pair with the right product stays.
    _, plus, _ = (flow := ScalarFlow(1.0, 0.0, 0.5)).fixed_points()
    assert plus.kind == "line of neutral points"
    np.testing.assert_allclose(flow.field(np.array([0.5, 4.0]), np.array([4.0, 0.5])), 0, atol=1e-12)


@pytest.mark.parametrize("amp", [1.5, 0.6])
def test_the_weight_mirror_grows_or_shrinks_at_the_predicted_rate(amp: float) -> None:
    flow = ScalarFlow(amp, decay=1.0, variance=1.1)
    course = flow.trajectory((0.3, -0.1), np.linspace(0, 8, 81))
    late = np.log(np.abs(course[60:].sum(axis=1)))
    assert np.polyfit(np.linspace(6, 8, 21), late, 1)[0] == pytest.approx(flow.growth_rate, rel=1e-3)


def test_on_the_edge_the_weight_mirror_ends_at_the_mean_of_where_it_began() -> None:
    course = ScalarFlow(1.0, decay=1.0).trajectory((0.8, -0.2), np.linspace(0, 20, 21))
    np.testing.assert_allclose(course[-1], 0.3, rtol=1e-6)


@pytest.mark.parametrize("start", [(0.01, 0.02), (3.0, -0.5), (-0.4, -2.0)])
@pytest.mark.parametrize("null", [1.0, 0.25])
def test_information_alignment_ends_at_a_predicted_point(start: tuple[float, float], null: float) -> None:
    flow = ScalarFlow(1.0, 0.5, null)
    end = flow.trajectory(start, np.linspace(0, 60, 3))[-1]
    stable = [point for point in flow.fixed_points() if point.kind == "stable node"]
    assert min(np.max(np.abs(end - [point.forward, point.feedback])) for point in stable) < 1e-6


def test_a_trajectory_stops_where_it_is_told_to() -> None:
    course = ScalarFlow(3.0, 1.0).trajectory((0.1, 0.1), np.linspace(0, 10, 101), reach=2.0)
    assert 2 < len(course) < 101 and np.max(np.abs(course)) <= 2.0


@pytest.mark.parametrize("null", [0.0, 0.7])
def test_the_matrix_jacobian_is_the_fields_derivative(null: float) -> None:
    flow, generator = matrix_flow(null=null), np.random.default_rng(4)
    forward, feedback = generator.standard_normal((3, 5)), generator.standard_normal((5, 3))
    at = np.concatenate([forward.ravel(), feedback.ravel()])
    numerical = numerical_jacobian(flat_field(flow), at)
    np.testing.assert_allclose(flow.jacobian(forward, feedback), numerical, rtol=1e-6, atol=1e-7)


def test_one_unit_above_white_activity_is_the_scalar_flow() -> None:
    scalar, matrix = ScalarFlow(1.3, 0.4, 0.8, 1.7), MatrixFlow(1.3, 0.4, np.array([[1.7]]), 1, 0.8)
    for ours, theirs in zip(scalar.field(0.3, -0.9), matrix.field(np.array([[0.3]]), np.array([[-0.9]])), strict=True):
        assert float(theirs.item()) == pytest.approx(float(ours), rel=1e-12)
    np.testing.assert_allclose(scalar.jacobian(0.3, -0.9), matrix.jacobian(np.array([[0.3]]), np.array([[-0.9]])))


def test_matrix_information_alignment_ends_at_the_predicted_spectrum() -> None:
    """W = B^T with s_i^2 = amp/null - decay/(null*lambda_i) for the largest eigenvalues."""
    flow, generator = matrix_flow(amp=1.2, null=0.8, decay=1.0), np.random.default_rng(2)
    field = flat_field(flow)
    end = solve_ivp(
        lambda _, at: field(at), (0, 400), 0.3 * generator.standard_normal(30), rtol=1e-10, atol=1e-13, method="LSODA"
    ).y[:, -1]
    forward, feedback = end[:15].reshape(3, 5), end[15:].reshape(5, 3)
    assert np.linalg.norm(forward - feedback.T) / np.linalg.norm(forward) < 1e-6
    np.testing.assert_allclose(np.linalg.svd(forward, compute_uv=False), flow.sizes, rtol=1e-5)
    # The rows span the leading modes, in any rotation.
    leading = flow.modes[1][:, :3]
    np.testing.assert_allclose(forward @ leading @ leading.T, forward, atol=1e-5)


def test_the_predicted_matrix_point_stays_and_is_stable_up_to_rotation() -> None:
    flow = matrix_flow(amp=1.2, null=0.8)
    point = flow.fixed_point()
    np.testing.assert_allclose(
        np.concatenate([part.ravel() for part in flow.field(point.forward, point.feedback)]), 0, atol=1e-12
    )
    assert point.kind == "stable up to rotation"
    # Three units above can be rotated in three planes.
    assert np.sum(np.abs(point.eigenvalues) < 1e-9) == 3
    assert flow.fixed_point((0, 1, 3)).kind == "saddle"
    assert flow.fixed_point(()).kind == "saddle"
    generator = np.random.default_rng(3)
    turn = np.linalg.qr(generator.standard_normal((3, 3)))[0]
    turned = flow.field(turn @ point.forward, point.feedback @ turn.T)
    np.testing.assert_allclose(np.concatenate([part.ravel() for part in turned]), 0, atol=1e-12)


def test_matrix_weight_mirror_grows_mode_by_mode() -> None:
    """A gain that is right for one direction of the activity is wrong for all others."""
    flow = matrix_flow(null=0.0)
    point = flow.fixed_point()
    rates = np.concatenate([flow.growth_rates, -2 * flow.decay - flow.growth_rates])
    np.testing.assert_allclose(point.eigenvalues, np.sort(np.repeat(rates, 3)), atol=1e-10)
    assert point.kind == "saddle"
    assert np.isinf(flow.sizes).all()


def test_modes_below_threshold_stay_at_zero() -> None:
    flow = matrix_flow(decay=3.5, outputs=3)
    assert np.count_nonzero(flow.sizes) == np.sum(flow.growth_rates > 0) == 1
    assert np.count_nonzero(np.linalg.svd(flow.fixed_point().forward, compute_uv=False) > 1e-12) == 1


def test_what_is_no_flow_is_refused() -> None:
    for settings, message in (
        ({"amp": 0.0, "decay": 1.0}, "amp: got 0.0"),
        ({"amp": 1.0, "decay": -1.0}, "decay: got -1.0"),
        ({"amp": 1.0, "decay": 1.0, "null": -0.1}, "null: got -0.1"),
        ({"amp": 1.0, "decay": 1.0, "variance": 0.0}, "variance: got 0.0"),
    ):
        with pytest.raises(ConfigError, match=message):
            ScalarFlow(**settings)
    with pytest.raises(ConfigError, match="symmetric matrix"):
        MatrixFlow(1.0, 1.0, np.array([[1.0, 2.0], [0.0, 1.0]]), 1)
    with pytest.raises(ConfigError, match="modes"):
        matrix_flow().fixed_point((4,))
