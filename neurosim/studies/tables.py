"""Tables as CSV and Markdown."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows with the same keys as CSV; NaN and ``None`` are empty cells."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: "" if _nothing(value) else value for name, value in row.items()})
    return stream.getvalue()


def markdown_text(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def number_text(value: float, digits: int = 4) -> str:
    """A number rounded for readers."""
    return "-" if math.isnan(value) else f"{value:.{digits}g}"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _nothing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
