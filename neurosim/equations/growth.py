"""Bound the size of what algebra can make of an expression, before any algebra is done.

Short text can mean a huge number (nested powers, exponentials of exponentials) or a huge expression
(subexpressions that each use the last one twice), even after terms have cancelled: ``(x - x + 9)**64``.
The bounds here come from one walk over the syntax tree, in float arithmetic only, with the names of
subexpressions standing for the bounds of theirs.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass

from neurosim.equations.number_functions import VALUES

MAX_NODES, MAX_DEGREE = 5_000, 512.0
CONSTANTS: dict[str, float] = {"pi": math.pi, "e": math.e, "inf": math.inf}

_EXPONENTIAL, _LOGARITHMS = {"exp", "expm1", "exprel", "sinh", "cosh"}, {"log", "log10", "log1p"}
#: Functions that stay cheap for a number of any size; others compute every digit before the point.
_TOLERANT = _LOGARITHMS | {"sqrt", "abs", "sign", "int", "clip"}
_BOUNDED = {"sin", "cos", "tanh", "arctan", "arcsin", "arccos", "sign"}
#: Exponents beyond which an exponential counts as huge, and how near to zero a difference of floats comes.
_HUGE, _NEAR = 700.0, 1e16


class TooLarge(ValueError):
    """An expression beyond the bounds; `column` is where, from zero."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True)
class Growth:
    """Bounds on an expression.

    Attributes
    ----------
    nodes
        Terms once all subexpressions are put in.
    degree
        Bound on the power to which any part of it is raised.
    scale, inverse
        Bounds on its magnitude and its inverse's if every name were one: how large a constant may come out.
    positive
        Whether it cannot be negative, so that sums of it do not cancel.
    huge, logarithm
        Whether it holds an exponential of something large, or a logarithm.
    value
        Its value if it is a constant.
    boolean
        Whether it is a truth value; unknown for names.
    """

    nodes: int = 1
    degree: float = 1.0
    scale: float = 1.0
    inverse: float = 1.0
    positive: bool = False
    huge: bool = False
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
    children = [measure(operand, known) for operand in operands(tree)]
    match tree:
        case ast.Name(id=name):
            return _constant(CONSTANTS[name]) if name in CONSTANTS else known.get(name, Growth())
        case ast.Constant(value=bool()):
            return Growth(boolean=True)
        case ast.Constant(value=int() | float() as number):
            return _constant(float(number))
        case ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
            _demand(tree, all(c.boolean is not False for c in children), "expected a condition, got a number")
            return _bounded(tree, children, boolean=True)
        case ast.Compare():
            _demand(tree, not any(c.boolean for c in children), "a comparison of truth values; write 'and', 'or'")
            constant = all(c.value is not None and math.isfinite(c.value) for c in children)
            _demand(tree, not constant, "a comparison of two constants is always true or always false")
            return _bounded(tree, children, boolean=True)
        case _:
            pass
    truth = isinstance(tree, ast.Call) and _function(tree) == "int"
    message = "a truth value cannot be used as a number; write int(condition)"
    _demand(tree, truth or not any(c.boolean for c in children), message)
    value = _value(tree, [c.value for c in children]) if all(c.value is not None for c in children) else None
    if isinstance(tree, ast.Call):
        return _call(tree, children, value)
    return _arithmetic(tree, children, value)


def _constant(value: float) -> Growth:
    finite = math.isfinite(value) and value != 0
    size = abs(value) if finite else 1.0
    return Growth(value=value, scale=size, inverse=1 / size, positive=value > 0, boolean=False)


def _arithmetic(tree: ast.expr, children: list[Growth], value: float | None) -> Growth:
    if isinstance(tree, ast.UnaryOp):
        (inner,) = children
        positive = inner.positive and isinstance(tree.op, ast.UAdd)
        return _bounded(tree, children, value=value, scale=inner.scale, inverse=inner.inverse, positive=positive)
    left, right = children
    operator = tree.op if isinstance(tree, ast.BinOp) else None
    infinite = any(c.value is not None and math.isinf(c.value) for c in children)
    _demand(tree, not infinite, "inf may be compared, not computed with")
    divides = isinstance(operator, ast.Div | ast.Mod)
    _demand(tree, not (divides and right.value == 0), "a division by zero")
    positive = left.positive and right.positive
    match operator:
        case ast.Add() | ast.Sub():
            positive &= isinstance(operator, ast.Add)
            apart = min(left.inverse, right.inverse) if positive else _apart(left, right)
            scale, inverse, degree = left.scale + right.scale, apart, max(left.degree, right.degree)
        case ast.Div():
            scale, inverse = left.scale * right.inverse, left.inverse * right.scale
            degree = left.degree + right.degree
        case ast.Pow():
            power = abs(right.value) if right.value is not None else max(right.scale, 1.0) * right.degree
            up, down = _power(left.scale, power), _power(left.inverse, power)
            scale, inverse = (down, up) if right.value is not None and right.value < 0 else (up, down)
            degree = left.degree * max(power, 1.0)
            positive = left.positive or (right.value is not None and right.value % 2 == 0)
        case _:
            _demand(tree, not (isinstance(operator, ast.Mod) and (left.huge or right.huge)), "% of a huge number")
            scale, inverse, degree = (
                left.scale * right.scale,
                left.inverse * right.inverse,
                left.degree + right.degree,
            )
            inverse = _NEAR if isinstance(operator, ast.Mod) else inverse
    return _bounded(tree, children, value=value, degree=degree, scale=scale, inverse=inverse, positive=positive)


