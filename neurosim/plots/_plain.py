"""Texts of a figure drawn literally: no formulas, no unprintable characters, and cut to a readable length."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.text import Text

_MOST_LETTERS = 500
# Labels that Matplotlib itself writes beside a logarithmic axis.
_OWN = "\\mathdefault"


def with_plain_texts(figure: Figure) -> Figure:
    """The same figure, with titles and labels drawn literally.

    A dollar in a model's title begins no formula: Matplotlib refuses those that it cannot read. Nor has a font lone
    halves of characters. What is longer than a few lines is cut, because a layout takes time with it and has no place.
    """
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        written = text.get_text()
        if not written or _OWN in written:
            continue
        text.set_parse_math(False)
        shown = written if len(written) <= _MOST_LETTERS else f"{written[:_MOST_LETTERS]}..."
        plain = "".join(
            letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in shown
        )
        if plain != written:
            text.set_text(plain)
    return figure
