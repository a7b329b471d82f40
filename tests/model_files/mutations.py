"""Mutations of TOML files, and what every one of them has to come to."""

from __future__ import annotations

import copy
import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tomli_w
from hypothesis import strategies as st
from typer.testing import CliRunner

from neurosim.cli import app
from tests.cost import counted

#: Calls of functions: where what a file says leads to, and no further.
MOST = 30_000_000
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


def damaged(draw: st.DrawFn, sections: dict[str, Any]) -> str:
    """The text of a file with some changes to keys, values, types and characters."""
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        change(draw, sections)
    text = tomli_w.dumps(sections)
    for _ in range(draw(st.sampled_from([0, 0, 0, 0, 0, 0, 0, 0, 1, 5]))):
        place = draw(st.integers(0, max(0, len(text) - 1)))
        added = draw(st.text(max_size=3))
        text = text[:place] + added + text[place + draw(st.integers(0, 3)) :]
    return text


def change(draw: st.DrawFn, sections: dict[str, Any]) -> None:
    """Change something in the tables of a file."""
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


def checker(path: Path, look_at: Callable[[str], None]) -> Callable[[str], None]:
    """Put a text into a file, check it, and look at what comes: a refusal or nothing, never a fault or a long wait."""
    runner = CliRunner()

    def check(text: str) -> None:
        path.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
        with counted() as cost:
            result = runner.invoke(app, ["check", str(path)])
        assert cost.calls < MOST
        assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
        assert result.exit_code in (0, 2)
        assert "Traceback" not in result.output
        if result.exit_code == 2:
            assert "itself failed" not in result.stderr, result.stderr
            look_at(result.stderr)

    return check
