"""A line for each step of a work: what it does now, and what it waits for."""

from __future__ import annotations

import sys

#: How such a line begins, so that the process that runs all works can tell it from other output.
BEGINS = "step: "


def step(text: str) -> None:
    """Say it, to whoever watches."""
    print(f"{BEGINS}{text}", file=sys.stderr, flush=True)


def read(line: str) -> str | None:
    """The text of a line that is a step's."""
    return line.removeprefix(BEGINS) if line.startswith(BEGINS) else None
