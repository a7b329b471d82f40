"""Expressions with named parts written out: what stands for a name takes its place."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from neurosim.equations.grammar import names_in


def inlined(expression: str, parts: Mapping[str, str]) -> str:
    """An expression in which each name of a part is replaced by the part, however deep.

    Parameters
    ----------
    expression
        A checked expression.
    parts
        Name -> checked expression; none needs itself.

    Examples
    --------
    >>> inlined("w + q*x", {"q": "3*r", "r": "a - b"})
    'w + 3 * (a - b) * x'
    """
    if not names_in(ast.parse(expression, mode="eval").body) & parts.keys():
        return expression
    return ast.unparse(_Inlined(parts).visit(ast.parse(expression, mode="eval")))


def names_within(expressions: Iterable[str], parts: Mapping[str, str]) -> frozenset[str]:
    """All names that expressions refer to, once parts are written out."""
    return frozenset[str]().union(
        *(names_in(ast.parse(inlined(text, parts), mode="eval").body) for text in expressions)
    )


class _Inlined(ast.NodeTransformer):
    def __init__(self, parts: Mapping[str, str]) -> None:
        self.parts = parts

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in self.parts:
            return node
        return self.visit(ast.parse(self.parts[node.id], mode="eval").body)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        # The name of a function is no part, whatever it is called.
        node.args = [self.visit(argument) for argument in node.args]
        return node
