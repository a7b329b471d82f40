"""Exact solutions where rates are alike, zero, or of either sign: the closed form, in both precisions and engines."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from brian2.equations.equations import Equations
from brian2.stateupdaters.exact import exact

from neurosim import NeuronModel, simulate
from neurosim.equations.array_code import block_function
from neurosim.equations.discretise import abstract_code, resolve_method
from neurosim.equations.parse import parse_equations
from neurosim.errors import EquationError
from tests.compiling import OPTIMISED

TOLERANCE = {"float64": 1e-9, "float32": 1e-6}
#: How much two rates differ from each other, relative to the first.
APART = (0.0, 1e-12, 1e-9, 1e-6, 1e-3, 0.1, 1.0, 30.0)

CHAIN_OF_TWO = "dv/dt = (g - v)/t1 : 1\ndg/dt = -g/t2 : 1\nt1 : second\nt2 : second"
CHAIN_OF_THREE = """
dx/dt = (u + y - x)/t1 : 1
dy/dt = (z - y)/t2 : 1
dz/dt = (u - z)/t3 : 1
u : 1
t1 : second
t2 : second
t3 : second
"""
DRIVEN = "dv/dt = drive - g*v : 1\ndrive : hertz\ng : hertz"
PAIR = "dx/dt = a*x + b*y + p : 1\ndy/dt = c*x + d*y + q : 1\n" + "\n".join(f"{n} : hertz" for n in "abcdpq")


@functools.cache
def _compiled(text: str, method: str) -> tuple[Any, tuple[str, ...], tuple[str, ...]]:
    equations = parse_equations(text)
    names = tuple(equation.name for equation in equations.of("differential"))
    function = block_function("advance", abstract_code(equations, method), names)
    return jax.jit(function.compile(jnp), compiler_options=OPTIMISED), function.arguments, names


def stepped(text: str, method: str, dtype: str, values: Mapping[str, float], dt: float = 1.0) -> np.ndarray:
    """All variables after one step in a precision."""
    compiled, arguments, names = _compiled(text, method)
    given = {name: np.dtype(dtype).type(value) for name, value in {**values, "dt": dt}.items()}
    with jax.enable_x64(dtype == "float64"):
        result = compiled(**{name: given[name] for name in arguments})
    return np.array(result if len(names) > 1 else (result,), dtype=np.float64)


def solution(rates: Sequence[Sequence[float]], constants: Sequence[float], start: Sequence[float]) -> np.ndarray:
    """Linear equations after one second, by the matrix exponential with fifty digits."""
    size = len(start)
    with mpmath.workdps(50):
        matrix = mpmath.zeros(size + 1)
        for row, column in itertools.product(range(size), range(size)):
            matrix[row, column] = mpmath.mpf(rates[row][column])
        for row in range(size):
            matrix[row, size] = mpmath.mpf(constants[row])
        after = mpmath.expm(matrix) * mpmath.matrix([*start, 1])
        return np.array([float(after[row]) for row in range(size)])


def rounded(dtype: str, *values: float) -> list[float]:
    return [float(np.dtype(dtype).type(value)) for value in values]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("tau", [0.05, 1.0, 300.0])
@pytest.mark.parametrize("apart", APART)
def test_filters_in_a_row_with_time_constants_alike(dtype, tau, apart):
    t1, t2, t3 = rounded(dtype, tau, tau * (1 + apart), tau / (1 + 2.3 * apart))
    v, g, z, u = rounded(dtype, 0.2, 0.9, 0.4, 0.7)
    got = stepped(CHAIN_OF_TWO, "exact", dtype, {"v": v, "g": g, "t1": t1, "t2": t2})
    np.testing.assert_allclose(
        got, solution([[-1 / t1, 1 / t1], [0, -1 / t2]], [0, 0], [v, g]), rtol=TOLERANCE[dtype], atol=1e-12
    )
    given = {"x": v, "y": g, "z": z, "u": u, "t1": t1, "t2": t2, "t3": t3}
    rates = [[-1 / t1, 1 / t1, 0], [0, -1 / t2, 1 / t2], [0, 0, -1 / t3]]
    np.testing.assert_allclose(
        stepped(CHAIN_OF_THREE, "exact", dtype, given),
        solution(rates, [u / t1, 0, u / t3], [v, g, z]),
        rtol=TOLERANCE[dtype],
        atol=1e-12,
    )


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("method", ["exact", "exponential_euler"])
@pytest.mark.parametrize("g", [0.0, 1e-300, 1e-12, 1e-9, -1e-9, 1e-3, 0.5, -2.0, 20.0])
def test_a_rate_of_zero_or_near_it(dtype, method, g):
    rate, drive, v = rounded(dtype, g, 100.0, 0.3)
    for given in (drive, 0.0):
        got = stepped(DRIVEN, method, dtype, {"v": v, "g": rate, "drive": given})
        np.testing.assert_allclose(got, solution([[-rate]], [given], [v]), rtol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(
    "rates",
    [
        (-1, 2, -3, -1),  # complex roots
        (-1, 2, 3, -1),
        (0, 1, -1, 0),
        (0, 0, 0, 0),
        (-1, 1, 0, -1),  # one way only, by a coefficient of zero
        (-1, 1, -1e-12, -1),  # roots nearly alike, on either side
        (-1, 1, 1e-12, -1),
        (-1, 1, 1, -1),  # one root is zero
        (2, 1, 1, -3),
        (-50, 3, -3, -40),
        (0, 12, -12, 0),
        (-20, 20, 20, -20),
        (1e-300, 1e-300, -1e-300, 0),
    ],
)
def test_two_variables_that_act_on_each_other(dtype, rates):
    a, b, c, d, p, q, x, y = rounded(dtype, *rates, 0.5, -0.2, 0.3, 0.8)
    given = {"a": a, "b": b, "c": c, "d": d, "p": p, "q": q, "x": x, "y": y}
    expected = solution([[a, b], [c, d]], [p, q], [x, y])
    got = stepped(PAIR, "exact", dtype, given)
    np.testing.assert_allclose(got, expected, rtol=0, atol=TOLERANCE[dtype] * np.abs(expected).max())


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_slow_time_constants_keep_their_digits(dtype):
    text = "dv/dt = (drive - v)/tau : 1\ndrive : 1\ntau : second"
    for tau in (1e2, 1e5, 1e9):
        (slow,) = rounded(dtype, tau)
        for method in ("exact", "exponential_euler"):
            got = stepped(text, method, dtype, {"v": 0.0, "drive": 1.0, "tau": slow})
            np.testing.assert_allclose(got, [-np.expm1(-1 / slow)], rtol=TOLERANCE[dtype])


def test_many_synapses_and_filters_that_end_in_one_membrane():
    text = "dv/dt = (a + b + c - v)/second : 1\n" + "\n".join(f"d{n}/dt = -{n}/second : 1" for n in "abc")
    assert resolve_method(parse_equations(text), None) == "exact"
    got = stepped(text, "exact", "float64", {"v": 0.1, "a": 1.0, "b": 0.5, "c": 0.25})
    assert got[0] == pytest.approx((0.1 + 1.75) * np.exp(-1), rel=1e-14)


@pytest.mark.parametrize(("tau_m", "tau_a"), [(5e-3, 2e-3), (20e-3, 5e-3), (1e-3, 4e-3)])
def test_what_is_regular_in_brians_own_writing_keeps_its_last_bits(tau_m, tau_a):
    text = "da/dt = (v - u - a)/tau_a : 1\ndv/dt = (u - v)/tau_m : 1\nu : 1\ntau_m : second\ntau_a : second"
    values = {"a": 0.3, "v": -0.2, "u": 0.7, "tau_m": tau_m, "tau_a": tau_a, "dt": 1e-3}
    own = str(exact(Equations(text), {}))
    function = block_function("advance", own, ("a", "v"))
    compiled = jax.jit(function.compile(jnp), compiler_options=OPTIMISED)
    expected = compiled(**{name: np.float32(values[name]) for name in function.arguments})
    assert stepped(text, "exact", "float32", values, dt=1e-3).tolist() == [float(value) for value in expected]


@pytest.mark.parametrize("engine", ["batched", "brian"])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_equal_time_constants_over_time(engine, dtype):
    neuron = NeuronModel(
        "dv/dt = (g - v)/tau_m : 1\ndg/dt = -g/tau_s : 1",
        parameters={"tau_m": "10 ms", "tau_s": "10 ms"},
        initial={"g": 1},
    )
    assert neuron.resolved_method == "exact"
    found = simulate(neuron, "30 ms", engine=engine, dtype=dtype)
    time = found.time.values
    closed = time / 0.01 * np.exp(-time / 0.01)
    np.testing.assert_allclose(found.v.values[:, 0, 0], closed, rtol=0, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("engine", ["batched", "brian"])
@pytest.mark.parametrize("method", ["exact", "exponential_euler"])
def test_a_clamped_variable_stands_still_and_others_see_it_so(engine, method):
    neuron = NeuronModel(
        "dv/dt = (2 - v)/(10*ms) : 1 (unless refractory)\ndw/dt = (v - w)/(10*ms) : 1",
        threshold="v > 1",
        reset="v = 0.5",
        refractory="100 ms",
        method=method,
    )
    found = simulate(neuron, "30 ms", engine=engine)
    spike = int(np.argmax(found.spikes.values[:, 0, 0]))
    v, w = found.v.values[:, 0, 0], found.w.values[:, 0, 0]
    assert np.all(v[spike + 1 :] == 0.5)
    after = w[spike + 1 :]
    # Beside a constant, the two methods agree.
    closed = 0.5 + (after[0] - 0.5) * np.exp(-0.01 * np.arange(len(after)))
    np.testing.assert_allclose(after, closed, rtol=1e-12)


def test_an_oscillation_keeps_its_size():
    neuron = NeuronModel("dx/dt = k*y : 1\ndy/dt = -k*x : 1", parameters={"k": "300 Hz"}, initial={"x": 1})
    found = {engine: simulate(neuron, "100 ms", engine=engine) for engine in ("batched", "brian")}
    for one in found.values():
        np.testing.assert_allclose(one.x.values[:, 0, 0], np.cos(300 * one.time.values), atol=1e-11)


@pytest.mark.parametrize(
    "text",
    [
        "dx/dt = k*y : 1\ndy/dt = k*z : 1\ndz/dt = k*x : 1\nk : hertz",
        "\n".join(f"dx{n}/dt = (x{n + 1} - x{n})/second : 1" for n in range(5)) + "\ndx5/dt = -x5/second : 1",
        "\n".join(f"dx{n}/dt = ({' + '.join(f'x{m}' for m in range(n + 1, 9))} - x{n})/second : 1" for n in range(8))
        + "\ndx8/dt = -x8/second : 1",
    ],
)
def test_what_has_no_closed_form_here_is_refused_with_a_remedy_and_integrated_otherwise(text):
    with pytest.raises(EquationError, match=r"'exact', which cannot .*expected another"):
        resolve_method(parse_equations(text), "exact")
    assert resolve_method(parse_equations(text), None) == "euler"
