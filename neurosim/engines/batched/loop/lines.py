"""Lines of a loop's text."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from neurosim.engines.batched.loop.layout import Names

Lines = list[str]
#: A line in whose place the rows of trial ``k`` are taken that the block after it reads.
ROWS = "@rows"

_NAME = re.compile(r"\b[A-Za-z_]\w*")
#: Names that a loop within the step gives to what it computes, and to its indices.
_ASSIGNED = re.compile(r" *(v\d+_\d+) = ")
_INDEX = re.compile(r"\b([ijqabcd]|active|base|row)\b")


@dataclass(frozen=True)
class StepPart:
    """A part of a step.

    Attributes
    ----------
    lines
        Of trial ``k``, or of all trials.
    together
        Whether they are of all trials.
    """

    lines: Lines
    together: bool = False


def with_rows(lines: Lines, rows: Mapping[str, str]) -> Lines:
    """Lines with statements that take the rows of a trial: name -> its statement, each after those that it reads."""
    taken = Lines()
    for number, line in enumerate(lines):
        if line.strip() != ROWS:
            taken.append(line)
            continue
        indent = line[: -len(ROWS)]
        inner = itertools.takewhile(lambda after, indent=indent: after.startswith(indent), lines[number + 1 :])
        read = {name for after in inner for name in _NAME.findall(after)}
        for name in reversed(list(rows)):
            if name in read:
                read.update(_NAME.findall(rows[name]))
        taken += [indent + statement for name, statement in rows.items() if name in read]
    return taken


def indented(lines: Iterable[str]) -> Lines:
    """Lines of a block."""
    return [f"    {line}" for line in lines]


def block(head: str, *lines: str) -> Lines:
    """A statement with its block."""
    return [head, *indented(lines)]


def each_neuron(names: Names, population: str, *lines: str) -> Lines:
    """A loop over the neurons of a population."""
    return alone(names, block(f"for i in range({names.size(population)}):", *lines))


def alone(names: Names, lines: Lines) -> Lines:
    """Lines with indices of their own, and without names that nothing reads: both spare Numba work."""
    number, read, kept = names.prefix(), set[str](), Lines()
    for line in reversed(lines):
        assigned = _ASSIGNED.match(line)
        if assigned is None or assigned[1] in read:
            kept.append(line)
            read.update(_NAME.findall(line[assigned.end() :] if assigned else line))
    return [_INDEX.sub(rf"\1_{number}", line) for line in reversed(kept)]
