"""What using neurosim leaves of the process: all that its user has set, as it was."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import neurosim

# What a simulation on each engine imports, and what belongs to whoever calls it.
CODE = """
import logging, os, signal, sys, threading, warnings
import numpy as np

def handler(*_): pass
def hook(*_): pass
def state():
    found = {
        "interrupts": signal.getsignal(signal.SIGINT),
        "termination": signal.getsignal(signal.SIGTERM),
        "excepthook": sys.excepthook,
        "showwarning": warnings.showwarning,
        "formatwarning": warnings.formatwarning,
        "root handlers": list(logging.root.handlers),
        "root level": logging.root.level,
        "handlers of warnings": list(logging.getLogger("py.warnings").handlers),
        "errors of NumPy": np.geterr(),
        "printing of NumPy": np.get_printoptions(),
        "recursion": sys.getrecursionlimit(),
        "hidden modules": [name for name in sys.modules if sys.modules[name] is None],
        "working folder": os.getcwd(),
        "users' filters": [each for each in warnings.filters if each[2] in (UserWarning, DeprecationWarning)][:2],
    }
    kind, numbers, *rest = np.random.get_state()
    return found | {"random numbers": (kind, numbers.tolist(), *rest)}

signal.signal(signal.SIGINT, handler)
sys.excepthook = hook
np.seterr(over="raise")
np.random.seed(5)
logging.basicConfig(level=logging.ERROR)
warnings.simplefilter("always", UserWarning)
before = state()
import neurosim
"""
SIMULATED = """
leak = neurosim.NeuronModel("dv/dt = (0.5 - v + 0.1*xi*sqrt(ms))/(10*ms) : 1", threshold="v > 1", reset="v = 0")
for engine in ("brian", "batched"):
    neurosim.simulate(leak, "2 ms", n=2, dt="1 ms", engine=engine)
"""
SHOWN = """
after = state()
print([name for name in before if before[name] != after[name]])
warnings.warn("mine")
"""


def said(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.parametrize(
    "use",
    [
        # The last uses what the others import; each by itself is a process more.
        pytest.param("neurosim.load('lansdell2020/digits').circuit", id="load", marks=pytest.mark.slow),
        pytest.param("neurosim.BrianEngine", id="Brian2's engine", marks=pytest.mark.slow),
        pytest.param("neurosim.BatchedEngine", id="the batched engine", marks=pytest.mark.slow),
        pytest.param(
            "neurosim.true_gradients; neurosim.NeurosimClassifier; neurosim.train",
            id="gradients",
            marks=pytest.mark.slow,
        ),
        pytest.param(SIMULATED, id="simulate"),
    ],
)
def test_the_process_is_as_it_was(use):
    out, err = said(CODE + use + SHOWN)
    assert out.strip() == "[]"
    assert "UserWarning: mine" in err and "py.warnings" not in err


def test_a_thread_can_be_the_first_to_use_it():
    first = "\nfound = []\ndef first():\n    found.append(neurosim.load('lansdell2020/digits').circuit)\n"
    out, _ = said(CODE + first + "thread = threading.Thread(target=first); thread.start(); thread.join()\n" + SHOWN)
    assert out.strip() == "[]"


def test_who_imports_brian_first_keeps_what_that_does():
    code = "import warnings, brian2\nshow = warnings.showwarning\nimport neurosim\n"
    code += "neurosim.NeuronModel('dv/dt = -v/(10*ms) : 1')\nprint(warnings.showwarning is show)"
    assert said(code)[0].strip() == "True"


def test_brian_is_imported_in_one_place():
    root = Path(neurosim.__file__).parent
    allowed = {root / "equations" / "brian.py", *(root / "engines" / "brian").glob("*.py")}
    found = []
    for path in set(root.rglob("*.py")) - allowed:
        text = path.read_text(encoding="utf-8")
        if "brian2" not in text:
            continue  # Parsing all files takes seconds.
        tree = ast.parse(text)
        typed = {id(inner) for node in ast.walk(tree) if _is_for_types(node) for inner in ast.walk(node)}
        for node in ast.walk(tree):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if id(node) not in typed and any(name.split(".")[0] == "brian2" for name in names):
                found.append(f"{path.name}:{getattr(node, 'lineno', 0)}")
    assert found == []


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
