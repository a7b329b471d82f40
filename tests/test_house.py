"""What is declared in one place is asked there: no module tells engines, moments or pathways apart by itself."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import neurosim
from neurosim import registry

ROOT = Path(neurosim.__file__).parent
#: Folders in which names of pathways pass by.
NETWORKS = (
    "circuit",
    "engines",
    "schemes",
    "networks",
    "gradients",
    "probes",
    "training",
    "recording",
    "runs",
    "plots",
)
#: Expressions that are a pathway's name.
PATHWAY = re.compile(r"(.*\b(pathway|owner)(\.name)?|\w+\.name)$")


@functools.cache
def _modules() -> dict[str, tuple[ast.AST, ...]]:
    """All nodes of each module of the package."""
    paths = sorted(ROOT.rglob("*.py"))
    return {path.relative_to(ROOT).as_posix(): tuple(ast.walk(ast.parse(path.read_bytes()))) for path in paths}


def _nodes(*folders: str, beside: tuple[str, ...] = ()) -> Iterator[tuple[str, ast.AST]]:
    """All nodes of the modules in some folders (all of the package by default), each with its place."""
    for where, nodes in _modules().items():
        if not where.startswith(beside) and (not folders or where.split("/")[0] in folders):
            yield from ((f"{where}:{getattr(node, 'lineno', 0)}", node) for node in nodes)


def _compared(node: ast.AST) -> list[ast.expr]:
    """What a comparison, or a case of a ``match``, compares."""
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators]
    return [node.value] if isinstance(node, ast.MatchValue) else []


def _names_engine(node: ast.AST) -> bool:
    sides, engines = _compared(node), registry.names("engines") if _compared(node) else []
    named = any(isinstance(n, ast.Constant) and n.value in engines for side in sides for n in ast.walk(side))
    # Brian2's code generation target, and what is not an engine at all, have words of their own.
    return named and any(re.search(r"engine|kind|\bname$", ast.unparse(side)) for side in sides)


def _asks_class_of_engine(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance"):
        return False
    return any(isinstance(n, ast.Name | ast.Attribute) and ast.unparse(n).endswith("Engine") for n in ast.walk(node))


def _compares_timing(node: ast.AST) -> bool:
    sides = _compared(node)
    return any(isinstance(n, ast.Attribute) and n.attr == "timing" for side in sides for n in ast.walk(side))


def _takes_name_apart(node: ast.AST) -> bool:
    """A comparison with the first or last letters of a pathway's name, or a test of what it begins or ends with."""
    for side in _compared(node):
        if isinstance(side, ast.Subscript) and isinstance(side.slice, ast.Slice | ast.Constant):
            whole, first = ast.unparse(side.value), ast.unparse(side.slice)
            if first in ("0", ":1", "-1") and (PATHWAY.match(whole) or whole == "name"):
                return True
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    # With a dot in it, it is the name of a variable that is tested: 'W1.w'.
    asked = "".join(ast.unparse(argument) for argument in node.args)
    tested = node.func.attr in ("startswith", "endswith") and "." not in asked
    return tested and bool(PATHWAY.match(ast.unparse(node.func.value)))


CASES: dict[str, tuple[Callable[[ast.AST], bool], tuple[str, ...], tuple[str, ...]]] = {
    "no comparison with an engine's name": (_names_engine, (), ("engines/",)),
    "no isinstance of an engine": (_asks_class_of_engine, (), ("engines/",)),
    "no comparison of timing": (_compares_timing, (), ("rules/_moments.py", "circuit/moments.py")),
    "no test of a part of a pathway's name": (_takes_name_apart, NETWORKS, ()),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_declared_is_asked(case: str) -> None:
    broken, folders, beside = CASES[case]
    assert [where for where, node in _nodes(*folders, beside=beside) if broken(node)] == []


@pytest.mark.parametrize(
    ("case", "text"),
    [
        ("no comparison with an engine's name", "config.kind == 'brian'"),
        ("no comparison with an engine's name", "engine in ('batched', other)"),
        ("no isinstance of an engine", "isinstance(engine, engines.BatchedEngine)"),
        ("no isinstance of an engine", "isinstance(engine, (int, BrianEngine))"),
        ("no comparison of timing", "pathway.rule.timing == 'step'"),
        ("no comparison of timing", "rule.timing in ('step', 'phase_end')"),
        ("no test of a part of a pathway's name", "pathway.name[0] == 'W'"),
        ("no test of a part of a pathway's name", "name[:1] in 'WB'"),
        ("no test of a part of a pathway's name", "pathway.startswith('B')"),
        ("no test of a part of a pathway's name", "pathway.name.endswith('_back')"),
    ],
)
def test_what_is_looked_for_is_found(case: str, text: str) -> None:
    assert any(CASES[case][0](node) for node in ast.walk(ast.parse(text)))


def test_no_parameter_called_engine_is_of_any_type() -> None:
    """Whoever takes an engine takes what the protocol describes."""
    loose = [
        where
        for where, node in _nodes()
        if isinstance(node, ast.arg)
        and node.arg == "engine"
        and node.annotation
        and ast.unparse(node.annotation) == "Any"
    ]
    assert loose == []


def _code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> int:
    """Lines of a function's body, without its docstring, comments and blank lines."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not body:
        return 0
    written = (line.strip() for line in lines[body[0].lineno - 1 : function.end_lineno])
    return sum(bool(line) and not line.startswith("#") for line in written)


def _positional(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    given = [*function.args.posonlyargs, *function.args.args]
    return len(given) - bool(given and given[0].arg in ("self", "cls"))


def test_functions_are_short_and_take_few_arguments_by_position() -> None:
    """What is given by name alone is a bundle of settings, and counts as one."""
    long, wide = [], []
    for where, nodes in _modules().items():
        lines = (ROOT / where).read_text("utf-8").splitlines()
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                bundle = bool(node.args.kwonlyargs)
                long += [f"{where}: {node.name}"] if _code_lines(node, lines) > 60 else []
                wide += [f"{where}: {node.name}"] if _positional(node) + bundle > 8 else []
    assert long == []
    assert wide == []


def test_each_class_has_a_name_of_its_own() -> None:
    """Classes of settings, which each variant has, are all called Config."""
    places: dict[str, list[str]] = {}
    for where, nodes in _modules().items():
        for node in nodes:
            if isinstance(node, ast.ClassDef) and node.name != "Config":
                places.setdefault(node.name, []).append(where)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_names_say_what_they_hold() -> None:
    """`found` says that something is returned, and not what."""
    nodes = _nodes()
    assert [where for where, node in nodes if isinstance(node, ast.Name) and node.id == "found"] == []


#: Where each parameter has a type, or a name from `neurosim.untyped` that says what it takes.
TYPED = ("circuit", "equations", "metrics", "neurons", "plots", "random.py", "rules", "stability", "units")


def _arguments(node: ast.AST) -> list[ast.arg]:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return []
    given = node.args
    return [arg for arg in (*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg) if arg]


def test_parameters_of_any_type_say_why() -> None:
    loose = [
        f"{where}: {argument.arg}"
        for where, node in _nodes(*TYPED)
        for argument in _arguments(node)
        if argument.annotation and re.search(r"\bAny\b", ast.unparse(argument.annotation))
    ]
    assert loose == []
