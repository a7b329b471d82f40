"""Names are replaced where the parser reads them, and nothing else changes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from neurosim.equations.parse import parse_equations
from neurosim.equations.renamed import renamed, with_function, with_parts


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x", "y"),
        ("x_held*x - ax", "x_held*y - ax"),
        ("slope*x/( x+1 )", "slope*y/( y+1 )"),
        ("x(x) + sin(x)", "x(y) + sin(y)"),
        ("x = 2*x\nz = x", "y = 2*y\nz = y"),
        ("(x +\n  x)", "(y +\n  y)"),
        ("1.5e-3", "1.5e-3"),
    ],
)
def test_a_name_is_replaced_and_all_else_stays(code: str, expected: str) -> None:
    assert renamed(code, {"x": "y"}) == expected


def test_names_may_change_places() -> None:
    assert renamed("a - b", {"a": "b", "b": "a"}) == "b - a"


def test_a_function_is_written_out_however_deep_its_arguments() -> None:
    written = with_function("g(a*(b + 1)) - g(g(c))", "g", "v**2 + w", "v")
    assert written == "((a*(b + 1))**2 + w) - ((((c)**2 + w))**2 + w)"


def test_parts_of_equations_are_written_out() -> None:
    equations = parse_equations("dv/dt = (drive - v)/tau : 1\nr = activation + noise : 1\nnoise : 1")
    assert str(with_parts(equations, {"activation": "tanh(v)"})).splitlines()[1] == "r = tanh(v) + noise : 1"


def test_the_code_of_a_step_is_the_same_in_each_process() -> None:
    """What a compiler keeps on disk is found again only by the same text."""
    program = (
        "from neurosim.equations.discretise import abstract_code\n"
        "from neurosim.equations.parse import parse_equations\n"
        "lines = [f'd{n}/dt = -{n}*{n}0/second : 1\\n{n}0 : 1' for n in 'uvwxyz']\n"
        "print(abstract_code(parse_equations('\\n'.join(lines)), 'exponential_euler'))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True
        ).stdout
        for seed in "12"
    }
    assert len(texts) == 1 and b"_u = " in texts.pop()
