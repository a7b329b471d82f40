"""Bounds on what algebra can make of an expression, found before any algebra is done.

Short text can mean a huge number (nested powers, exponentials of exponentials) or a huge expression
(subexpressions that each use the last one twice), even after terms have cancelled: ``(x - x + 9)**64``.
The bounds here come from one walk over the syntax tree, in float arithmetic only, with the names of
subexpressions standing for the bounds of theirs.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

MAX_NODES, MAX_DEGREE = 5_000, 512.0
CONSTANTS: dict[str, float] = {"pi": math.pi, "e": math.e, "inf": math.inf}

_VALUES: dict[str, Callable[..., float]] = {
    **{name: getattr(math, name) for name in ("exp", "log", "log10", "sqrt", "expm1", "log1p")},
    **{name: getattr(math, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "floor", "ceil")},
    **{"arcsin": math.asin, "arccos": math.acos, "arctan": math.atan, "abs": abs, "int": int},
    "sign": lambda x: float((x > 0) - (x < 0)),
    "exprel": lambda x: math.expm1(x) / x if x else 1.0,
    "clip": lambda x, low, high: min(max(x, low), high),
}
_EXPONENTIAL = frozenset({"exp", "expm1", "exprel", "sinh", "cosh"})
_LOGARITHMS = frozenset({"log", "log10", "log1p"})
#: Functions that stay cheap for a number of any size; the others are exact to the last digit before the point.
_TOLERANT = _LOGARITHMS | {"sqrt", "abs", "sign", "int", "clip"}


class TooLarge(ValueError):
    """An expression beyond the bounds; `column` is where, from zero."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True)
class Growth:
    """What an expression can become.

    Attributes
    ----------
    nodes
        Terms once all subexpressions are put in.
    degree
        Bound on the power to which any part of it is raised.
    scale
        Magnitude if every name were one: how large a constant may come out.
    exponential, logarithm
        Whether it holds such a function.
    value
        Its value if it is a constant.
    boolean
        Whether it is a truth value; unknown for names.
    """

    nodes: int = 1
    degree: float = 1.0
    scale: float = 1.0
    exponential: bool = False
    logarithm: bool = False
    value: float | None = None
    boolean: bool | None = None


def measure(tree: ast.expr, known: Mapping[str, Growth]) -> Growth:
    """The bounds of an expression that has passed the whitelist.

    Parameters
    ----------
    tree
        The syntax tree.
    known
        The bounds of the names that stand for expressions themselves.

    Raises
    ------
    TooLarge
        A bound is passed, a constant part has no finite real value, or truth values and numbers are mixed.
    """
    children = [measure(child, known) for child in ast.iter_child_nodes(tree) if _is_operand(child, tree)]
    match tree:
        case ast.Name(id=name):
            if name not in CONSTANTS:
                return known.get(name, Growth())
            value = CONSTANTS[name]
            return Growth(value=value, scale=value if math.isfinite(value) else 1.0, boolean=False)
        case ast.Constant(value=bool()):
            return Growth(boolean=True)
        case ast.Constant(value=number):
            return Growth(value=float(number), scale=abs(float(number)), boolean=False)  # type: ignore[arg-type]
        case ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
            _demand(tree, all(c.boolean is not False for c in children), "expected a condition, got a number")
            return _bounded(tree, children, boolean=True)
        case ast.Compare():
            _demand(tree, not any(c.boolean for c in children), "a comparison of truth values; write 'and', 'or'")
            constant = all(c.value is not None and math.isfinite(c.value) for c in children)
            _demand(tree, not constant, "a comparison of two constants is always true or always false")
            return _bounded(tree, children, boolean=True)
    truth = isinstance(tree, ast.Call) and _function(tree) == "int"
    message = "a truth value cannot be used as a number; write int(condition)"
    _demand(tree, truth or not any(c.boolean for c in children), message)
    value = _value(tree, [c.value for c in children]) if all(c.value is not None for c in children) else None
    if isinstance(tree, ast.Call):
        return _call(tree, children, value)
    return _arithmetic(tree, children, value)


