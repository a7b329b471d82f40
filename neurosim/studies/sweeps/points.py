"""The points of a sweep: combinations of values of its keys."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from neurosim.model_files.checking import Faults, check_table, shown
from neurosim.model_files.search_keys import MOST, VARIANT, Choice, Range, check_key, read_keys
from neurosim.random import stream

Kind = Literal["grid", "zip", "list", "random", "search"]
KINDS: tuple[Kind, ...] = ("grid", "zip", "list", "random", "search")


class RandomPoints(BaseModel):
    """Settings of ``[random]``: number of configurations, and the seed of the draws."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int = Field(gt=0, le=MOST)
    seed: int = Field(default=0, ge=0, lt=2**63)


class Search(BaseModel):
    """Settings of ``[search]``.

    Attributes
    ----------
    trials
        Number of configurations in total, including those of earlier starts of the same search.
    startup
        Number of random configurations before the tree-structured Parzen estimator (Bergstra et al. 2011, Advances in
        Neural Information Processing Systems 24) proposes any.
    seed
        Seed of the draws.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    trials: int = Field(gt=0, le=MOST)
    startup: int = Field(default=10, gt=0, le=MOST)
    seed: int = Field(default=0, ge=0, lt=2**63)


def choices(
    tables: Mapping[str, Any], faults: Faults
) -> tuple[Kind | None, RandomPoints | Search | None, dict[str, Choice], list[dict[str, Any]]]:
    """The kind of sweep, its options, keys, and points; a search has no points yet."""
    given: list[Kind] = [kind for kind in KINDS if kind in tables]
    if len(given) != 1:
        got = " and ".join(f"[{kind}]" for kind in given) or "none"
        faults.add("sweep", f"got {got}, expected one of the tables {', '.join(f'[{kind}]' for kind in KINDS)}")
        return None, None, {}, []
    kind = given[0]
    table = tables[kind]
    if kind == "list":
        keys, points = _listed(table, faults)
        return kind, None, keys, points
    if not isinstance(table, Mapping):
        faults.add(kind, f"got {shown(table)}, expected a table [{kind}] of key paths")
        return kind, None, {}, []
    options = None
    if kind in ("random", "search"):
        # A key with a dot, or a table, is a key path; others are options of the section.
        own = {k: v for k, v in table.items() if "." not in k and k != VARIANT and not isinstance(v, Mapping)}
        options = check_table(RandomPoints if kind == "random" else Search, own, kind, faults)
        table = {key: value for key, value in table.items() if key not in own}
    keys = read_keys(table, kind, faults)
    if not table:
        faults.add(kind, "got no key path, expected at least one")
    if kind in ("grid", "zip"):
        listed = {k: c.listed(f"{kind}.{k}", faults) if isinstance(c, Range) else c for k, c in keys.items()}
        return kind, None, dict(listed), (_grid if kind == "grid" else _zipped)(listed, faults)
    for key, choice in keys.items():
        if isinstance(choice, Range) and choice.count is not None:
            faults.add(f"{kind}.{key}.count", f"unknown key in [{kind}], whose values are drawn between low and high")
    points = _drawn(keys, options, faults) if isinstance(options, RandomPoints) else []
    return kind, options, keys, points


def _grid(keys: Mapping[str, tuple[Any, ...]], faults: Faults) -> list[dict[str, Any]]:
    count = math.prod(map(len, keys.values()))
    if count > MOST:
        faults.add("grid", f"got {count} combinations, expected at most {MOST}")
        return []
    return [dict(zip(keys, values, strict=True)) for values in itertools.product(*keys.values())]


def _zipped(keys: Mapping[str, tuple[Any, ...]], faults: Faults) -> list[dict[str, Any]]:
    if len({len(values) for values in keys.values()}) > 1:
        lengths = ", ".join(f"{key} {len(values)}" for key, values in keys.items())
        faults.add("zip", f"got lists of different lengths ({lengths}), expected the same")
        return []
    return [dict(zip(keys, values, strict=True)) for values in zip(*keys.values(), strict=True)]


def _listed(table: Any, faults: Faults) -> tuple[dict[str, Choice], list[dict[str, Any]]]:
    if not isinstance(table, list) or not table or not all(isinstance(each, Mapping) for each in table):
        faults.add("list", "expected tables [[list]], each with the key paths and values of one configuration")
        return {}, []
    if len(table) > MOST:
        faults.add("list", f"got {len(table)} configurations, expected at most {MOST}")
        return {}, []
    points = []
    for number, each in enumerate(table):
        point = dict(_leaves(each))
        points.append(point)
        for key in point:
            check_key(key, f"list.{number}.{key}", faults)
    keys = dict.fromkeys(key for point in points for key in point)
    return {key: tuple(point[key] for point in points if key in point) for key in keys}, points


def _leaves(table: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in table.items():
        path = f"{above}.{key}".removeprefix(".")
        # A quoted path may set a whole table: "network.neuron" = { kind = "lif" }.
        if isinstance(value, Mapping) and not (above and "kind" in value):
            yield from _leaves(value, path)
        else:
            yield path, value


def _drawn(keys: Mapping[str, Choice], draws: RandomPoints, faults: Faults) -> list[dict[str, Any]]:
    points: list[dict[str, Any]] = [{} for _ in range(draws.count)]
    for key, choice in keys.items():
        # One random stream per key, so that further keys or draws do not change these.
        generator = stream(draws.seed, "sweep", key)
        for point in points:
            point[key] = (
                choice.drawn(generator) if isinstance(choice, Range) else choice[generator.integers(len(choice))]
            )
    return points


def corners(keys: Mapping[str, Choice]) -> list[dict[str, Any]]:
    """Points to check before a search begins: the ends of every range, and every listed value."""
    ends = {
        key: tuple(choice.value(bound) for bound in choice.bounds) if isinstance(choice, Range) else choice
        for key, choice in keys.items()
    }
    first = {key: values[0] for key, values in ends.items()}
    return [first, *({**first, key: value} for key, values in ends.items() for value in values[1:])]
