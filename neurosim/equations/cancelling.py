"""Keep a code generator's algebra from cancelling terms that are not finite everywhere.

Brian2 takes ``v/v`` for 1, ``1/v - 1/v`` for 0 and ``0*log(v)`` for 0, also where ``v`` is zero. What would
cancel is written in another way, so that all is computed.
"""

from __future__ import annotations

import ast

from neurosim.equations.reserved import DRAWING_FUNCTIONS, FUNCTIONS

_INVERSE = (ast.Div, ast.Sub)
#: Functions that are finite wherever their argument is.
_FINITE = frozenset({"sin", "cos", "tanh", "arctan", "abs", "sign", "floor", "ceil", "int", "clip"})
_KINDS = ((ast.Mult, ast.Div), (ast.Add, ast.Sub))


def uncancelled(tree: ast.Expression) -> ast.Expression:
    """The expression, rewritten so that no terms cancel; unchanged where none would."""
    return _Uncancelled().visit(tree)


def kept_whole(expression: str) -> str:
    """The text of the expression, rewritten so that no terms cancel; the same text where none would."""
    tree = ast.parse(expression.strip(), mode="eval")
    if _has_a_value_everywhere(tree):
        return expression
    before = ast.dump(tree)
    changed = ast.fix_missing_locations(uncancelled(tree))
    return expression if ast.dump(changed) == before else ast.unparse(changed)


class _Uncancelled(ast.NodeTransformer):
    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        kind = next((kind for kind in _KINDS if isinstance(node.op, kind)), None)
        if kind is None:
            self.generic_visit(node)
            return node
        parts = _parts(node, kind)
        texts = [(ast.unparse(part) if _varies(part) else "", inverse) for part, inverse in parts]
        twice = {text for text, inverse in texts if inverse} & {text for text, inverse in texts if not inverse} - {""}
        zeros = {id(p) for p, inverse in parts if kind == _KINDS[0] and not inverse and _is_zero(p)}
        wrapped = {
            id(p) for (p, inverse), (text, _) in zip(parts, texts, strict=True) if inverse and text and text in twice
        }
        factor = next((part for part, inverse in parts if not inverse and _varies(part)), None)
        if zeros and factor is not None:
            # One factor is enough, and leaves the others apart.
            return self._rebuilt(node, kind, wrapped, zeros, id(factor))
        if zeros and _varies(node):
            rest = self._rebuilt(node, kind, wrapped, zeros)
            return ast.BinOp(rest, ast.Sub(), _as_it_is(rest))
        return self._rebuilt(node, kind, wrapped, set())

    def _rebuilt(
        self, node: ast.expr, kind: tuple[type, ...], wrapped: set[int], ones: set[int], nothing: int | None = None
    ) -> ast.expr:
        if isinstance(node, ast.BinOp) and isinstance(node.op, kind):
            left, right = (self._rebuilt(side, kind, wrapped, ones, nothing) for side in (node.left, node.right))
            return ast.BinOp(left, node.op, right)
        inner = ast.Constant(1.0) if id(node) in ones else self.visit(node)
        if id(node) == nothing:
            return ast.BinOp(inner, ast.Sub(), _as_it_is(inner))
        return _as_it_is(inner) if id(node) in wrapped else inner


def _has_a_value_everywhere(tree: ast.AST) -> bool:
    """Whether an expression is finite for all finite variables, so that it may cancel."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in _FINITE:
            return False
        divisor = node.right if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.Mod) else None
        if divisor is not None and not isinstance(divisor, ast.Constant):
            return False
        power = node.right if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) else None
        if power is not None and not (isinstance(power, ast.Constant) and isinstance(power.value, int)):
            return False
    return True


def _parts(node: ast.expr, kind: tuple[type, ...], inverse: bool = False) -> list[tuple[ast.expr, bool]]:
    """The factors, or the summands, and which of them divide, or are subtracted."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, kind)):
        return [(node, inverse)]
    other = inverse != isinstance(node.op, _INVERSE)
    return [*_parts(node.left, kind, inverse), *_parts(node.right, kind, other)]


def _is_zero(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not isinstance(node.value, bool) and node.value == 0


def _as_it_is(node: ast.expr) -> ast.expr:
    """An expression of the same value and unit that algebra cannot simplify."""
    magnitude, sign = (ast.Call(ast.Name(name, ast.Load()), [node], []) for name in ("abs", "sign"))
    return ast.BinOp(sign, ast.Mult(), magnitude)


def _varies(node: ast.expr) -> bool:
    """Whether a part has names, and is the same number wherever it is written."""
    names = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    return bool(names - FUNCTIONS.keys()) and not names & DRAWING_FUNCTIONS.keys()
