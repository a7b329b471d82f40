"""Translate checked expressions and abstract code into Python functions on arrays, as printable source.

The source names every array it uses as an argument, so that what is printed is all there is: no state,
no closure. It runs on NumPy or JAX alike; which of the two is decided by the namespace it is compiled in.
"""

# What Brian2's renderer takes and gives has no types.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import ast
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from neurosim.equations.brian import NodeRenderer
from neurosim.equations.counts import binomial, poisson
from neurosim.equations.dimensions import UNIT_VALUES
from neurosim.equations.grammar import CONSTANTS, FUNCTIONS, RANDOM_FUNCTIONS
from neurosim.equations.parse import Statement
from neurosim.equations.reserved import COUNT_FUNCTIONS
from neurosim.equations.whole import is_bare, real_number
from neurosim.errors import EquationError
from neurosim.untyped import Array, ArrayModule

#: A whole number beyond which integers of 32 bits have their end.
_LARGEST = 2**31 - 1
_ELEMENTWISE = sorted(FUNCTIONS.keys() - {"int", "exprel", "clip"})
#: All digits of a double up to one half.
_EXPREL_TERMS = 15
_STATEMENTS = (ast.Return, ast.Assign, ast.Store, ast.Tuple)
_EXPRESSIONS = (
    *(ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call, ast.Name, ast.Constant, ast.Load),
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.Mod, ast.UAdd, ast.USub),
    *(ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq),
)


@dataclass(frozen=True)
class ArrayFunction:
    """Source of one function on arrays.

    Attributes
    ----------
    name
        What the function computes.
    arguments
        The arrays it reads, all broadcastable against each other (axes: trial, neuron).
    returns
        The names of its results, in order; a single result is returned bare.
    draws
        Arguments that hold fresh random numbers, each with its law: ``normal``, ``uniform``, or ``words`` (two random
        words, by which a count is drawn).
    source
        The Python text.
    """

    name: str
    arguments: tuple[str, ...]
    returns: tuple[str, ...]
    source: str
    draws: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return self.source

    def compile(self, xp: ModuleType) -> Callable[..., Array]:
        """The function, running on `xp` (`numpy` or `jax.numpy`); called with keyword arguments.

        Raises
        ------
        EquationError
            If the source holds anything but arithmetic: the last gate before `exec`.
        """
        _check_source(self.name, self.source)
        # No name in the source reaches it, but what JAX imports on a first call goes through here.
        builtins = {"__import__": __import__}
        namespace: dict[str, Any] = {"__builtins__": builtins, **_functions(xp)}
        exec(compile(self.source, f"<neurosim {self.name}>", "exec"), namespace)  # vetted above
        return namespace[self.name]


def expression_function(name: str, expression: str) -> ArrayFunction:
    """``def name(...): return expression``, for one subexpression or condition."""
    renderer = _Renderer()
    value = renderer.render_expr(expression)
    arguments = tuple(sorted(renderer.names | {draw for draw, _ in renderer.draws}))
    source = f"def {name}({', '.join(arguments)}):\n    return {value}\n"
    return ArrayFunction(name, arguments, (name,), source, tuple(renderer.draws))


def block_function(name: str, code: str, returns: Sequence[str]) -> ArrayFunction:
    """A function from abstract code (one assignment per line), returning the assigned `returns`."""
    renderer = _Renderer()
    assigned: set[str] = set()
    lines: list[str] = []
    for line in code.splitlines():
        if not line.strip():
            continue
        target, _, expression = line.partition("=")
        lines.append(f"    {target.strip()} = {renderer.render_expr(expression, assigned=assigned)}")
        assigned.add(target.strip())
    arguments = tuple(sorted(renderer.names | (set(returns) - assigned) | {d for d, _ in renderer.draws}))
    source = f"def {name}({', '.join(arguments)}):\n" + "\n".join([*lines, f"    return {', '.join(returns)}\n"])
    return ArrayFunction(name, arguments, tuple(returns), source, tuple(renderer.draws))


