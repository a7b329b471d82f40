"""Equation text as Brian2 takes it: time within a presentation, and random numbers that are drawn apart."""

from __future__ import annotations

import ast
from collections import Counter

from brian2.utils.stringtools import word_substitute

from neurosim.equations.grammar import RANDOM_FUNCTIONS, names_in

#: The step at which a presentation begins, where others came before it in the same run.
BEGUN = "presentation_begun"
#: What in a text depends on it. Brian2's clock never goes back.
_SINCE = {"t": f"((t_in_timesteps - {BEGUN})*dt)", "lastspike": f"(lastspike - {BEGUN}*dt)"}


def knows_time(expression: str) -> bool:
    """Whether an expression refers to the time."""
    return bool(_SINCE.keys() & names_in(ast.parse(expression.strip(), mode="eval").body))


def in_presentation(text: str) -> str:
    """A text in which the time counts from the beginning of the presentation."""
    return word_substitute(text, _SINCE)


def drawn_apart(expression: str, label: str) -> tuple[str, str]:
    """Statements that draw random numbers, and the expression of these; none where it draws no law twice.

    Brian2 refuses two draws of one law in an expression, because its algebra would take them for the same number.
    """
    tree = ast.parse(expression.strip(), mode="eval")
    splitter = _Splitter(label)
    split = splitter.visit(tree)
    if max(Counter(law for _, law in splitter.draws).values(), default=0) < 2:
        return "", expression
    return "\n".join(f"{name} = {law}()" for name, law in splitter.draws), ast.unparse(split.body)


class _Splitter(ast.NodeTransformer):
    """Puts names in place of draws."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.draws: list[tuple[str, str]] = []

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if isinstance(node.func, ast.Name) and node.func.id in RANDOM_FUNCTIONS:
            self.draws.append((f"_{self.label}_{len(self.draws)}", node.func.id))
            return ast.Name(self.draws[-1][0], ast.Load())
        self.generic_visit(node)
        return node
