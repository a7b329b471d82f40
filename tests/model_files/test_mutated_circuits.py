"""Mutated circuit files: each is refused with the key's path, or passes ``neurosim check``; none hangs."""

from __future__ import annotations

import re
import tomllib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurosim import registry
from tests.model_files.mutations import checker, damaged
from tests.model_files.test_circuit_file import TEXT


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """The text of a circuit with some changes to keys, values, types and characters."""
    shipped = [registry.circuit_path(name).read_text() for name in registry.circuits()]
    sections = tomllib.loads(draw(st.sampled_from([TEXT, TEXT, *shipped])))
    for table in sections["populations"].values():
        table["size"] = min(table["size"], 50)
    return damaged(draw, sections)


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """What a text in a file is checked by."""
    return checker(tmp_path_factory.mktemp("mutated") / "circuit.toml", _look_at)


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


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(text=mutated())
def test_mutated_circuit_files_are_refused_or_pass(checked, text):
    checked(text)


@pytest.mark.slow
@pytest.mark.timeout(36_000)
@settings(max_examples=2000, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(text=mutated())
def test_two_thousand_mutated_circuit_files_are_refused_or_pass(checked, text):
    checked(text)
