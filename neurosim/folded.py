"""Objects as they are shown in notebooks: what differs from the default, the rest folded, all of it escaped."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Iterable, Mapping
from typing import Any

#: Letters of a value that are shown where it is one of many.
_LONGEST = 200


def folded(title: str, text: str = "", parts: Iterable[str] = (), *, opened: bool = False) -> str:
    """A heading that unfolds to preformatted text and further HTML.

    Parameters
    ----------
    title, text
        Plain text, which is escaped.
    parts
        HTML that is complete, such as other results of this function.
    opened
        Whether it is unfolded at first.

    Examples
    --------
    >>> folded("rule <b>", "w += 1")
    '<details><summary>rule &lt;b&gt;</summary><pre>w += 1</pre></details>'
    """
    body = f"<pre>{html.escape(text)}</pre>" if text else ""
    # What is within begins folded, whatever it is by itself.
    begun = [(part, part.removeprefix("<details open>")) for part in parts]
    closed = [rest if rest == part else f"<details>{rest}" for part, rest in begun]
    inner = "".join(f'<div style="margin-left: 1em">{part}</div>' for part in closed)
    return f"<details{' open' if opened else ''}><summary>{html.escape(title)}</summary>{body}{inner}</details>"


def fields_folded(shown: Any, title: str) -> str:
    """A dataclass with those of its fields that differ from their defaults; parts that fold themselves are nested."""
    lines: list[str] = []
    parts: list[str] = []
    for name, value in changed_fields(shown).items():
        nested = as_parts(_several(value))
        if nested:
            parts += nested
        else:
            lines.append(_line(name, value))
    return folded(title, "\n".join(lines), parts, opened=True)


def as_parts(values: Iterable[Any]) -> list[str]:
    """The HTML of those that have any of their own."""
    return [each._repr_html_() for each in values if hasattr(each, "_repr_html_")]


def changed_fields(shown: Any) -> dict[str, Any]:
    """The fields of a dataclass whose values are not their defaults."""
    changed: dict[str, Any] = {}
    for each in dataclasses.fields(shown):
        value = getattr(shown, each.name)
        if each.default is not dataclasses.MISSING:
            default: Any = each.default
        elif each.default_factory is not dataclasses.MISSING:
            default = each.default_factory()
        else:
            changed[each.name] = value
            continue
        # By their text: arrays are not equal as one truth value.
        if _text(value) != _text(default):
            changed[each.name] = value
    return changed


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _text(value: Any) -> str:
    return repr(dict(value)) if isinstance(value, Mapping) else repr(value)


def _line(name: str, value: Any) -> str:
    if isinstance(value, str):
        rows = [row.strip() for row in value.splitlines() if row.strip()]
        return f"{name}: {rows[0]}" if len(rows) == 1 else "\n".join([f"{name}:", *(f"    {row}" for row in rows)])
    if isinstance(value, Mapping):
        return "\n".join([f"{name}:", *(f"    {key} = {_short(each)}" for key, each in value.items())])
    if isinstance(value, tuple):
        return "\n".join([f"{name}:", *(f"    {_short(each)}" for each in value)])
    return f"{name}: {_short(value)}"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
