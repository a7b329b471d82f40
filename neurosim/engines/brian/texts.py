"""Equation text as Brian2 takes it: time within a presentation, and random numbers that are drawn apart."""

from __future__ import annotations

import ast
from collections import Counter

from brian2.utils.stringtools import word_substitute

from neurosim.engines.brian.names import BEGUN
from neurosim.equations.grammar import names_in
from neurosim.equations.reserved import RANDOM_FUNCTIONS

#: What in a text depends on when a presentation begins: Brian2's clock never goes back. Counted in whole steps, so that
#: a neuron that spikes now last spiked at ``t``, to the last bit.
_SINCE = {"t": f"((t_in_timesteps - {BEGUN})*dt)", "lastspike": f"((floor(lastspike/dt + 0.5) - {BEGUN})*dt)"}


def knows_time(expression: str) -> bool:
    """Whether an expression refers to the time."""
    return bool(_SINCE.keys() & names_in(ast.parse(expression.strip(), mode="eval").body))


def in_presentation(text: str) -> str:
    """A text in which the time counts from the beginning of the presentation."""
    return word_substitute(text, _SINCE)


def drawn_apart(expression: str) -> tuple[str, str]:
    """Lines that draw random numbers, and the expression of these; none where it draws no law twice.

    Brian2 refuses two draws of one law in an expression, because its algebra would take them for the same number.
    """
    splitter = _Splitter()
    split = splitter.visit(ast.parse(expression.strip(), mode="eval"))
    if max(Counter(law for _, law in splitter.draws).values(), default=0) < 2:
        return "", expression
    return "".join(f"{name} = {law}()\n" for name, law in splitter.draws), ast.unparse(split.body)


class _Splitter(ast.NodeTransformer):
    """Puts names in place of draws."""

    def __init__(self) -> None:
        self.draws: list[tuple[str, str]] = []

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if isinstance(node.func, ast.Name) and node.func.id in RANDOM_FUNCTIONS:
            self.draws.append((f"_drawn_{len(self.draws)}", node.func.id))
            return ast.Name(self.draws[-1][0], ast.Load())
        self.generic_visit(node)
        return node
