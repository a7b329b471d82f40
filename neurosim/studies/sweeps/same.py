"""Check whether one sweep includes another, so that its results may replace the other's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurosim.model_files.search_keys import toml_text
from neurosim.studies.sweeps.points import KINDS

# Settings that must agree for numbers to be comparable.
_SETTINGS = ("model", "variants", "overrides", "metric", "direction")


def lost(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """The runs of a former sweep that this one lacks, in words; empty if it includes them all.

    Parameters
    ----------
    ours, theirs
        As ``sweep.toml`` describes them.
    """
    for name in _SETTINGS:
        mine, other = ours["sweep"].get(name), theirs["sweep"].get(name)
        if toml_text(_plain(mine)) != toml_text(_plain(other)):
            return f"its {name} is {_shown(other)}, this one's {_shown(mine)}"
    kinds = [next(kind for kind in KINDS if kind in tables) for tables in (ours, theirs)]
    if kinds[0] != kinds[1]:
        return f"it is a [{kinds[1]}], this one a [{kinds[0]}]"
    kind, mine, other = kinds[0], ours[kinds[0]], theirs[kinds[0]]
    seeds = [set(tables["sweep"].get("seeds", (0,))) for tables in (ours, theirs)]
    # A search's proposals depend on its seeds, so these must be equal.
    if seeds[1] - seeds[0] or (kind == "search" and seeds[0] != seeds[1]):
        return f"its seeds are {sorted(seeds[1])}, this one's {sorted(seeds[0])}"
    if kind == "list":
        missing = _texts(other) - _texts(mine)
        return f"it has the configuration {min(missing)}" if missing else ""
    keys = [{name: value for name, value in table.items() if name not in _COUNTS} for table in (mine, other)]
    if keys[0].keys() != keys[1].keys():
        return f"it varies {', '.join(keys[1])}, this one {', '.join(keys[0])}"
    if kind == "zip":
        rows = [_texts(list(zip(*table.values(), strict=True))) for table in keys]
        # In the order of one file and of the other, keys are the same.
        if list(keys[0]) != list(keys[1]):
            rows[0] = _texts(list(zip(*(keys[0][name] for name in keys[1]), strict=True)))
        return f"it has {min(rows[1] - rows[0])}" if rows[1] - rows[0] else ""
    for name, value in keys[1].items():
        gone = _texts(value) - _texts(keys[0][name]) if kind == "grid" else {_shown(value)} - {_shown(keys[0][name])}
        if gone:
            return f"it has {name} = {min(gone)}"
    if kind == "random" and mine["count"] < other["count"]:
        return f"it has {other['count']} configurations, this one {mine['count']}"
    return ""


# Counts of draws and searches: a larger count includes a smaller one.
_COUNTS = ("count", "trials")


def _texts(values: Any) -> set[str]:
    return {_shown(value) for value in values}


def _shown(value: Any) -> str:
    return "not given" if value is None else toml_text(_plain(value))


def _plain(value: Any) -> Any:
    """A value in a form that is equal for tuples and lists, and for tables in any order."""
    if isinstance(value, Mapping):
        return {key: _plain(value[key]) for key in sorted(value) if value[key] is not None}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return "" if value is None else value
