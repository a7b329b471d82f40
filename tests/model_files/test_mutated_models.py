"""Mutated model files: each is refused with the key's path, or passes ``neurosim check``; none hangs."""

from __future__ import annotations

import ast
import copy
import datetime
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from neurosim import registry
from neurosim.cli import app
from tests.cost import counted

#: Calls of functions: where what a file says leads to, and no further.
_MOST = 30_000_000
#: Modules whose readers run what a file says.
_RUNS_FILES = {"pickle", "_pickle", "cPickle", "yaml", "marshal", "shelve", "joblib", "dill", "cloudpickle", "torch"}
_SECTIONS = ("model", "task", "network", "scheme", "engine", "training", "probe", "variants")

_TEXTS = [
    *("1 ms", "-1 ms", "0 ms", "1e400 ms", "nan ms", "5 mV", "1 ms ms", "ms", "1", "", "1e-30 s", "1e30 s", "a.b"),
    *("brian", "spiking", "rate", "digits", "mnist", "lif", "node_perturbation", "../../etc/passwd", "/dev/zero"),
    *("__import__('os')", "v > 1", "1 s**1000000", "9" * 400 + " ms", "(" * 500 + "1" + ")" * 500 + " ms"),
]

numbers = st.one_of(
    st.integers(),
    st.sampled_from([0, -1, 1, 10**12, 10**30, 2**63, 2**64, -(10**18)]),
    st.floats(),
    st.sampled_from([1e12, 1e308, 5e-324, -0.0, 0.5]),
)
texts = st.one_of(
    st.text(max_size=20),
    st.sampled_from(_TEXTS),
)
dates = st.sampled_from([datetime.date(2000, 1, 1), datetime.time(1, 2), datetime.datetime(2000, 1, 1)])
scalars = st.one_of(numbers, texts, st.booleans(), dates)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)


def _places(table: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of all that can be changed."""
    keys = table.keys() if isinstance(table, dict) else range(len(table)) if isinstance(table, list) else ()
    return [place for key in keys for place in ((*before, key), *_places(table[key], (*before, key)))]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """The text of a shipped model with some changes to keys, values, types and characters."""
    name = draw(st.sampled_from(registry.models()))
    sections = tomllib.loads(registry.model_path(name).read_text())
    if draw(st.integers(0, 3)):
        sections.pop("variants", None)
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        _change(draw, sections)
    text = tomli_w.dumps(sections)
    for _ in range(draw(st.sampled_from([0, 0, 0, 0, 0, 0, 0, 0, 1, 5]))):
        place = draw(st.integers(0, max(0, len(text) - 1)))
        added = draw(st.text(max_size=3))
        text = text[:place] + added + text[place + draw(st.integers(0, 3)) :]
    return text


def _change(draw: st.DrawFn, sections: dict[str, Any]) -> None:
    places = _places(sections)
    if not places:
        return
    place = draw(st.sampled_from(places))
    inner: Any = sections
    for step in place[:-1]:
        inner = inner[step]
    key, how = (
        place[-1],
        draw(st.sampled_from(["replace", "scale", "scale", "scale", "delete", "rename", "add", "copy"])),
    )
    if how == "scale" and isinstance(inner[key], int | float) and not isinstance(inner[key], bool):
        factor = draw(st.sampled_from([-1, 0, 2, 1000, 10**9, 1e-9, 0.5]))
        inner[key] = inner[key] * factor
    elif how == "delete":
        del inner[key]
    elif how == "rename" and isinstance(inner, dict):
        inner[draw(st.one_of(st.text(max_size=8), st.just(f"{key}s"), st.just(str(key)[:-1])))] = inner.pop(key)
    elif how == "add" and isinstance(inner, dict):
        inner[draw(st.one_of(st.text(max_size=8), st.sampled_from(_SECTIONS)))] = draw(values)
    elif how == "copy":
        other: Any = sections
        for step in draw(st.sampled_from(places)):
            other = other[step]
        inner[key] = copy.deepcopy(other)
    else:
        inner[key] = draw(values)


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """Put a text into a file, check that, and look at what comes."""
    path, runner = tmp_path_factory.mktemp("mutated") / "model.toml", CliRunner()

    def check(text: str) -> None:
        path.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
        with counted() as cost:
            result = runner.invoke(app, ["check", str(path)])
        assert cost.calls < _MOST
        assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
        assert result.exit_code in (0, 2)
        assert "Traceback" not in result.output
        if result.exit_code == 2:
            _look_at(result.stderr)

    return check


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
