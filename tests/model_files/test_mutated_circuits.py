"""Mutated circuit files: each is refused with the key's path, or passes ``neurosim check``; none hangs."""

from __future__ import annotations

import re
import tomllib

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from neurosim import registry
from neurosim.cli import app
from tests.cost import counted
from tests.model_files.test_circuit_file import TEXT
from tests.model_files.test_mutated_models import _MOST, _change


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """The text of a circuit with some changes to keys, values, types and characters."""
    shipped = [registry.circuit_path(name).read_text() for name in registry.circuits()]
    sections = tomllib.loads(draw(st.sampled_from([TEXT, TEXT, *shipped])))
    for table in sections["populations"].values():
        table["size"] = min(table["size"], 50)
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        _change(draw, sections)
    text = tomli_w.dumps(sections)
    for _ in range(draw(st.sampled_from([0, 0, 0, 0, 0, 0, 0, 0, 1, 5]))):
        place = draw(st.integers(0, max(0, len(text) - 1)))
        text = text[:place] + draw(st.text(max_size=3)) + text[place + draw(st.integers(0, 3)) :]
    return text


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """Put a text into a file, check that, and look at what comes."""
    path, runner = tmp_path_factory.mktemp("mutated") / "circuit.toml", CliRunner()

    def check(text: str) -> None:
        path.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
        with counted() as cost:
            result = runner.invoke(app, ["check", str(path)])
        assert cost.calls < _MOST
        assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
        assert result.exit_code in (0, 2)
        assert "Traceback" not in result.output
        if result.exit_code == 2:
            assert "itself failed" not in result.stderr, result.stderr
            _look_at(result.stderr)

    return check


def _look_at(message: str) -> None:
    """A refusal says what is wrong where; what circuits say of their parts is in their own words."""
    assert message.startswith("neurosim: ")
    if re.search(r"no valid TOML|not UTF-8|nested too deeply|a circuit without a task|no such file", message):
        return
    assert re.search(r": \d+ faults?\n", message), message
    lines = [line for line in message.splitlines()[1:] if re.match(r"  \S", line)]
    assert lines
    for line in lines:
        path, _, sentence = line.strip().partition(": ")
        assert path and len(sentence.split()) > 1, line


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(text=mutated())
def test_mutated_circuit_files_are_refused_or_pass(checked, text):
    checked(text)


@pytest.mark.slow
@pytest.mark.timeout(36_000)
@settings(max_examples=2000, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(text=mutated())
def test_two_thousand_mutated_circuit_files_are_refused_or_pass(checked, text):
    checked(text)
