"""What a work finds: plain data, which a process of its own hands on as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pydantic import TypeAdapter


@dataclass(frozen=True)
class Row:
    """One contender of a table.

    Attributes
    ----------
    name
        Of the contender.
    values
        What was measured, one number a round, in the table's unit.
    note
        What has to be known for the comparison: precision, threads, rates.
    """

    name: str
    values: tuple[float, ...]
    note: str = ""


@dataclass(frozen=True)
class Table:
    """Contenders that did the same work in the same rounds.

    Attributes
    ----------
    caption, unit
        What the numbers are.
    rows
        The first one is what the others are compared with.
    faster
        Whether the ``lower`` or the ``higher`` number is the faster one.
    """

    caption: str
    unit: str
    rows: tuple[Row, ...]
    faster: Literal["lower", "higher"] = "lower"


@dataclass(frozen=True)
class Asked:
    """Something a work is held to.

    Attributes
    ----------
    what
        In words.
    limit
        The number that is asked for.
    found
        The number that was measured; None where a contender it needs is missing.
    at_least
        Whether `limit` is the least that will do, or else the most.
    """

    what: str
    limit: float
    found: float | None
    at_least: bool

    @property
    def met(self) -> bool | None:
        """Whether it holds; None if it was not measured."""
        if self.found is None:
            return None
        return self.found >= self.limit if self.at_least else self.found <= self.limit


@dataclass(frozen=True)
class Curve:
    """A series for the figure of a work: what was measured (medians) over what was varied."""

    name: str
    over: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Result:
    """What a work found.

    Attributes
    ----------
    title, about
        What the work is, in a line and in a paragraph.
    tables, asked
        What was measured, and what is asked for.
    missing
        Peers that could not take part, each with the reason.
    versions
        Of the peers' packages.
    curves
        For a figure; its vertical axis is `curve_unit`.
    """

    title: str
    about: str
    tables: tuple[Table, ...]
    asked: tuple[Asked, ...] = ()
    missing: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    curves: tuple[Curve, ...] = ()
    curve_unit: str = ""


#: Reads and writes a `Result` as JSON.
RESULT = TypeAdapter(Result)
