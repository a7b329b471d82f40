"""Tests pass on a machine of any speed: none reads a clock, and what ends a test that hangs takes an hour.

What must be quick is held by counts of calls (`tests.cost`), by what is imported, or by the benchmarks.
"""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
#: What tells how much time has passed.
CLOCKS = {
    *("time", "perf_counter", "monotonic", "process_time", "thread_time", "clock_gettime", "times", "getrusage"),
    *("time_ns", "perf_counter_ns", "monotonic_ns", "process_time_ns", "thread_time_ns", "clock_gettime_ns"),
}
MODULES = {"time", "os", "resource", "timeit"}
#: Who may look at a clock, and what for: each stands no matter how fast the machine is.
ALLOWED = {
    "runs/test_resume.py": "how long a run takes, to kill another one some time before its end",
    "studies/test_sweep_processes.py": "the time of a sweep over that of its own runs; slow",
}
#: Seconds: less than this may be a limit on a slow machine, not a guard against what hangs.
LEAST = 600


def faults(source: str) -> list[str]:
    """What in a test's source depends on the machine's speed, by line."""
    return [f"line {line}: {what}" for line, what in sorted(_found(ast.parse(source)))]


def _found(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in MODULES:
            yield from ((node.lineno, f"imports {name.name}") for name in node.names if name.name in CLOCKS)
        if isinstance(node, ast.Call):
            yield from ((node.lineno, what) for what in _of_call(node))


def _of_call(call: ast.Call) -> Iterator[str]:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    of = function.value.id if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) else ""
    if (of in MODULES and name in CLOCKS) or of == "timeit":
        yield f"reads a clock, {of}.{name}()"
    first = _number(call.args[0]) if call.args else None
    if name in ("join", "wait", "timeout") and first is not None and first < LEAST:
        yield f"{name}({first:g}), expected at least {LEAST}, or no limit"
    for keyword in call.keywords:
        seconds = _number(keyword.value)
        if keyword.arg == "timeout" and seconds is not None and seconds < LEAST:
            yield f"timeout={seconds:g}, expected at least {LEAST}, or no limit"
        if keyword.arg == "deadline" and seconds is not None:
            yield f"deadline={seconds:g}, expected none"
        if keyword.arg == "suppress_health_check" and "too_slow" not in ast.unparse(keyword.value):
            yield "suppress_health_check without too_slow, which the profile has"


def _number(node: ast.expr) -> float | None:
    given = node.value if isinstance(node, ast.Constant) else None
    return float(given) if isinstance(given, int | float) and not isinstance(given, bool) else None


def test_no_test_depends_on_the_speed_of_the_machine() -> None:
    sources = {str(path.relative_to(TESTS)): path.read_text() for path in TESTS.rglob("*.py")}
    found = {name: faults(source) for name, source in sources.items()}
    assert len(found) > 100
    assert {name: each for name, each in found.items() if each and name not in ALLOWED} == {}
    # What is allowed is still needed.
    assert {name for name in ALLOWED if not found[name]} == set()


@pytest.mark.parametrize(
    "source",
    [
        "import time\nbegan = time.perf_counter()\nassert time.perf_counter() - began < 1",
        "assert time.process_time() < 20",
        "from time import monotonic",
        "import timeit\nassert timeit.timeit(run) < 1",
        "subprocess.run(command, timeout=120)",
        "process.join(60)",
        "process.communicate(timeout=60)",
        "@pytest.mark.timeout(30)\ndef test(): ...",
        "@settings(deadline=200)\ndef test(): ...",
        "settings(suppress_health_check=[HealthCheck.function_scoped_fixture])",
        "page.goto(url, timeout=5.0)",
        "os.times()",
    ],
)
def test_limits_are_found(source: str) -> None:
    assert faults(source)


@pytest.mark.parametrize(
    "source",
    [
        "time.sleep(0.1)",
        "'-'.join(words)",
        "process.join()",
        "subprocess.run(command)",
        "pytest.mark.timeout(36_000)",
        "monkeypatch.setattr(time, 'monotonic', lambda: now)",
        "settings(deadline=None)",
        "run.time()",
    ],
)
def test_what_is_no_limit_is_let_through(source: str) -> None:
    assert not faults(source)


def test_what_ends_a_test_that_hangs_takes_an_hour() -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(TESTS.parent / "setup.cfg")
    options = parser["tool:pytest"]
    (notebooks,) = re.findall(r"--nbmake-timeout=(\d+)", options["addopts"])
    assert int(options["timeout"]) >= 3600 and int(notebooks) >= 3600
    (cells,) = re.findall(r"^nb_execution_timeout = (\d+)$", (TESTS.parent / "docs" / "conf.py").read_text(), re.M)
    assert int(cells) >= 3600


def test_examples_of_hypothesis_may_take_as_long_as_they_do() -> None:
    from hypothesis import HealthCheck, settings

    profile = settings()
    assert profile.deadline is None
    assert HealthCheck.too_slow in profile.suppress_health_check