def _call(tree: ast.Call, children: list[Growth], value: float | None) -> Growth:
    function = _function(tree)
    scale = max((c.scale for c in children), default=1.0)
    degree = max((c.degree for c in children), default=1.0)
    if any(c.huge for c in children) and function not in _TOLERANT:
        raise TooLarge(
            f"{function}() of an exponential of something large: the number may have no end; "
            f"allowed around one are {', '.join(sorted(_TOLERANT))}",
            tree.col_offset,
        )
    huge, inverse, positive = any(c.huge for c in children), _NEAR, function in ("abs", "sqrt")
    if function in _EXPONENTIAL:
        # exp(n*log(x)) is a power in disguise.
        degree = degree * max(scale, 1.0) if any(c.logarithm for c in children) else degree
        huge, positive = scale > _HUGE, function in ("exp", "exprel", "cosh")
        scale = math.exp(min(scale, 700.0))
        inverse = scale if positive else _NEAR
    elif function in ("abs", "sqrt"):
        inverse = max(children[0].inverse, 1.0)
    elif function == "clip":
        bounds = [c.value for c in children[1:]]
        scale = max(abs(bound) if bound is not None else c.scale for bound, c in zip(bounds, children[1:], strict=True))
        huge = False
    elif function in _BOUNDED | _LOGARITHMS:
        huge, scale = False, scale if function in _LOGARITHMS else math.pi
    elif function == "tan":
        scale = _NEAR
    return _bounded(
        tree,
        children,
        value=value,
        degree=degree,
        scale=scale,
        inverse=inverse,
        positive=positive,
        huge=huge,
        logarithm=function in _LOGARITHMS,
    )


def _apart(left: Growth, right: Growth) -> float:
    """A lower bound of a nonzero sum: names cancel to whole numbers, floats to their last digit."""
    whole = left.inverse <= 1 and right.inverse <= 1 and left.scale % 1 == 0 and right.scale % 1 == 0
    return 1.0 if whole else _NEAR


def _bounded(
    tree: ast.expr,
    children: list[Growth],
    *,
    value: float | None = None,
    boolean: bool = False,
    degree: float | None = None,
    scale: float = 1.0,
    inverse: float = 1.0,
    positive: bool = False,
    huge: bool | None = None,
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
    huge = any(c.huge for c in children) if huge is None else huge
    logarithm |= any(c.logarithm for c in children)
    return Growth(nodes, degree, scale, inverse, positive, huge, logarithm, value, boolean)


def _value(tree: ast.expr, values: list[float | None]) -> float | None:
    numbers = [number for number in values if number is not None]
    try:
        result = evaluate(tree, numbers)
    except (ArithmeticError, ValueError, TypeError):
        result = math.nan
    if result is None or (isinstance(tree, ast.UnaryOp) and abs(result) == math.inf):
        return result
    if isinstance(result, complex) or not math.isfinite(result):
        raise TooLarge("this constant is not a finite real number", tree.col_offset)
    return float(result)


def evaluate(tree: ast.expr, numbers: list[float]) -> float | None:
    """The result of an operation on numbers; ``None`` if it is not arithmetic. Raises like Python's own."""
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
        case ast.Call(func=ast.Name(id=name)) if name in VALUES:
            return VALUES[name](*numbers)
        case _:
            pass
    return None


def _power(base: float, exponent: float) -> float:
    try:
        return max(base, 1.0) ** exponent
    except OverflowError:
        return math.inf


def operands(tree: ast.expr) -> list[ast.expr]:
    """The operands of an operation."""
    if isinstance(tree, ast.Call):
        return tree.args
    return [child for child in ast.iter_child_nodes(tree) if isinstance(child, ast.expr)]


def _function(tree: ast.Call) -> str:
    return tree.func.id if isinstance(tree.func, ast.Name) else ""


def _demand(tree: ast.expr, condition: bool, message: str) -> None:
    if not condition:
        raise TooLarge(message, tree.col_offset)
