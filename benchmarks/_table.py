"""What was found, as tables: for the terminal and for the page `docs/benchmarks.md`."""

from __future__ import annotations

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from benchmarks._measuring import quartiles
from benchmarks._results import Asked, Result, Row, Table

HEADINGS = ("", "median", "quartiles", "ratio", "")


def cells(table: Table, row: Row) -> tuple[str, str, str, str, str]:
    """Name, median, quartiles, ratio to the first row with its quartiles, and note."""
    lower, median, upper = quartiles(row.values)
    over = np.asarray(row.values) / np.asarray(table.rows[0].values)
    first, middle, third = quartiles(tuple(over if table.faster == "lower" else 1 / over))
    ratio = "1" if row is table.rows[0] else f"{number(middle)} ({number(first)} to {number(third)})"
    return row.name, number(median), f"{number(lower)} to {number(upper)}", ratio, row.note


def number(value: float) -> str:
    """Three digits, thousands apart."""
    if value == 0 or not np.isfinite(value):
        return f"{value:g}"
    digits = max(0, 2 - int(np.floor(np.log10(abs(value)))))
    return f"{value:,.{digits}f}"


def verdict(asked: Asked) -> str:
    """Whether it holds, in a word."""
    return {None: "not measured", True: "yes", False: "no"}[asked.met]


def demand(asked: Asked) -> str:
    """What is asked for, in words."""
    return f"at {'least' if asked.at_least else 'most'} {asked.limit:,g}"


def measured(asked: Asked) -> str:
    """What was found, in words."""
    return "" if asked.found is None else number(asked.found)


def printed(result: Result) -> RenderableType:
    """A result for the terminal."""
    parts: list[RenderableType] = [Text(result.title, style="bold")]
    for table in result.tables:
        shown = RichTable(title=f"{table.caption}, {table.unit}", title_justify="left")
        for heading in HEADINGS:
            shown.add_column(heading, overflow="fold")
        for row in table.rows:
            shown.add_row(*cells(table, row))
        parts.append(shown)
    parts += [Text(f"{name}: {reason}", style="yellow") for name, reason in result.missing.items()]
    for asked in result.asked:
        style = {None: "yellow", True: "green", False: "red"}[asked.met]
        parts.append(Text(f"{asked.what}: {measured(asked)} (asked: {demand(asked)}): {verdict(asked)}", style=style))
    return Group(*parts)
