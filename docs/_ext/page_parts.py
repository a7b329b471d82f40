"""Markdown from data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    widths: Sequence[int] | None = None,
    name: str = "",
) -> str:
    """A table; the cells are Markdown, but for what would end a cell.

    Parameters
    ----------
    header, rows
        Texts of its cells.
    widths
        Of the columns, in percent; by default as the browser thinks.
    name
        A class, for the style sheet and for scripts.
    """
    lines = [_line(header), _line(["---"] * len(header)), *map(_line, rows)]
    text = "\n".join(lines) + "\n"
    if widths is None and not name:
        return text
    options = f":widths: {' '.join(map(str, widths))}\n" if widths is not None else ""
    options += f":class: {name}\n" if name else ""
    return f"::::{{table}}\n{options}\n{text}::::\n"


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


def folded(title: str, text: str) -> str:
    """What opens when its title is clicked."""
    return f":::::{{dropdown}} {title}\n{text}:::::\n"


def evaluated(directive: str) -> str:
    """A directive of reStructuredText."""
    return f"```{{eval-rst}}\n{directive.rstrip()}\n```\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"
