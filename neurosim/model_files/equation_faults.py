"""Locate refused equation text: the key of the section that holds it, and the place in that text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from neurosim.errors import EquationError, NeurosimError, UnitError, excerpt


def equation_fault(
    error: NeurosimError, settings: Mapping[str, Any], defaults: Mapping[str, Any], build: Callable[[dict], Any]
) -> tuple[str, str]:
    """The key at fault, empty if no single one is, and a sentence that quotes the text as it was written.

    A key is at fault if it holds the refused line, or if only its default would make the component pass: the text of a
    setting can become part of a longer equation before it is refused.

    Parameters
    ----------
    error
        The error that building the component raised.
    settings
        Settings of the component, with all defaults.
    defaults
        Defaults of the settings that have one.
    build
        Builds the component from settings, or raises.
    """
    texts = dict(_texts(settings))
    place = _place(error, texts)
    healing = [key for key in texts if _heals(key, settings, defaults, build)]
    key = place[0] if place is not None else healing[0] if len(healing) == 1 else ""
    if not key or not isinstance(error, EquationError | UnitError):
        return key, str(error)
    if place is None:
        # The key names the parameter already.
        sentence = error.faults[0][1] if error.faults else str(error)
        return key, f"got {texts[key][:100]!r}: {sentence}"
    _, line, column = place
    lines = texts[key].splitlines()
    sentence = f"line {line}, column {column}: {error.message}{excerpt(lines[line - 1], column)}"
    refused = (error.text or "").strip()
    if refused and refused != lines[line - 1].split("#", 1)[0].strip():
        sentence += f"\n    which stands in: {refused[:200]}"
    return key, sentence


def _texts(settings: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Key path and text of all settings that are text."""
    for name, value in settings.items():
        if isinstance(value, str):
            yield f"{before}{name}", value
        elif isinstance(value, Mapping):
            yield from _texts(value, f"{before}{name}.")


def _place(error: NeurosimError, texts: Mapping[str, str]) -> tuple[str, int, int] | None:
    """Key, line and column of the refused text; ``None`` if no text, or more than one, holds it."""
    text, column = getattr(error, "text", None), getattr(error, "column", None) or 1
    if not text or not text.strip():
        return None
    refused = text.rstrip()
    whole = [
        (key, number, column + len(line) - len(line.lstrip()) - (len(refused) - len(refused.lstrip())))
        for key, number, line in _lines(texts)
        if line.split("#", 1)[0].strip() == refused.strip()
    ]
    if whole:
        # If two texts hold the line, take the one where it has the same number.
        same = [each for each in whole if each[1] == getattr(error, "line", None)] or whole
        return same[0] if len({key for key, _, _ in same}) == 1 else None
    inside = []
    for key, number, line in _lines(texts):
        at, part = refused.find(line.strip()), line.strip()
        # Unit errors point to the start of the whole expression.
        if at >= 0 and len(part) > 1 and column <= at + len(part):
            inside.append((len(part), (key, number, max(1, column - at) + len(line) - len(line.lstrip()))))
    longest = max((length for length, _ in inside), default=0)
    best = [place for length, place in inside if length == longest]
    return best[0] if len(best) == 1 else None


def _lines(texts: Mapping[str, str]) -> Iterator[tuple[str, int, str]]:
    for key, text in texts.items():
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                yield key, number, line


def _heals(key: str, settings: Mapping[str, Any], defaults: Mapping[str, Any], build: Callable[[dict], Any]) -> bool:
    """Whether the component can be built with the default at this key."""
    steps = key.split(".")
    default = _at(defaults, steps)
    if default is None or default == _at(settings, steps):
        return False
    try:
        build(_with(settings, steps, default))
    except (NeurosimError, ValueError):  # pydantic raises ValueError for settings that do not fit together
        return False
    return True


def _at(settings: Mapping[str, Any], steps: Sequence[str]) -> Any:
    inner: Any = settings
    for step in steps:
        inner = inner.get(step) if isinstance(inner, Mapping) else None
    return inner


def _with(settings: Mapping[str, Any], steps: Sequence[str], value: Any) -> dict[str, Any]:
    first, *rest = steps
    return {**settings, first: _with(settings[first], rest, value) if rest else value}
