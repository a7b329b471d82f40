"""Cut an array function in two: what does not change in a loop over time, and the rest, which reads that."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from neurosim.equations.array_code import ArrayFunction

#: Begins names of what is computed before; no variable begins so.
_BEFORE = "__before_"


@dataclass(frozen=True)
class Halves:
    """An array function in two parts.

    Attributes
    ----------
    before
        Computes what does not change; none where all of it does.
    rest
        The function, with the results of `before` among its arguments.
    """

    before: ArrayFunction | None
    rest: ArrayFunction


@functools.lru_cache(maxsize=1024)
def halves(function: ArrayFunction, still: frozenset[str], truths: tuple[tuple[str, bool], ...] = ()) -> Halves:
    """An array function in two parts; operations and their order stay.

    Parameters
    ----------
    function
        What to cut.
    still
        Arguments that do not change.
    truths
        Arguments that are known to be true or false.

    Examples
    --------
    >>> from neurosim.equations.array_code import expression_function
    >>> decay = expression_function("decay", "v*exp(-dt/tau)")
    >>> print(halves(decay, frozenset({"dt", "tau"})).rest)
    def decay(__before_0, v):
        return v * __before_0
    <BLANKLINE>
    """
    cutter = _Cutter(still, dict(truths))
    body = ast.parse(function.source).body[0]
    assert isinstance(body, ast.FunctionDef)
    lines = [line for statement in body.body for line in cutter.statement(statement)]
    rest = _function(function, lines, function.returns)
    if not cutter.results:
        return Halves(None, rest)
    returned = tuple(cutter.results.values())
    return Halves(_function(function, [*cutter.lines, f"return {', '.join(returned)}"], returned), rest)


def depends_on(function: ArrayFunction, argument: str) -> frozenset[str]:
    """The results that an argument reaches."""
    body = ast.parse(function.source).body[0]
    assert isinstance(body, ast.FunctionDef)
    reached = {argument}
    for statement in body.body:
        if isinstance(statement, ast.Assign):
            (target,) = _names(statement.targets)
            (reached.add if _names([statement.value]) & reached else reached.discard)(target)
    last = body.body[-1]
    assert isinstance(last, ast.Return) and last.value is not None
    results = last.value.elts if isinstance(last.value, ast.Tuple) else [last.value]
    return frozenset(n for n, r in zip(function.returns, results, strict=True) if _names([r]) & reached)


def _function(whole: ArrayFunction, lines: list[str], returns: tuple[str, ...]) -> ArrayFunction:
    """A part of a function; what it reads and does not compute are its arguments."""
    known: set[str] = set()
    arguments: set[str] = set()
    for statement in ast.parse("\n".join(line.removeprefix("return ") for line in lines)).body:
        assert isinstance(statement, ast.Assign | ast.Expr)
        arguments |= _names([statement.value]) - known
        known |= _names(statement.targets) if isinstance(statement, ast.Assign) else set()
    named = tuple(sorted(arguments))
    draws = tuple(draw for draw in whole.draws if draw[0] in arguments)
    source = f"def {whole.name}({', '.join(named)}):\n" + "".join(f"    {line}\n" for line in lines)
    return ArrayFunction(whole.name, named, returns, source, draws)


def _names(nodes: Iterable[ast.expr]) -> set[str]:
    """The variables in expressions."""
    called = {id(n.func) for node in nodes for n in ast.walk(node) if isinstance(n, ast.Call)}
    named = {n.id for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name) and id(n) not in called}
    return named - {"inf"}


class _Cutter(ast.NodeTransformer):
    """Takes the largest parts that do not change out of statements."""

    def __init__(self, still: frozenset[str], truths: Mapping[str, bool]) -> None:
        #: Names that have a value which does not change, at the current statement.
        self.still = set(still)
        self.truths = dict(truths)
        self.lines: list[str] = []
        #: Text of what is computed before -> its name.
        self.results: dict[str, str] = {}

    def statement(self, statement: ast.stmt) -> list[str]:
        """What stays of a statement."""
        if isinstance(statement, ast.Return):
            assert statement.value is not None
            results = statement.value.elts if isinstance(statement.value, ast.Tuple) else [statement.value]
            return [f"return {', '.join(ast.unparse(self.visit(result)) for result in results)}"]
        assert isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
        target = statement.targets[0].id
        is_still, left = self._is_still(statement.value), list[str]()
        if is_still:
            self.lines.append(f"{target} = {ast.unparse(self._with_truths(statement.value))}")
        else:
            left.append(f"{target} = {ast.unparse(self.visit(statement.value))}")
        (self.still.add if is_still else self.still.discard)(target)
        self.truths.pop(target, None)
        self._forget(target)
        return left

    def _forget(self, target: str) -> None:
        """What was computed before of an older value of a variable is not what is computed of the new one."""
        self.results = {
            (f"{text} " if target in _names([ast.parse(text.strip(), mode="eval").body]) else text): name
            for text, name in self.results.items()
        }

    def visit(self, node: ast.AST) -> ast.AST:
        if not isinstance(node, ast.expr) or not self._is_still(node) or not _names([node]):
            return self.generic_visit(node)
        return ast.Name(self._before(self._with_truths(node)))

    def _before(self, node: ast.expr) -> str:
        text = ast.unparse(node)
        if text not in self.results:
            name = f"{_BEFORE}{len(self.results)}"
            self.results[text] = name
            self.lines.append(f"{name} = {text}")
        return self.results[text]

    def _is_still(self, node: ast.expr) -> bool:
        return _names([node]) <= self.still | self.truths.keys()

    def _with_truths(self, node: ast.expr) -> ast.expr:
        return _Truths(self.truths).visit(ast.parse(ast.unparse(node), mode="eval").body)


class _Truths(ast.NodeTransformer):
    """Puts truth values for names."""

    def __init__(self, truths: Mapping[str, bool]) -> None:
        self.truths = truths

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(self.truths[node.id]) if node.id in self.truths else node
