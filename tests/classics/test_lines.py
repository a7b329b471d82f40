"""A classic takes no more lines in its file than as a script of Brian2, plus five.

What is counted: lines of code, neither blank nor comment.

* Of a file, the tables that say what is simulated and what is recorded: neurons, populations, rules, pathways and
  simulation, with their headings. Its title and its description stand for the docstring of a script. Measured numbers
  and variants have no counterpart in the script, which measures nothing and is one variant.
* Of a script, all that is Brian2's in the test beside which it stands: imports of Brian2, the texts and numbers of the
  module that it uses, and the body of the test, down to the run. Left out is what a script would not have: loading the
  file, running it, and comparing. In the script's favour, a circuit gives it its synapses and weights, so that one call
  stands for what connects synapses and draws their weights.

A row of a matrix of numbers counts as no line: it is data, which a script has as well.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES = HERE.parents[1] / "models" / "classics"
NO_CODE = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
MORE = 5
#: Tables of a file that say what a script says.
TABLES = ("neurons", "populations", "rules", "pathways", "simulation")
HEADING = re.compile(r"\[(\w+)[\w.]*\]")
ROW = re.compile(r"\[[-\d\s.,]+\],?")
#: What in a test is not of the script: it asks the circuit, draws what the circuit drew, or compares.
OTHERS = {"load_circuit", "on_both", "simulate", "Classic", "Given", "default_rng"}
OTHERS |= {"equal", "same_spikes", "assert_same_spikes", "assert_same_weights", "assert_allclose"}


def classics() -> list[str]:
    """The names of all classics."""
    return sorted(path.stem for path in FILES.glob("*.toml") if path.stem != "expected")


def lines_of_file(text: str) -> int:
    """The lines of a circuit file that say what is simulated."""
    found, table, within = 0, "", False
    for line in map(str.strip, text.splitlines()):
        if not within and (heading := HEADING.fullmatch(line)):
            table = heading[1]
        within ^= line.count('"""') == 1
        found += bool(line) and not line.startswith("#") and not ROW.fullmatch(line) and table in TABLES
    return found


def calls(node: ast.AST) -> set[str]:
    """The names of what is called within."""
    functions = (each.func for each in ast.walk(node) if isinstance(each, ast.Call))
    return {f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "") for f in functions}


def of_script(statement: ast.stmt) -> bool:
    """Whether a statement of a test belongs to the script."""
    documents = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    around = isinstance(statement, ast.With)
    return around or not (documents or isinstance(statement, ast.Assert) or calls(statement) & OTHERS)


def script(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements of a test's module that make up its script of Brian2."""
    test = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and "Network" in calls(n))
    body = [statement for statement in test.body if of_script(statement)]
    used = {n.id for statement in body for n in ast.walk(statement) if isinstance(n, ast.Name)}
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            module = statement.module if isinstance(statement, ast.ImportFrom) else statement.names[0].name
            if module == "brian2":
                yield statement
        elif isinstance(statement, ast.Assign | ast.AnnAssign) and of_script(statement):
            yield from [statement] if used & {n.id for n in ast.walk(statement) if isinstance(n, ast.Name)} else []
    yield from body


def lines_of_script(text: str) -> int:
    """The lines of the script of Brian2 in a test's module."""
    code = set[int]()
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in NO_CODE:
            code |= {n for n in range(token.start[0], token.end[0] + 1) if lines[n - 1].strip()}
    return len(
        {n for each in script(ast.parse(text)) for n in range(each.lineno, (each.end_lineno or 0) + 1) if n in code}
    )


@pytest.mark.parametrize("name", classics())
def test_a_file_has_no_more_lines_than_its_script_and_five(name: str) -> None:
    file = lines_of_file((FILES / f"{name}.toml").read_text())
    beside = lines_of_script((HERE / f"test_{name}.py").read_text())
    assert file <= beside + MORE, f"{file} lines, of which the script beside it needs {beside}"


def test_what_is_counted_of_a_file() -> None:
    text = '''[model]\ntitle = "t"\n\n[populations.E]\n# A comment.\nsize = 1\nequations = """\nx : 1\n\n"""\n
[pathways.W]\nvalues = [\n  [0, 1],\n  [-1, 0.5],\n]\n[numbers]\nrate = 1\n[variants.v.populations]\nE = 1\n'''
    # A heading, the size, three lines of equations; a heading, and a matrix, which begins and ends.
    assert lines_of_file(text) == 8


def test_what_is_counted_of_a_script() -> None:
    text = '''"""A test."""
import brian2
import numpy as np
from brian2 import ms

FILE = Classic("x")
UNUSED = 1
TEXT = """
x : 1

y : 1
"""


def test_it() -> None:
    """It is."""
    file = load_circuit("x")
    # A comment.
    group = brian2.NeuronGroup(
        1, TEXT
    )
    brian2.Network(group).run(1 * ms)
    equal(file, group)
'''
    # Two imports, four lines of equations, three of a group, and the run.
    assert lines_of_script(text) == 10
