"""The array code computes what the text says: against an evaluator that knows nothing of arrays."""

from __future__ import annotations

import ast
import math
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from neurosim.equations.array_code import block_function, expression_function, reset_function
from neurosim.equations.dimensions import UNIT_VALUES
from neurosim.equations.grammar import FUNCTIONS, check_expression
from neurosim.equations.parse import parse_statements
from neurosim.errors import EquationError

NAMES = ("v", "w", "x_1")
BACKENDS = {"numpy": np, "jax": jnp}
MATH: dict[str, Any] = {
    **{name: getattr(math, name) for name in ("exp", "log", "log10", "sqrt", "expm1", "log1p", "sin", "cos", "tan")},
    **{name: getattr(math, name) for name in ("sinh", "cosh", "tanh", "floor", "ceil")},
    **{"arcsin": math.asin, "arccos": math.acos, "arctan": math.atan, "abs": abs, "int": math.trunc},
    "sign": lambda x: math.copysign(1.0, x) if x else 0.0,
    "exprel": lambda x: math.expm1(x) / x if x else 1.0,
    "clip": lambda x, low, high: min(max(x, low), high),
}


class Evaluator:
    """One number at a time by Python's own arithmetic; keeps the largest magnitude it met."""

    def __init__(self, values: dict[str, float]) -> None:
        self.values = {**UNIT_VALUES, "pi": math.pi, "e": math.e, **values}
        self.largest = 1.0

    def __call__(self, node: ast.expr) -> Any:
        value = self._value(node)
        self.largest = max(self.largest, abs(value))
        return value

    def _value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self.values[name]
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return MATH[name](*(self(argument) for argument in arguments))
            case ast.UnaryOp(op=op, operand=operand):
                value = self(operand)
                return {ast.USub: lambda: -value, ast.UAdd: lambda: value, ast.Not: lambda: not value}[type(op)]()
            case ast.BoolOp(op=ast.And(), values=values):
                return all(self(value) for value in values)
            case ast.BoolOp(values=values):
                return any(self(value) for value in values)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                a, b = self(left), self(right)
                table = {ast.Lt: a < b, ast.LtE: a <= b, ast.Gt: a > b, ast.GtE: a >= b, ast.Eq: a == b}
                return table.get(type(op), a != b)
            case ast.BinOp(left=left, op=op, right=right):
                a, b = self(left), self(right)
                operations = {
                    ast.Add: lambda: a + b,
                    ast.Sub: lambda: a - b,
                    ast.Mult: lambda: a * b,
                    ast.Div: lambda: a / b,
                    ast.Pow: lambda: a**b,
                    ast.Mod: lambda: a % b,
                }
                return operations[type(op)]()
        raise AssertionError(ast.dump(node))