def _arithmetic(tree: ast.expr, children: list[Growth], value: float | None) -> Growth:
    if isinstance(tree, ast.UnaryOp):
        return _bounded(tree, children, value=value, scale=children[0].scale)
    left, right = children
    infinite = any(c.value is not None and math.isinf(c.value) for c in children)
    _demand(tree, not infinite, "inf may be compared, not computed with")
    divides = isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Div | ast.Mod)
    _demand(tree, not (divides and right.value == 0), "a division by zero")
    match tree:
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            return _bounded(tree, children, value=value, scale=left.scale + right.scale)
        case ast.BinOp(op=ast.Div()) if right.value:
            scale = left.scale / abs(right.value)
        case ast.BinOp(op=ast.Pow()):
            power = abs(right.value) if right.value is not None else max(right.scale, 1.0) * right.degree
            return _bounded(
                tree, children, value=value, degree=left.degree * max(power, 1.0), scale=_power(left.scale, power)
            )
        case _:
            if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mod):
                _demand(tree, not (left.exponential or right.exponential), "% of an exponential is not allowed")
            scale = left.scale * right.scale
    return _bounded(tree, children, value=value, degree=left.degree + right.degree, scale=scale)


def _call(tree: ast.Call, children: list[Growth], value: float | None) -> Growth:
    function = _function(tree)
    scale = max((c.scale for c in children), default=1.0)
    degree = max((c.degree for c in children), default=1.0)
    inner = any(c.exponential for c in children)
    if inner and function not in _TOLERANT:
        raise TooLarge(
            f"{function}() of an exponential is not allowed, the number may have no end; allowed around one are "
            f"{', '.join(sorted(_TOLERANT))}",
            tree.col_offset,
        )
    if function in _EXPONENTIAL:
        # exp(n*log(x)) is a power in disguise.
        degree = degree * max(scale, 1.0) if any(c.logarithm for c in children) else degree
        scale = math.exp(min(scale, 700.0))
    return _bounded(
        tree,
        children,
        value=value,
        degree=degree,
        scale=scale,
        exponential=function in _EXPONENTIAL,
        logarithm=function in _LOGARITHMS,
    )


def _bounded(
    tree: ast.expr,
    children: list[Growth],
    *,
    value: float | None = None,
    boolean: bool = False,
    degree: float | None = None,
    scale: float = 1.0,
    exponential: bool = False,
    logarithm: bool = False,
) -> Growth:
    nodes = 1 + sum(c.nodes for c in children)
    degree = max((c.degree for c in children), default=1.0) if degree is None else degree
    if nodes > MAX_NODES:
        raise TooLarge(
            f"with all subexpressions put in, this is more than {MAX_NODES} terms long; "
            "make one of them a parameter or a differential equation",
            tree.col_offset,
        )
    if degree > MAX_DEGREE:
        raise TooLarge(f"the powers here multiply to more than {MAX_DEGREE:g}", tree.col_offset)
    return Growth(
        nodes,
        degree,
        scale,
        exponential or any(c.exponential for c in children),
        logarithm or any(c.logarithm for c in children),
        value,
        boolean,
    )


def _value(tree: ast.expr, values: list[float | None]) -> float | None:
    numbers = [number for number in values if number is not None]
    try:
        result = _evaluate(tree, numbers)
    except (ArithmeticError, ValueError, TypeError):
        result = math.nan
    if result is None or (isinstance(tree, ast.UnaryOp) and abs(result) == math.inf):
        return result
    if isinstance(result, complex) or not math.isfinite(result):
        raise TooLarge("this constant is not a finite real number", tree.col_offset)
    return float(result)


def _evaluate(tree: ast.expr, numbers: list[float]) -> float | None:
    match tree:
        case ast.UnaryOp(op=op):
            return -numbers[0] if isinstance(op, ast.USub) else numbers[0]
        case ast.BinOp(op=ast.Add()):
            return numbers[0] + numbers[1]
        case ast.BinOp(op=ast.Sub()):
            return numbers[0] - numbers[1]
        case ast.BinOp(op=ast.Mult()):
            return numbers[0] * numbers[1]
        case ast.BinOp(op=ast.Div()):
            return numbers[0] / numbers[1]
        case ast.BinOp(op=ast.Mod()):
            return numbers[0] % numbers[1]
        case ast.BinOp(op=ast.Pow()):
            return numbers[0] ** numbers[1]
        case ast.Call(func=ast.Name(id=name)) if name in _VALUES:
            return _VALUES[name](*numbers)
    return None


def _power(base: float, exponent: float) -> float:
    try:
        return max(base, 1.0) ** exponent
    except OverflowError:
        return math.inf


def _is_operand(child: ast.AST, parent: ast.expr) -> bool:
    return isinstance(child, ast.expr) and not (isinstance(parent, ast.Call) and child is parent.func)


def _function(tree: ast.Call) -> str:
    return tree.func.id if isinstance(tree.func, ast.Name) else ""


def _demand(tree: ast.expr, condition: bool, message: str) -> None:
    if not condition:
        raise TooLarge(message, tree.col_offset)
