"""One time step as statements: against solutions in closed form, and the order of each method's error."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from neurosim.equations.array_code import block_function
from neurosim.equations.discretise import METHODS, abstract_code, coupled, resolve_method
from neurosim.equations.parse import parse_equations
from neurosim.errors import EquationError


def integrate(text: str, method: str, duration: float, dt: float, **values: Any) -> dict[str, float]:
    equations = parse_equations(text)
    names = tuple(equation.name for equation in equations.of("differential"))
    function = block_function("advance", abstract_code(equations, method), names)
    compiled = function.compile(np)
    for step in range(round(duration / dt)):
        values |= {"dt": dt, "t": step * dt}
        moved = compiled(**{name: values[name] for name in function.arguments})
        values.update(zip(names, moved if len(names) > 1 else (moved,), strict=True))
    return {name: float(values[name]) for name in names}


@pytest.mark.parametrize("dt", [1e-4, 1e-3, 2e-2])
def test_exact_is_exact_at_any_time_step(dt: float) -> None:
    got = integrate("dv/dt = (x - v)/tau : 1\nx : 1\ntau : second", "exact", 0.02, dt, v=0.2, x=1.0, tau=0.01)
    assert got["v"] == pytest.approx(1 - 0.8 * math.exp(-2), rel=1e-13)


def test_exact_for_coupled_equations() -> None:
    text = "dv/dt = (i_syn - v)/tau_m : 1\ndi_syn/dt = -i_syn/tau_s : 1\ntau_m : second\ntau_s : second"
    got = integrate(text, "exact", 0.03, 1e-3, v=0.0, i_syn=1.0, tau_m=0.02, tau_s=0.005)
    expected = 0.005 / 0.015 * (math.exp(-0.03 / 0.02) - math.exp(-0.03 / 0.005))
    assert got["v"] == pytest.approx(expected, rel=1e-12)
    assert got["i_syn"] == pytest.approx(math.exp(-6), rel=1e-12)


def test_equations_that_may_oscillate_are_solved_exactly() -> None:
    text = "dx/dt = (b*u - x)/tau : 1\ndu/dt = (w*x - u)/tau : 1\nb : 1\nw : 1\ntau : second"
    assert resolve_method(parse_equations(text), None) == "exact"
    got = integrate(text, "exact", 0.02, 2e-3, x=1.0, u=0.0, b=1.0, w=-4.0, tau=0.01)
    assert got["x"] == pytest.approx(math.exp(-2) * math.cos(4), rel=1e-12)
    assert got["u"] == pytest.approx(-2 * math.exp(-2) * math.sin(4), rel=1e-12)
    # One way only, or with a root that was written.
    assert resolve_method(parse_equations(text.replace("b*u - x", "-x")), None) == "exact"
    assert resolve_method(parse_equations("dx/dt = -sqrt(w)*x/second : 1\nw : 1"), None) == "exact"


def test_exact_advances_separate_groups_in_one_step() -> None:
    text = "dv/dt = (y - v)/second : 1\ndw/dt = -w/second : 1\ny = 2*x : 1\ndx/dt = -x/second : 1\nd_x : 1"
    equations = parse_equations(text.replace("d_x", "other"))
    assert coupled(equations) == (frozenset({"v", "x"}), frozenset({"w"}))
    got = integrate(text.replace("d_x", "other"), "exact", 1.0, 0.5, v=0.0, w=1.0, x=0.5)
    assert got["w"] == pytest.approx(math.exp(-1), rel=1e-13)
    assert got["x"] == pytest.approx(0.5 * math.exp(-1), rel=1e-13)


@pytest.mark.parametrize("method", ["exact", "exponential_euler"])
def test_a_leak_with_a_changing_rate(method: str) -> None:
    got = integrate("dv/dt = -g*v/second : 1\ng : 1", method, 1.0, 0.25, v=1.0, g=3.0)
    assert got["v"] == pytest.approx(math.exp(-3), rel=1e-13)


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("rk2", 2), ("rk4", 4), ("heun", 1)])
def test_order_of_the_error(method: str, order: int) -> None:
    # Brian2's heun corrects for multiplicative noise only: without noise it is Euler's method.
    # The logistic equation has a closed form: v = 1/(1 + 9 exp(-t)).
    text = "dv/dt = v*(1 - v)/second : 1"
    steps = np.array([0.2, 0.1, 0.05, 0.025])
    exact = 1 / (1 + 9 * math.exp(-2))
    errors = [abs(integrate(text, method, 2.0, dt, v=0.1)["v"] - exact) for dt in steps]
    slope = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert slope == pytest.approx(order, abs=0.2)


def test_exponential_euler_is_of_first_order_and_stable() -> None:
    text = "dv/dt = (w - v)/second : 1\ndw/dt = -v*w/second : 1"
    reference = integrate(text, "rk4", 1.0, 0.001, v=0.1, w=1.0)["v"]
    steps = np.array([0.1, 0.05, 0.025, 0.0125])
    errors = [abs(integrate(text, "exponential_euler", 1.0, dt, v=0.1, w=1.0)["v"] - reference) for dt in steps]
    assert np.polyfit(np.log(steps), np.log(errors), 1)[0] == pytest.approx(1, abs=0.2)
    stiff = integrate("dv/dt = -1000*v/second : 1", "exponential_euler", 1.0, 0.1, v=1.0)
    assert abs(stiff["v"]) < 1e-6


@pytest.mark.parametrize("method", [m for m in METHODS if m != "milstein"])
def test_subexpressions_are_put_in(method: str) -> None:
    text = "dv/dt = current/tau : 1\ncurrent = x - leak : 1\nleak = v : 1\nx : 1\ntau : second"
    got = integrate(text, method, 0.05, 1e-4, v=0.0, x=2.0, tau=0.01)
    assert got["v"] == pytest.approx(2 * (1 - math.exp(-5)), rel=1e-3)


def test_refractoriness_holds_a_variable_still() -> None:
    text = "dv/dt = (2 - v)/second : 1 (unless refractory)\ndw/dt = -w/second : 1"
    held = integrate(text, "rk2", 1.0, 0.1, v=0.5, w=1.0, not_refractory=False)
    assert held["v"] == 0.5
    assert held["w"] == pytest.approx(math.exp(-1), rel=1e-2)


def test_time_can_stand_in_an_equation() -> None:
    got = integrate("dv/dt = t/second**2 : 1", "euler", 1.0, 1e-3, v=0.0)
    assert got["v"] == pytest.approx(0.5, rel=2e-3)


def test_noise_is_a_draw_for_each_neuron_and_step() -> None:
    code = abstract_code(parse_equations("dv/dt = -v/second + xi*second**-0.5 : 1"), "euler")
    function = block_function("advance", code, ("v",))
    assert [law for _, law in function.draws] == ["normal"]
    ((draw, _),) = function.draws
    moved = function.compile(np)(**{"v": 1.0, "dt": 0.01, draw: 2.0})
    assert moved == pytest.approx(1 - 0.01 + 2 * 0.1)


@pytest.mark.parametrize(
    ("text", "method"),
    [
        ("dv/dt = -v/second : 1", "exact"),
        ("dv/dt = -v**2/second : 1", "euler"),
        ("dv/dt = -v/second + xi*second**-0.5 : 1", "euler"),
        ("dv/dt = -v/second + v*xi*second**-0.5 : 1", "heun"),
    ],
)
def test_the_first_method_that_fits(text: str, method: str) -> None:
    assert resolve_method(parse_equations(text), None) == method


@pytest.mark.parametrize(
    ("text", "method", "message"),
    [
        ("dv/dt = -v**2/second : 1", "exact", "exact"),
        ("dv/dt = exp(v)/second : 1", "exponential_euler", "exponential_euler"),
        ("dv/dt = -v/second + xi*second**-0.5 : 1", "rk4", "rk4"),
        ("dv/dt = -v/second : 1", "gsl_rk4", "unknown integration method"),
        ("dv/dt = (v - v)**-1/second : 1", "euler", "finite real number"),
        ("dv/dt = -v/second : 1", "__import__('os')", "unknown integration method"),
    ],
)
def test_a_method_that_does_not_fit_is_refused(text: str, method: str, message: str) -> None:
    with pytest.raises(EquationError, match=message):
        resolve_method(parse_equations(text), method)


def test_nothing_to_integrate() -> None:
    assert abstract_code(parse_equations("v : 1"), "euler") == ""
