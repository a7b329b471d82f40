"""Texts with other names in them: only names that the parser reads are replaced, all else stays as it is written.

`inlined` writes an expression anew, with parts put in however deep; these functions keep spaces and brackets.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import replace

from neurosim.equations.parse import EquationSet


def renamed(code: str, names: Mapping[str, str]) -> str:
    """An expression, or lines of assignments, with another text for each name; functions keep their names.

    Parameters
    ----------
    code
        Checked text.
    names
        Name -> what stands in its place: a name, or an expression in brackets where its place needs them.

    Examples
    --------
    >>> renamed("x = a*exp(-a/ab)", {"a": "(b + c)"})
    'x = (b + c)*exp(-(b + c)/ab)'
    """
    named = ((node, names[node.id]) for node in _names(ast.parse(code)) if node.id in names)
    return _replaced(code, named)


def with_parts(equations: EquationSet, parts: Mapping[str, str]) -> EquationSet:
    """Equations with each part written out where its name stands."""
    return EquationSet(
        tuple(
            e if e.expression is None else replace(e, expression=renamed(e.expression, parts))
            for e in equations.equations
        )
    )


def with_function(expression: str, name: str, body: str, argument: str) -> str:
    """An expression in which a function of one argument is written out.

    Parameters
    ----------
    expression
        A checked expression.
    name
        The function that it calls.
    body, argument
        What the function is, and the name in it that stands for the argument.

    Examples
    --------
    >>> with_function("g(a + b) - g(0)", "g", "v*v", "v")
    '((a + b)*(a + b)) - ((0)*(0))'
    """

    def written_out(call: ast.Call) -> str:
        (given,) = call.args
        inside = with_function(ast.get_source_segment(expression, given) or "", name, body, argument)
        return f"({renamed(body, {argument: f'({inside})'})})"

    return _replaced(expression, ((call, written_out(call)) for call in calls(expression, name)))


def calls(expression: str, name: str) -> tuple[ast.Call, ...]:
    """The calls of a function in an expression, without those in the arguments of others."""
    return tuple(_calls(ast.parse(expression, mode="eval").body, name))


def _calls(node: ast.AST, name: str) -> Iterator[ast.Call]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
        yield node
        return
    for child in ast.iter_child_nodes(node):
        yield from _calls(child, name)


def _names(tree: ast.AST) -> Iterator[ast.Name]:
    """All names but those of functions that are called."""
    functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return (node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in functions)


def _replaced(code: str, nodes: Iterator[tuple[ast.expr, str]]) -> str:
    """The code with a text in place of each of some nodes, none within another."""
    # Places count bytes.
    lines = [line.encode() for line in code.split("\n")]
    placed = sorted(
        ((node.lineno, node.col_offset, node.end_col_offset or 0, text) for node, text in nodes), reverse=True
    )
    for number, start, end, text in placed:
        line = lines[number - 1]
        lines[number - 1] = line[:start] + text.encode() + line[end:]
    return b"\n".join(lines).decode()
