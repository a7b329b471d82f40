"""What something costs in calls of functions: the same number on a fast machine and on a slow one."""

from __future__ import annotations

import contextlib
import cProfile
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass
class Cost:
    """How many functions were called, those of Python and those written in C; known when `counted` is left."""

    calls: int = 0


@contextlib.contextmanager
def counted() -> Iterator[Cost]:
    """Count the calls within a ``with`` block, also where it ends with an exception."""
    cost, profile = Cost(), cProfile.Profile()
    profile.enable()
    try:
        yield cost
    finally:
        profile.disable()
        cost.calls = sum(entry.callcount for entry in profile.getstats())
