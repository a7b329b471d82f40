"""Markdown from data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the cells are Markdown, but for what would end a cell."""
    lines = [_line(header), _line(["---"] * len(header)), *map(_line, rows)]
    return "\n".join(lines) + "\n"


def toctree(names: Iterable[str], *, depth: int = 1, hidden: bool = False) -> str:
    """The pages below a page."""
    options = f":maxdepth: {depth}\n" + (":hidden:\n" if hidden else "")
    return "```{toctree}\n" + options + "\n" + "\n".join(names) + "\n```\n"


def code(text: str, language: str = "none") -> str:
    """A block of code, fenced by more backticks than it has in a row."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}\n"


def evaluated(directive: str) -> str:
    """A directive of reStructuredText."""
    return f"```{{eval-rst}}\n{directive.rstrip()}\n```\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"
