"""Find faults that parameter values alone decide: division by zero, logarithm of zero, root of a negative number."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping

from neurosim.equations.counts import fault_of
from neurosim.equations.grammar import Place
from neurosim.equations.growth import CONSTANTS, evaluate, operands
from neurosim.equations.reserved import is_unit


def decided_value(expression: str, values: Mapping[str, float], place: Place) -> float | None:
    """The value of an expression whose names all have one; ``None`` where a name is free.

    Parameters
    ----------
    expression
        Checked text.
    values
        Values of names, in SI units.
    place
        Where it stands.

    Raises
    ------
    EquationError
        If some part of it, whatever the free names are, is not a finite real number; with its place and the values.
    """

    def walk(node: ast.expr) -> float | None:
        if isinstance(node, ast.Name):
            return values.get(node.id, CONSTANTS.get(node.id))
        if isinstance(node, ast.Constant):
            return float(node.value) if isinstance(node.value, int | float) else None
        below = [walk(child) for child in operands(node)]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.Mod) and below[1] == 0:
            raise place.error(
                f"a division by zero: '{ast.unparse(node.right)}' is 0{_given(node.right, values)}; give another value",
                node.right.col_offset,
            )
        if any(number is None for number in below) or not isinstance(node, ast.BinOp | ast.UnaryOp | ast.Call):
            return None
        numbers = [number for number in below if number is not None]
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and (sentence := fault_of(node.func.id, numbers))
        ):
            raise place.error(f"{sentence}{_given(node, values)}", node.col_offset)
        if not all(map(math.isfinite, numbers)):
            return None
        try:
            result = evaluate(node, numbers)
        except (ArithmeticError, ValueError, TypeError):
            result = math.nan
        if result is not None and (isinstance(result, complex) or not math.isfinite(result)):
            raise place.error(
                f"'{ast.unparse(node)}' is not a finite real number{_given(node, values)}; give another value",
                node.col_offset,
            )
        return result

    return walk(ast.parse(expression, mode="eval").body)


def _given(node: ast.expr, values: Mapping[str, float]) -> str:
    names = sorted({n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in values and not is_unit(n.id)})
    return f", with {', '.join(f'{name} = {values[name]:g}' for name in names)}" if names else ""