def reset_function(name: str, statements: Sequence[Statement]) -> ArrayFunction:
    """The reset, applied where `spikes` is true; returns the variables it assigns."""
    renderer = _Renderer()
    lines, order = list[str](), list(dict.fromkeys(statement.target for statement in statements))
    for statement in statements:
        expression = statement.expression
        if statement.operator != "=":
            expression = f"{statement.target} {statement.operator[0]} ({expression})"
        value = renderer.render_expr(expression)
        renderer.names.add(statement.target)
        lines.append(f"    {statement.target} = where(spikes, {value}, {statement.target})")
    arguments = tuple(sorted(renderer.names | {"spikes"} | {d for d, _ in renderer.draws}))
    source = f"def {name}({', '.join(arguments)}):\n" + "\n".join([*lines, f"    return {', '.join(order)}\n"])
    return ArrayFunction(name, arguments, tuple(order), source, tuple(renderer.draws))


def margin_of(threshold: str) -> str:
    """The distance of a threshold condition from its boundary: positive where it is met.

    Of several conditions that must hold (``and``) it is that of the first; the others are no matter of degree.

    Raises
    ------
    EquationError
        If the condition is not a single ``<`` or ``>``.
    """
    tree = ast.parse(threshold.strip(), mode="eval").body
    if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And):
        tree = tree.values[0]
    if isinstance(tree, ast.Compare):
        left, right = (ast.unparse(side) for side in (tree.left, tree.comparators[0]))
        if isinstance(tree.ops[0], ast.Gt | ast.GtE):
            return f"({left}) - ({right})"
        if isinstance(tree.ops[0], ast.Lt | ast.LtE):
            return f"({right}) - ({left})"
    raise EquationError(
        f"a surrogate gradient needs a threshold of the form 'v > v_th' or 'v > v_th and ...', got '{threshold}'"
    )


class _Renderer(NodeRenderer):
    """Brian2's node renderer, for array functions; collects the names and random draws it meets."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.draws: list[tuple[str, str]] = []
        self._assigned: set[str] = set()
        self._bare = False

    def render_expr(self, expr: str, strip: bool = True, *, assigned: set[str] | None = None) -> str:
        self._assigned = set() if assigned is None else assigned
        return super().render_expr(expr, strip)

    def render_Name(self, node: ast.Name) -> str:
        name = node.id
        if name in self._assigned:
            return name
        if name in CONSTANTS and name not in self.names:
            return "inf" if name == "inf" else repr(CONSTANTS[name])
        if name in UNIT_VALUES:
            return repr(UNIT_VALUES[name])
        self.names.add(name)
        return name

    def render_Constant(self, node: ast.Constant) -> str:
        # Python numbers are weakly typed: they take the dtype of the arrays they meet.
        value: Any = node.value
        return repr(real_number(value) if self._bare or abs(value) > _LARGEST else value)

    def render_BinOp(self, node: ast.BinOp) -> str:
        # Whole numbers that meet each other only would be computed with as integers, which have an end.
        before, self._bare = self._bare, self._bare or is_bare(node)
        if isinstance(node.op, ast.Pow) and is_bare(node.left):
            self._bare = True
        rendered = super().render_BinOp(node)
        self._bare = before
        return rendered

    def render_Call(self, node: ast.Call) -> str:
        function = node.func.id  # type: ignore[attr-defined]
        if function in RANDOM_FUNCTIONS:
            draw = f"{function}_{len(self.draws)}"
            self.draws.append((draw, "normal" if function == "randn" else "uniform"))
            return draw
        arguments = ", ".join(self.render_node(argument) for argument in node.args)
        if function in COUNT_FUNCTIONS:
            draw = f"{function}_{len(self.draws)}"
            self.draws.append((draw, "words"))
            return f"{function}({draw}, {arguments})"
        return f"{'number' if function == 'int' else function}({arguments})"

    def render_BoolOp(self, node: ast.BoolOp) -> str:
        function = "logical_and" if isinstance(node.op, ast.And) else "logical_or"
        rendered = self.render_node(node.values[0])
        for value in node.values[1:]:
            rendered = f"{function}({rendered}, {self.render_node(value)})"
        return rendered

    def render_UnaryOp(self, node: ast.UnaryOp) -> str:
        if isinstance(node.op, ast.Not):
            return f"logical_not({self.render_node(node.operand)})"
        return super().render_UnaryOp(node)


def _functions(xp: ArrayModule) -> Mapping[str, Callable[..., Array]]:
    def number(x: Array) -> Array:
        """Brian2's `int`: a boolean as 0 or 1, a number without its fraction."""
        x = xp.asarray(x)
        if x.dtype == bool:
            # Numbers without a precision of their own take that of the arrays they meet.
            return xp.where(x, 1.0, 0.0)
        return xp.trunc(x)

    def exprel(x: Array) -> Array:
        """``(exp(x) - 1)/x``: near zero by its series, whose derivative has all digits, too."""
        small = xp.abs(x) < 0.5
        near, far = xp.where(small, x, 0.0), xp.where(small, 1.0, x)
        series = 1 / math.factorial(_EXPREL_TERMS)
        for power in range(_EXPREL_TERMS - 1, 0, -1):
            series = series * near + 1 / math.factorial(power)
        return xp.where(small, series, (xp.exp(far) - 1) / far)

    own: dict[str, Any] = {"number": number, "exprel": exprel, "clip": xp.clip, "where": xp.where, "inf": float("inf")}
    own |= {"poisson": functools.partial(poisson, xp), "binomial": functools.partial(binomial, xp)}
    logic = {name: getattr(xp, name) for name in ("logical_and", "logical_or", "logical_not")}
    return {name: getattr(xp, name) for name in _ELEMENTWISE} | logic | own


