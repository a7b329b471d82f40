"""Mutated model files: each is refused with the key's path, or passes ``neurosim check``; none hangs."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from neurosim import registry
from neurosim.cli import app
from tests.model_files.mutations import checker, damaged

#: Modules whose readers run what a file says.
_RUNS_FILES = {"pickle", "_pickle", "cPickle", "yaml", "marshal", "shelve", "joblib", "dill", "cloudpickle", "torch"}


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """The text of a shipped model with some changes."""
    name = draw(st.sampled_from(registry.models()))
    sections = tomllib.loads(registry.model_path(name).read_text())
    if draw(st.integers(0, 3)):
        sections.pop("variants", None)
    return damaged(draw, sections)


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """What a text in a file is checked by."""
    return checker(tmp_path_factory.mktemp("mutated") / "model.toml", _look_at)


def _look_at(message: str) -> None:
    """A refusal says what is wrong where."""
    assert message.startswith("neurosim: ")
    if re.search(r"no valid TOML|not UTF-8|nested too deeply", message):
        return
    assert re.search(r": \d+ faults?\n", message), message
    lines = message.splitlines()[1:]
    assert lines
    for line in lines:
        if line.startswith("  ") and not line.startswith("   "):
            path, _, sentence = line.strip().partition(": ")
            assert path and sentence, line
            said = re.search(r"\bgot\b|unknown|missing|expected|allowed are", sentence)
            assert said, line


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(text=mutated())
def test_mutated_model_files_are_refused_or_pass(checked, text):
    checked(text)


@pytest.mark.slow
@pytest.mark.timeout(36_000)
@settings(max_examples=2000, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(text=mutated())
def test_two_thousand_mutated_model_files_are_refused_or_pass(checked, text):
    """1 min 30 s."""
    checked(text)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["network.hidden=[1e12]"], "network.hidden.0: got 1000000000000.0, expected"),
        (["network.hidden=[1000000000000]"], "a matrix of 1,000,000,000,000 x 64 weights takes"),
        ([f"network.hidden=[{'2,' * 300}]"], "network.hidden: "),
        (["training.evaluation_batch=1000000000000"], "training.evaluation_batch: got 1000000000000, expected"),
        (["training.steps_per_epoch=1000000000000"], "training.steps_per_epoch: got 1000000000000, expected"),
        (["training.epochs=1" + "0" * 400], "training.epochs: got 1"),
        (["task.kind=teacher_student", "task.n_train=1000000000000"], "task: got sizes that make 6e+13 numbers"),
        (["task.kind=teacher_student", "task.n_inputs=100000000"], "task: got sizes that make"),
        (["task.kind=../../tests/conftest"], "task.kind: got '../../tests/conftest', expected a name"),
        (["task.kind=/etc/passwd"], "task.kind: got '/etc/passwd', expected a name"),
        (["network.neuron={kind='_model'}"], "network.neuron.kind: got '_model', expected a name"),
        (["scheme.duration='1e30 s'"], "scheme"),
        (
            ["network.readout=squared_error", "network.output_neuron={kind='leaky_rate',activation='tanh'}"],
            "network.output_neuron.method: got the method 'exact'",
        ),
        (["engine.dt='1e-300 s'"], "engine.dt"),
    ],
)
def test_what_would_exhaust_memory_or_leave_the_package_is_refused(changes, message):
    result = CliRunner().invoke(app, ["check", "lansdell2020/digits", *changes])
    assert result.exit_code == 2 and isinstance(result.exception, SystemExit)
    assert message in result.stderr, result.stderr


def test_no_pickle_yaml_or_eval_of_files_in_the_package():
    """Nothing that reads files can run what is in them."""
    folder = Path(registry.__file__).parent
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            imported += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.split(".")[0] for name in imported} & _RUNS_FILES, f"{path}: {imported}"
            for keyword in node.keywords if isinstance(node, ast.Call) else ():
                refused = keyword.arg != "allow_pickle" or ast.unparse(keyword.value) == "False"
                assert refused, f"{path}, line {keyword.lineno}: allow_pickle={ast.unparse(keyword.value)}"
