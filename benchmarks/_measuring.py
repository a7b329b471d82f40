"""How is measured: contenders take turns, round after round, and what counts are ratios within a round.

Whatever else the machine does falls on all alike that way; on a shared machine only such ratios mean anything.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks._results import Row
from benchmarks._steps import step

#: What takes less than these seconds is done again within a round, by peers as well: in the first call after another
#: contender's turn all that is measured of short work is what that has left in the caches.
LEAST = 0.2


class ContenderLost(Exception):
    """A contender cannot go on; the message says why."""


@dataclass
class Rounds:
    """What alternating rounds gave.

    Attributes
    ----------
    seconds
        Contender -> seconds of each round, for those that finished all of them.
    lost
        Contender -> why it did not.
    """

    seconds: dict[str, tuple[float, ...]] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)


def alternate(contenders: Mapping[str, Callable[[], float]], rounds: int) -> Rounds:
    """Let all contenders take turns.

    Parameters
    ----------
    contenders
        Each does its work once and returns how many seconds that took.
    rounds
        How often.
    """
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    lost: dict[str, str] = {}
    for number in range(1, rounds + 1):
        step(f"round {number} of {rounds}: {', '.join(name for name in contenders if name not in lost)}")
        for name, contender in contenders.items():
            if name in lost:
                continue
            try:
                taken[name].append(contender())
            except ContenderLost as error:
                lost[name] = str(error)
    return Rounds({name: tuple(found) for name, found in taken.items() if name not in lost}, lost)


def timed(call: Callable[[], Any]) -> Callable[[], float]:
    """A contender from a call that returns when its work is done: seconds a call, over calls that fill a round."""

    def seconds() -> float:
        begin, calls = time.perf_counter(), 0
        while time.perf_counter() - begin < LEAST:
            call()
            calls += 1
        return (time.perf_counter() - begin) / calls

    return seconds


def first_call(call: Callable[[], Any]) -> float:
    """Seconds of a call that compiles; rounds come after it."""
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def row(name: str, seconds: tuple[float, ...], factor: float, note: str = "") -> Row:
    """A row of times: seconds of each round times `factor`."""
    return Row(name, tuple(factor * taken for taken in seconds), note)


def speeds(name: str, seconds: tuple[float, ...], done: float, note: str = "") -> Row:
    """A row of speeds: what is done in a round, by the seconds of each."""
    return Row(name, tuple(done / taken for taken in seconds), note)


def ratio(over: Row, under: Row) -> float:
    """The median over rounds of the ratio within a round."""
    return float(np.median(np.asarray(over.values) / np.asarray(under.values)))


def quartiles(values: tuple[float, ...]) -> tuple[float, float, float]:
    """First quartile, median and third quartile."""
    lower, median, upper = np.quantile(values, (0.25, 0.5, 0.75))
    return float(lower), float(median), float(upper)


def slope(x: tuple[float, ...], y: tuple[float, ...]) -> float:
    """How a cost grows: the slope of a straight line through its logarithms, by least squares."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def named(rows: Sequence[Row], name: str) -> Row | None:
    """The row of that name, if there is one."""
    return next((found for found in rows if found.name == name), None)
