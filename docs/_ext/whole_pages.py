"""What holds of every page: images say what they show, tables can be read on a telephone, wide ones have the page.

It looks at pages as they are about to be written, so that it sees what notebooks and docstrings bring along.
"""

from __future__ import annotations

import re
from typing import Any

from bs4 import BeautifulSoup, Tag
from sphinx.util import logging

_logger = logging.getLogger(__name__)
#: Columns from which a table needs the width of the page, with nothing beside it.
WIDE = 5
#: Words of a text that stands in for what nobody wrote.
_WORDS = 40
#: Letters from which a name is long.
_LONG = 20


def _on_page(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    body = context.get("body")
    if body and pagename.startswith("_modules/"):
        # The way back from source leads to the page; places in it are guessed, and not always there.
        context["body"] = re.sub(r'(class="viewcode-back" href="[^"#]*)#[^"]*"', r'\1"', body)
        return
    if not body or ("<img" not in body and "<table" not in body):
        return
    page = BeautifulSoup(body, "html.parser")
    for image in _without_text(page):
        shown = str(image.get("src", ""))[:80]
        _logger.warning("an image without alternative text: %s", shown, location=pagename, type="alt")
    tables = page.find_all("table")
    for table in tables:
        label_cells(table)
        let_names_break(page, table)
    if any(len(heads(table)) >= WIDE for table in tables):
        # The theme asks for this key of a page's own metadata.
        context["meta"] = {**(context.get("meta") or {}), "html_theme.sidebar_secondary.remove": "true"}
        context["wide_page"] = True
    context["body"] = str(page)


def _without_text(page: BeautifulSoup) -> list[Tag]:
    """Images that say nothing of themselves; figures of notebooks take the text that leads to them."""
    silent = []
    for image in page.find_all("img"):
        if image.find_parent(class_="cell_output") and not _says_something(image):
            before = image.find_previous("p")
            words = before.get_text(" ", strip=True).split() if before else []
            if words:
                image["alt"] = "Figure. " + " ".join(words[:_WORDS]) + (" ..." if len(words) > _WORDS else "")
        if not _says_something(image):
            silent.append(image)
    return silent


def _says_something(image: Tag) -> bool:
    """Whether its text is more than the name of its file, which Sphinx and notebooks put there."""
    text, source = str(image.get("alt", "")).strip(), str(image.get("src", ""))
    return bool(text) and text != source and not text.endswith((".png", ".svg", ".webp", ".jpg"))


def heads(table: Tag) -> list[str]:
    """The heads of a table's columns."""
    head = table.find("thead")
    row = head.find("tr") if head else None
    return [cell.get_text(" ", strip=True) for cell in row.find_all(["th", "td"])] if row else []


def label_cells(table: Tag) -> None:
    """Tell each cell the head of its column, for screens on which rows are written one below the other."""
    names, body = heads(table), table.find("tbody")
    for row in body.find_all("tr") if body and names else []:
        for name, cell in zip(names, row.find_all(["td", "th"]), strict=False):
            cell["data-head"] = name


def let_names_break(page: BeautifulSoup, table: Tag) -> None:
    """Where names are long, let lines end after their underscores; a break elsewhere would be read as two words."""
    for text in table.find_all(string=lambda text: any(len(word) > _LONG and "_" in word for word in text.split())):
        parts = re.split(r"(?<=_)(?=\w)", str(text))
        made: list[Tag | str] = [parts[0]]
        for part in parts[1:]:
            made += [page.new_tag("wbr"), part]
        text.replace_with(*made)


def setup(app: Any) -> dict[str, Any]:
    """Called by Sphinx."""
    # Before the theme decides on what stands beside the text.
    app.connect("html-page-context", _on_page, priority=100)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
