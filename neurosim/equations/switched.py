"""Simplify an expression in which some names have known values: products with zero vanish.

All that remains is computed in the same order as before, so that it has the same bits.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping


def switched(expression: str, values: Mapping[str, float]) -> str:
    """The expression with values substituted, without terms that they multiply by zero.

    Parameters
    ----------
    expression
        Text in the equation language.
    values
        Values of some of its names.

    Examples
    --------
    >>> switched("(1 - mirror)*r + mirror*noise", {"mirror": 1.0})
    'noise'
    """
    return _switched(expression, tuple(sorted(values.items())))


@functools.lru_cache(maxsize=1024)
def _switched(expression: str, values: tuple[tuple[str, float], ...]) -> str:
    tree = ast.parse(expression.strip(), mode="eval")
    return ast.unparse(_Folder(dict(values)).visit(tree).body)


class _Folder(ast.NodeTransformer):
    """Folds constants in sums and products, from the inside out."""

    def __init__(self, values: Mapping[str, float]) -> None:
        self.values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(float(self.values[node.id])) if node.id in self.values else node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        left: ast.expr
        right: ast.expr
        left, right = self.visit(node.left), self.visit(node.right)
        a, b = _value(left), _value(right)
        if isinstance(node.op, ast.Mult):
            if a is not None and b is not None:
                return ast.Constant(a * b)
            if 0 in (a, b):
                return ast.Constant(0.0)
            if a == 1:
                return right
            if b == 1:
                return left
        if isinstance(node.op, ast.Add | ast.Sub):
            if a is not None and b is not None:
                return ast.Constant(a + b if isinstance(node.op, ast.Add) else a - b)
            if b == 0:
                return left
            if a == 0 and isinstance(node.op, ast.Add):
                return right
        return ast.BinOp(left, node.op, right)


def _value(node: ast.expr) -> float | None:
    return float(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, int | float) else None
