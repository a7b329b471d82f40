"""Split text into logical lines: comments removed, continued lines joined, with the place of each part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from neurosim.equations.grammar import MAX_BLOCK, Place
from neurosim.errors import EquationError

DIFFERENTIAL = re.compile(r"d([A-Za-z_]\w*)\s*/\s*dt\s*=")
ASSIGNED = re.compile(r"([A-Za-z_]\w*)\s*=(?!=)")
_DECLARED = re.compile(r"[A-Za-z_]\w*\s*:")
#: Operators after which an expression continues.
_OPEN_END = re.compile(r"(?:[-+*/%(,<>=]|\b(?:and|or|not))\Z")
#: The byte order mark that editors put at the start of a file.
_MARK = "\ufeff"


@dataclass(frozen=True)
class Source:
    """A logical line.

    Attributes
    ----------
    text
        What it says, on one line.
    pieces
        For each line of the user's text: how many characters of `text` are before it, its number (from 1), the
        column of its first character, and the whole line.
    """

    text: str
    pieces: tuple[tuple[int, int, int, str], ...]

    @property
    def number(self) -> int:
        """The number of its first line."""
        return self.pieces[0][1]

    @property
    def indent(self) -> int:
        """The number of leading blanks."""
        return len(self.text) - len(self.text.lstrip())

    def place(self, offset: int) -> Place:
        """The place of a character in the user's text."""
        index = max(i for i, piece in enumerate(self.pieces) if i == 0 or offset >= piece[0])
        begin, number, column, line = self.pieces[index]
        rest = tuple((piece[0] - offset, *piece[1:]) for piece in self.pieces[index + 1 :])
        return Place(number, column + offset - begin, line, rest)

    def with_(self, number: int, line: str) -> Source:
        """The logical line with a further line."""
        indent = len(line) - len(line.lstrip())
        return Source(f"{self.text} {line.strip()}", (*self.pieces, (len(self.text) + 1, number, indent + 1, line)))


def equation_lines(text: str) -> list[Source]:
    """One logical line per equation: it ends with its unit, and flags may stand on a further line.

    Raises
    ------
    EquationError
        If it is no text, or more than is allowed.
    """
    lines: list[Source] = []
    for number, line in _lines(text):
        if lines and _goes_on(lines[-1].text, line.strip()):
            lines[-1] = lines[-1].with_(number, line)
        else:
            lines.append(Source(line, ((0, number, 1, line),)))
    return lines


def statement_lines(text: str, *, whole: bool = False) -> list[Source]:
    """One logical line per line that no bracket or backslash continues; or all lines as one.

    Raises
    ------
    EquationError
        As `equation_lines`.
    """
    lines: list[Source] = []
    open_ = False
    for number, line in _lines(text):
        going_on = line.endswith("\\")
        line = line.removesuffix("\\").rstrip() or " "
        if lines and (open_ or whole):
            lines[-1] = lines[-1].with_(number, line)
        else:
            lines.append(Source(line, ((0, number, 1, line),)))
        open_ = going_on or _depth(lines[-1].text) > 0
    return lines


def _goes_on(before: str, line: str) -> bool:
    """Whether a line belongs to the equation before it."""
    if _depth(before) > 0:
        return not (DIFFERENTIAL.match(line) or ASSIGNED.match(line))
    unit = before.rpartition(":")[2] if ":" in before else None
    if unit is not None:
        # A unit alone, or flags alone.
        return not unit.strip() or (line.startswith("(") and "(" not in unit)
    if "=" not in before or DIFFERENTIAL.match(line) or ASSIGNED.match(line):
        return False
    # "dv/dt = -v/tau" and then "tau : second" are two equations, the first without its unit.
    return _DECLARED.match(line) is None or _OPEN_END.search(before) is not None


def _depth(text: str) -> int:
    """The number of open brackets at the end."""
    return sum((character in "([{") - (character in ")]}") for character in text)


def _lines(text: object) -> Iterator[tuple[int, str]]:
    if not isinstance(text, str):
        raise EquationError(f"equations are text, got {type(text).__name__}")
    if len(text) > MAX_BLOCK:
        raise EquationError(f"a text of {len(text)} characters; allowed are {MAX_BLOCK}")
    for number, line in enumerate(text.removeprefix(_MARK).splitlines(), start=1):
        bare = line.split("#", 1)[0].rstrip()
        if bare.strip():
            yield number, bare
