"""Read the numbers of a finished run's ``summary.json``, and refuse what no run writes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from neurosim.errors import DataError
from neurosim.gate.texts import read_json

# Keys of every run; of training; and optional ones.
_ALWAYS = ("wall_s",)
_LEARNED = ("test_loss", "samples_per_second")
_SOME = ("test_accuracy", "epochs", "phases", "resumed", *_LEARNED)
# Whether a run said so; those of others may say nothing.
# Tables of numbers of what does not learn: a probe, a simulated circuit.
_MEASURED = ("probe", "numbers")
_FLAGS = ("local", "global_scalar")
_TEXTS = ("model", "title", "task", "scheme", "engine", "level", "config_hash", "probe_kind")


def read_summary(path: Path) -> dict[str, Any]:
    """The summary of a run; null, which stands for numbers that are not finite, becomes NaN.

    Raises
    ------
    DataError
        It is missing, damaged, or not what a run writes.
    """
    summary = read_json(path)
    if not isinstance(summary, dict) or not all(isinstance(summary.get(name, {}), dict) for name in _MEASURED):
        raise _odd(path, "tables of numbers")
    measured = [name for name in _MEASURED if name in summary]
    needed = (*_ALWAYS, *(() if measured else _LEARNED))
    numbers = {name: _number(path, name, summary.get(name, "nothing")) for name in needed}
    numbers |= {name: _number(path, name, summary[name]) for name in _SOME if name in summary}
    for name in _TEXTS:
        if not isinstance(summary.get(name, ""), str | None):
            raise _odd(path, f"a text as its '{name}'")
    for name in _FLAGS:
        if not isinstance(summary.get(name), bool | None):
            raise _odd(path, f"true or false as its '{name}'")
    if not isinstance(summary.get("seed", 0), int):
        raise _odd(path, "a whole number as its 'seed'")
    tables: dict[str, Any] = {
        name: _tables(path, name, summary[name]) for name in ("layers", "firing") if name in summary
    }
    tables |= {name: _table(path, name, summary[name]) for name in measured}
    if not measured and "layers" not in summary:
        raise _odd(path, "its 'layers'")
    return summary | numbers | tables


def _tables(path: Path, name: str, tables: Any) -> dict[str, dict[str, float]]:
    if not isinstance(tables, dict):
        raise _odd(path, f"tables of numbers as its '{name}'")
    return {each: _table(path, f"{name}.{each}", inner) for each, inner in tables.items()}


def _table(path: Path, name: str, numbers: Any) -> dict[str, float]:
    if not isinstance(numbers, dict):
        raise _odd(path, f"a table of numbers as its '{name}'")
    return {each: _number(path, f"{name}.{each}", value) for each, value in numbers.items()}


def _number(path: Path, name: str, value: Any) -> float:
    """A number from JSON; null is NaN."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _odd(path, f"a number as its '{name[:100]}', got {str(value)[:60]!r}")
    try:
        float(value)
    except OverflowError as error:
        raise _odd(path, f"a number as its '{name[:100]}' that a computer can hold") from error
    return value


def _odd(path: Path, what: str) -> DataError:
    return DataError(f"{path}: missing or damaged, expected {what}")