def _check_source(name: str, source: str) -> None:
    """One plain function of assignments and a return, over its own names and the language's functions."""
    body = ast.parse(source).body
    function = body[0] if len(body) == 1 else None
    if not isinstance(function, ast.FunctionDef) or function.name != name or not _is_plain(function):
        raise EquationError(f"generated code is not the single plain function '{name}'")
    functions = set(_ELEMENTWISE) | {
        "number",
        "exprel",
        "clip",
        "where",
        "logical_and",
        "logical_or",
        "logical_not",
        *COUNT_FUNCTIONS,
    }
    known = {argument.arg for argument in function.args.args} | {"inf"}
    for statement in function.body:
        for node in ast.walk(statement):
            if not isinstance(node, _STATEMENTS + _EXPRESSIONS):
                raise EquationError(f"generated code holds {type(node).__name__}, which is not arithmetic")
            if isinstance(node, ast.Call):
                if not isinstance(node.func, ast.Name) or node.func.id not in functions - known or node.keywords:
                    raise EquationError("generated code calls something that is not on the whitelist")
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in known | functions:
                raise EquationError(f"generated code reads '{node.id}', which it is not given")
            elif isinstance(node, ast.Constant) and not isinstance(node.value, int | float | bool):
                raise EquationError("generated code holds a constant that is no number")
        if isinstance(statement, ast.Assign):
            known |= {target.id for target in statement.targets if isinstance(target, ast.Name)}


def _is_plain(function: ast.FunctionDef) -> bool:
    """No decorators, annotations or defaults, which run before the function does; no other statements."""
    given, body = function.args, function.body
    extras = (
        given.posonlyargs,
        given.kwonlyargs,
        given.defaults,
        given.kw_defaults,
        given.vararg,
        given.kwarg,
    )
    assignments = all(isinstance(s, ast.Assign) and isinstance(s.targets[0], ast.Name) for s in body[:-1])
    annotated = function.returns is not None or any(argument.annotation is not None for argument in given.args)
    return (
        not (any(extras) or function.decorator_list or annotated) and assignments and isinstance(body[-1], ast.Return)
    )
