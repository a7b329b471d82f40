"""Formulas as MathML, written when the site is built: no script typesets them, and none is fetched from elsewhere."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging
from sphinx.util.docutils import SphinxTranslator

_logger = logging.getLogger(__name__)
#: What the converter knows under another name.
_SAME = {r"\begin{aligned}": r"\begin{split}", r"\end{aligned}": r"\end{split}"}


def mathml(latex: str, *, block: bool = False) -> str:
    """A formula as a MathML element, with its LaTeX as the text for who cannot see it.

    Raises
    ------
    ValueError
        Some of it was not understood.
    """
    text = latex.strip()
    for known, other in _SAME.items():
        text = text.replace(known, other)
    try:
        made = convert(text, display="block" if block else "inline")
    except Exception as error:
        raise ValueError(f"{latex!r}: {error!r}") from error
    # What is not understood comes through as text.
    if re.search(r"<m[io]>(&<|&amp;<|\\)", made):
        raise ValueError(f"{latex!r} has parts that are not understood")
    label = latex.strip().replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return made.replace("<math ", f'<math alttext="{label}" ', 1)


def _visit(translator: SphinxTranslator, node: nodes.Element) -> None:
    _write(translator, node, block=False)


def _visit_block(translator: SphinxTranslator, node: nodes.Element) -> None:
    _write(translator, node, block=True)


def _write(translator: Any, node: nodes.Element, *, block: bool) -> None:
    try:
        text = mathml(node.astext(), block=block)
    except ValueError as error:
        _logger.warning("a formula cannot be typeset: %s", error, location=node)
        text = f"<code>{translator.encode(node.astext())}</code>"
    translator.body.append(f'<div class="formula">{text}</div>' if block else text)
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", inline_renderers=(_visit, None), block_renderers=(_visit_block, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