def _wider(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Longer expressions, in forms that do not blow up a rounding error."""
    pairs = st.tuples(inner, inner)
    return st.one_of(
        pairs.flatmap(lambda p: st.sampled_from([f"({p[0]} + {p[1]})", f"{p[0]} - ({p[1]})", f"({p[0]})*({p[1]})"])),
        pairs.map(lambda p: f"({p[0]})/(1 + abs({p[1]}))"),
        inner.flatmap(
            lambda x: st.sampled_from([f"-({x})", f"+({x})", f"({x})**2", f"abs({x})**0.5", f"(1 + ({x})**2)**-1"])
        ),
        inner.flatmap(lambda x: st.sampled_from([f"{f}({x})" for f in ("sin", "cos", "tanh", "arctan", "abs")])),
        inner.map(lambda x: f"log(1 + abs({x}))"),
        inner.map(lambda x: f"exp(-abs({x}))"),
        inner.map(lambda x: f"exprel(clip({x}, -3, 3))"),
        inner.map(lambda x: f"log1p(abs({x})) + expm1(clip({x}, -1, 1)) + log10(2 + abs({x}))"),
        inner.map(
            lambda x: f"sinh(clip({x}, -2, 2)) + cosh(clip({x}, -2, 2)) + arcsin(sin({x})/2) + arccos(cos({x})/2)"
        ),
    )


# Jumps stand on names alone, where nothing has been rounded yet.
JUMPS = ("floor({})", "ceil({})", "sign({})", "int({})", "{} % 3", "{} % -2.5", "clip({}, -1, 1)", "int({} > 0)")
JUMPS += ("int({} <= w and not {} == 1)", "int({} != v or w < 0 or v >= 1)")
LEAVES = st.one_of(
    st.sampled_from([*NAMES, "1", "2.5", "0.1", "3", "pi", "e", "mV", "ms", "1e-3", "1000"]),
    st.tuples(st.sampled_from(JUMPS), st.sampled_from(NAMES)).map(lambda p: p[0].replace("{}", p[1])),
)
EXPRESSIONS = st.recursive(LEAVES, _wider, max_leaves=8)
NUMBERS = st.floats(-5, 5, allow_subnormal=False) | st.sampled_from([0.0, 1.0, -1.0, 2.0, -3.0])


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=60)
@given(expression=EXPRESSIONS, rows=st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=4))
def test_equals_pythons_own_arithmetic(backend: str, expression: str, rows: list[tuple[float, ...]]) -> None:
    try:
        tree = check_expression(expression)
    except EquationError:
        reject()  # a constant without a value, say
    function = expression_function("value", expression)
    columns: dict[str, Any] = dict(zip(NAMES, np.array(rows).T, strict=True))
    xp = BACKENDS[backend]
    got = function.compile(xp)(**{name: xp.asarray(columns[name]) for name in function.arguments})
    for number, row in enumerate(rows):
        evaluate = Evaluator(dict(zip(NAMES, row, strict=True)))
        expected = evaluate(tree)
        value = float(np.broadcast_to(np.asarray(got), (len(rows),))[number])
        assert value == pytest.approx(expected, rel=1e-12, abs=1e-12 * evaluate.largest)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_every_function_exists_and_is_right(backend: str, function: str) -> None:
    arguments = {"clip": "v, 0.1, 0.5"}.get(function, "v")
    compiled = expression_function("value", f"{function}({arguments})").compile(BACKENDS[backend])
    grid = np.linspace(0.05, 0.95, 19)
    expected = [MATH[function](x, 0.1, 0.5) if function == "clip" else MATH[function](x) for x in grid]
    np.testing.assert_allclose(compiled(v=grid), expected, rtol=1e-13)


@pytest.mark.parametrize("backend", BACKENDS)
def test_exprel_is_smooth_at_zero(backend: str) -> None:
    exprel = expression_function("value", "exprel(v)").compile(BACKENDS[backend])
    v = np.array([0.0, 1e-300, -1e-17, 1e-12, -1e-9])
    np.testing.assert_allclose(exprel(v=v), 1 + v / 2, rtol=1e-15)


@pytest.mark.parametrize("backend", BACKENDS)
def test_single_precision_stays_single(backend: str) -> None:
    xp = BACKENDS[backend]
    v = xp.asarray([0.5, -0.5], dtype=xp.float32)
    for expression in ("2.5*v", "v/(10*mV) + 1e-3", "exp(-v)*pi", "clip(v, 0, 1)*v", "v**2", "exprel(v)"):
        assert expression_function("value", expression).compile(xp)(v=v).dtype == np.float32


def test_a_truth_value_takes_the_precision_of_what_it_multiplies() -> None:
    # Tests run with double precision allowed, as a program may that uses JAX besides neurosim.
    v = jnp.asarray([0.5, -0.5], dtype=jnp.float32)
    found = expression_function("value", "v + int(v > 0)*v").compile(jnp)(v=v)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [1.0, -0.5])


def test_only_arguments_that_are_read() -> None:
    function = expression_function("value", "exp(-v/(10*mV)) + pi*w")
    assert function.arguments == ("v", "w")
    assert function.returns == ("value",)


def test_what_is_printed_is_what_runs() -> None:
    function = expression_function("rate", "tanh(v)*w**2 + int(v > 0)")
    namespace: dict[str, Any] = {"tanh": np.tanh, "number": lambda x: np.asarray(x, float)}
    exec(str(function), namespace)
    v, w = np.linspace(-1, 1, 5), np.linspace(0, 2, 5)
    np.testing.assert_array_equal(namespace["rate"](v=v, w=w), function.compile(np)(v=v, w=w))


def test_a_block_assigns_in_order() -> None:
    function = block_function("advance", "_v = v + dt*w\n\nw = _v*2\nv = _v", ["v", "w"])
    assert function.arguments == ("dt", "v", "w")
    v, w = function.compile(np)(dt=0.5, v=np.array([1.0]), w=np.array([4.0]))
    assert (v, w) == (3.0, 6.0)


def test_a_reset_touches_only_what_spiked() -> None:
    function = reset_function("reset", parse_statements("v = c; w += 2*v\nw *= 3\nx_1 -= 1; x_1 /= 2"))
    assert function.returns == ("v", "w", "x_1")
    spikes, ones = np.array([True, False]), np.ones(2)
    v, w, x = function.compile(np)(spikes=spikes, v=5 * ones, w=ones, x_1=7 * ones, c=-1.0)
    np.testing.assert_array_equal(v, [-1, 5])
    np.testing.assert_array_equal(w, [(1 - 2) * 3, 1])
    np.testing.assert_array_equal(x, [3, 7])


def test_random_numbers_are_arguments() -> None:
    function = reset_function("reset", parse_statements("v = rand() + randn()", random=True))
    assert function.draws == (("rand_0", "uniform"), ("randn_1", "normal"))
    assert {"rand_0", "randn_1"} <= set(function.arguments)


@pytest.mark.parametrize(
    "body",
    [
        "return v.real",
        "return v[0]",
        "return open(v)",
        "return (lambda: v)()",
        "return [v for v in v]",
        "return 'text'",
        "return exp(*v)",
        "return __import__('os')",
        "import os\n    return v",
        "global v\n    return v",
        "while v: v = v\n    return v",
        "exec(v)\n    return v",
        "return exp(v)(v)",
        "return f'{v}'",
        "return v if v else v",
        "return (v := 1)",
        "return None",
        "return 1j",
        "return b''",
        "return v @ v",
    ],
)
def test_the_last_gate_refuses_tampered_source(body: str) -> None:
    function = replace(expression_function("value", "exp(v)"), source=f"def value(v):\n    {body}\n")
    with pytest.raises(EquationError, match="generated code"):
        function.compile(np)


@pytest.mark.parametrize(
    "source", ["", "value = 1", "def other(v):\n    return v\n", "def value(v=open(1)):\n    return v\n"]
)
def test_the_last_gate_wants_exactly_the_function(source: str) -> None:
    with pytest.raises(EquationError, match="single plain function"):
        replace(expression_function("value", "v"), source=source).compile(np)()


@pytest.mark.parametrize(
    "source",
    [
        "@exp\ndef value(v):\n    return v\n",
        "def value(v) -> exp(v):\n    return v\n",
        "def value(v):\n    def exp(v):\n        return v\n    return exp(v)\n",
        "def value(v, *w):\n    return v\n",
        "exp = log\ndef value(v):\n    return exp(v)\n",
        "def value(v):\n    return __builtins__\n",
        "def value(v):\n    return exp(v, out=v)\n",
    ],
)
def test_the_last_gate_refuses_more_than_one_plain_function(source: str) -> None:
    with pytest.raises(EquationError, match="generated code"):
        replace(expression_function("value", "v"), source=source).compile(np)
