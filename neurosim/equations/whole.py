"""Write whole numbers as real ones, since code generators would compute with machine integers.

``10**-3`` would be 0, ``100000*100000`` would pass the largest integer, and ``int(x)`` of a large number, too.
"""

from __future__ import annotations

import ast
from collections.abc import Collection
from typing import Any

from neurosim.equations.cancelling import uncancelled
from neurosim.equations.reserved import DRAWING_FUNCTIONS


def real_numbers(expression: str, truths: Collection[str] = ()) -> str:
    """The same expression without integers: whole numbers have a point, and so has what ``int`` gives.

    An exponent stays as it is, because a square is computed in another way than a power.

    Parameters
    ----------
    expression
        Checked text.
    truths
        Names of variables that are truth values.

    Examples
    --------
    >>> real_numbers("10**-3*v**2 + int(v > 1)")
    '10.0 ** -3 * v ** 2 + 1.0 * int(v > 1.0)'
    """
    tree = _Real(frozenset({*truths, "not_refractory"})).visit(ast.parse(expression.strip(), mode="eval"))
    return ast.unparse(ast.fix_missing_locations(uncancelled(tree)))


def real_number(value: object) -> Any:
    """A whole number as a real one; truth values, and what is no number, stay what they are."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def is_bare(node: ast.AST) -> bool:
    """Whether an expression consists of numbers alone, so that whole ones would be computed with as such."""
    called = {id(call.func) for call in ast.walk(node) if isinstance(call, ast.Call)}
    return all(id(inner) in called for inner in ast.walk(node) if isinstance(inner, ast.Name))


def is_count(node: ast.expr, counts: Collection[str]) -> bool:
    """Whether an expression is a whole number whatever its names are, of which some are counts."""
    match node:
        case ast.Constant(value=value):
            return isinstance(value, int) and not isinstance(value, bool)
        case ast.Name(id=name):
            return name in counts
        case ast.UnaryOp(op=ast.UAdd() | ast.USub(), operand=operand):
            return is_count(operand, counts)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Mod(), right=right):
            return is_count(left, counts) and is_count(right, counts)
        case ast.Call(func=ast.Name(id="int" | "poisson" | "binomial")):
            return True
        case ast.Call(func=ast.Name(id="abs" | "sign" | "clip"), args=arguments):
            return all(is_count(argument, counts) for argument in arguments)
        case _:
            pass
    return False


class _Real(ast.NodeTransformer):
    def __init__(self, truths: frozenset[str]) -> None:
        self.truths = truths

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Constant(real_number(node.value))

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        whole = isinstance(node.op, ast.Pow) and _is_whole(node.right)
        return ast.BinOp(self.visit(node.left), node.op, node.right if whole else self.visit(node.right))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        arguments = [self.visit(argument) for argument in node.args]
        called = ast.Call(node.func, arguments, [])
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == "int" and not self._is_truth(node.args[0]) and not _draws(node):
            inner = ast.unparse(ast.fix_missing_locations(arguments[0]))
            text = f"sign({inner})*(abs({inner}) - abs({inner}) % 1.0)"
            called = ast.parse(text, mode="eval").body
        if name in ("int", "sign"):
            return ast.BinOp(ast.Constant(1.0), ast.Mult(), called)
        return called

    def _is_truth(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Name):
            return node.id in self.truths
        if isinstance(node, ast.Constant):
            return isinstance(node.value, bool)
        return isinstance(node, ast.Compare | ast.BoolOp) or (
            isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
        )


def _is_whole(node: ast.expr) -> bool:
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(inner, ast.Constant) and isinstance(inner.value, int) and not isinstance(inner.value, bool)


def _draws(node: ast.AST) -> bool:
    return any(isinstance(inner, ast.Name) and inner.id in DRAWING_FUNCTIONS for inner in ast.walk(node))
