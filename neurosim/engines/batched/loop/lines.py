"""Lines of a loop's text."""

from __future__ import annotations

import re
from collections.abc import Iterable

from neurosim.engines.batched.loop.layout import Names

Lines = list[str]

_NAME = re.compile(r"\b[A-Za-z_]\w*")
#: Names that a loop within the step gives to what it computes, and to its indices.
_ASSIGNED = re.compile(r" *(v\d+_\d+) = ")
_INDEX = re.compile(r"\b([ijqabcd]|active|base|row)\b")


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
