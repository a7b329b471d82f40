"""Algebra on equation text: derivatives, steady states, separated products."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.equations.array_code import expression_function
from neurosim.equations.parse import parse_equations
from neurosim.equations.symbolic import Term, differentiate, separate, steady_state
from neurosim.errors import EquationError
from neurosim.neurons.leaky_rate import ACTIVATIONS

GRID = np.array([-3.0, -1.2, -0.4, 0.3, 0.9, 2.5])


def value(expression: str, **values: Any) -> Any:
    function = expression_function("value", expression)
    return function.compile(np)(**{name: np.asarray(values[name], float) for name in function.arguments})


@pytest.mark.parametrize(
    "expression", [*ACTIVATIONS.values(), "exp(-v**2/2)", "1/(1 + abs(v)/0.5)**2", "v/(1 + exp(-v))"]
)
def test_derivatives_against_central_differences(expression: str) -> None:
    step = 1e-5
    difference = (value(expression, v=GRID + step) - value(expression, v=GRID - step)) / (2 * step)
    got = np.broadcast_to(value(differentiate(expression, "v"), v=GRID), GRID.shape)
    np.testing.assert_allclose(got, difference, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize(
    ("expression", "v", "expected"),
    [
        ("v*int(v > 0)", 2.0, 1.0),
        ("v*int(v > 0)", -2.0, 0.0),
        ("abs(v)", -2.0, -1.0),
        ("w*v", 1.0, 7.0),
        ("3", 1.0, 0.0),
    ],
)
def test_derivatives_of_pieces_and_constants(expression: str, v: float, expected: float) -> None:
    assert value(differentiate(expression, "v"), v=v, w=7.0) == expected


@pytest.mark.parametrize("expression", ["floor(v)", "v % 2", "clip(v, 0, 1)", "ceil(v)*v"])
def test_what_has_no_derivative_is_refused(expression: str) -> None:
    with pytest.raises(EquationError, match="no derivative"):
        differentiate(expression, "v")


@pytest.mark.parametrize("expression", ["v.real", "__import__('os')", "v**9999"])
def test_algebra_reads_checked_text_only(expression: str) -> None:
    with pytest.raises(EquationError):
        differentiate(expression, "v")
    with pytest.raises(EquationError):
        separate(expression, lambda name: "pre")


SIDES = {
    **dict.fromkeys(("r_pre", "trace_pre"), "pre"),
    **dict.fromkeys(("v_post", "delta_post"), "post"),
    **dict.fromkeys(("w", "count"), "own"),
    "reward": "trial",
    "learning_rate": "constant",
}
FACTORS = {
    "pre": ["r_pre", "trace_pre**2", "exp(-r_pre)", "tanh(r_pre*trace_pre)", "(r_pre - 0.5)"],
    "post": ["v_post", "(delta_post - v_post)", "reward", "(reward*delta_post + 1)", "tanh(v_post)"],
    "own": ["w", "count**2", "(1 - w)", "w/(1 + count**2)"],
    "constant": ["learning_rate", "2", "(-1)", "0.5"],
}
PRODUCTS = st.lists(
    st.sampled_from([factor for factors in FACTORS.values() for factor in factors]), min_size=1, max_size=4
).map("*".join)


@given(st.lists(PRODUCTS, min_size=1, max_size=4).map(" - ".join), st.integers(0, 2**32 - 1))
def test_separated_terms_add_up_to_the_rule(rule: str, seed: int) -> None:
    values = dict(zip(SIDES, np.random.default_rng(seed).uniform(-2, 2, len(SIDES)), strict=True))
    total = 0.0
    for term in separate(rule, SIDES.__getitem__):
        for text, allowed in (
            (term.post, {"post", "trial", "constant"}),
            (term.pre, {"pre"}),
            (term.own, {"own"}),
        ):
            function = expression_function("value", text)
            assert {SIDES[name] for name in function.arguments} <= allowed | {"constant", "trial"}
        total += value(term.post, **values) * value(term.pre, **values) * value(term.own, **values)
    assert total == pytest.approx(float(value(rule, **values)), rel=1e-9, abs=1e-9)


def test_shared_factors_become_one_product() -> None:
    terms = separate("learning_rate*(delta_post - v_post)*r_pre - w*r_pre", SIDES.__getitem__)
    assert len(terms) == 2
    assert {(term.pre, term.own) for term in terms} == {("r_pre", "1"), ("r_pre", "w")}


def test_a_single_factor_leaves_ones() -> None:
    assert separate("w", SIDES.__getitem__) == (Term("1", "1", "w"),)


@pytest.mark.parametrize(
    "rule", ["tanh(r_pre + v_post)", "r_pre*exp(w*v_post)", "abs(r_pre - w)", "1/(1 + r_pre*v_post)"]
)
def test_what_does_not_separate_is_named(rule: str) -> None:
    with pytest.raises(EquationError, match=r"does not separate: .* mixes"):
        separate(rule, SIDES.__getitem__)


def test_an_unknown_side_comes_from_the_caller() -> None:
    with pytest.raises(KeyError):
        separate("nosuch*w", SIDES.__getitem__)


def steady(text: str) -> dict[str, str]:
    return steady_state(parse_equations(text).of("differential"))


def test_steady_state_of_a_leak() -> None:
    found = steady("dv/dt = (drive + bias - v)/tau : 1\ndrive : 1\nbias : 1\ntau : second")
    assert float(value(found["v"], drive=0.3, bias=0.4)) == pytest.approx(0.7, rel=1e-15)


def test_steady_state_does_not_depend_on_the_time_constant() -> None:
    found = steady("dv/dt = (drive - v)/tau : 1\ndrive : 1\ntau : second")
    assert expression_function("v", found["v"]).arguments == ("drive",)


def test_steady_state_of_coupled_equations() -> None:
    found = steady("dv/dt = (x - v - g*w)/tau : 1\ndw/dt = (v - w)/tau : 1\nx : 1\ng : 1\ntau : second")
    for name in ("v", "w"):
        assert float(value(found[name], x=3.0, g=0.5)) == pytest.approx(2.0, rel=1e-14)


def test_steady_state_of_a_nonlinear_equation_with_one_solution() -> None:
    found = steady("dv/dt = (x - exp(v))/tau : 1\nx : 1\ntau : second")
    assert float(value(found["v"], x=5.0)) == pytest.approx(math.log(5), rel=1e-14)


@settings(max_examples=15)
@given(st.lists(st.floats(-2, 2), min_size=9, max_size=9), st.lists(st.floats(-2, 2), min_size=3, max_size=3))
def test_steady_states_make_the_derivatives_vanish(entries: list[float], drive: list[float]) -> None:
    matrix = np.round(np.array(entries).reshape(3, 3), 3) - 4 * np.eye(3)
    names = ("u", "v", "w")
    rows = [" + ".join(f"({a!r})*{n}" for a, n in zip(row, names, strict=True)) for row in matrix.tolist()]
    text = "\n".join(f"d{n}/dt = ({row} + x_{n})/second : 1\nx_{n} : 1" for n, row in zip(names, rows, strict=True))
    found = steady(text)
    values = {f"x_{n}": x for n, x in zip(names, drive, strict=True)}
    got = [float(value(found[n], **values)) for n in names]
    np.testing.assert_allclose(got, np.linalg.solve(matrix, -np.array(drive)), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "dv/dt = (v**2 - x)/second : 1\nx : 1",
        "dv/dt = x/second : 1\nx : 1",
        "dv/dt = (tanh(v) - v*sin(v) + x)/second : 1\nx : 1",
        "dv/dt = (v - w)/second : 1\ndw/dt = (w - v)/second : 1",
        "dv/dt = (exp(v)*w - x)/second : 1\ndw/dt = (w**2*v - x)/second : 1\nx : 1",
    ],
)
def test_without_a_single_steady_state_there_is_an_error(text: str) -> None:
    with pytest.raises(EquationError, match="no single steady state"):
        steady(text)
