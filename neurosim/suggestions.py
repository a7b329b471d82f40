"""Suggestions for messages about names that do not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

#: Letters of a name that are compared: longer ones are no slips of the keyboard.
_LONGEST = 100
#: Known names that a message lists.
_SHOWN = 12


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name closest to `name`, ignoring case if necessary; ``None`` if none is near.

    Examples
    --------
    >>> nearest("Tau_m", ["tau_m", "v_rest"])
    'tau_m'
    """
    names = list(known)
    if as_written := difflib.get_close_matches(name[:_LONGEST], names, n=1):
        return as_written[0]
    by_lower = {each.lower(): each for each in names}
    near = difflib.get_close_matches(name[:_LONGEST].lower(), by_lower, n=1)
    return by_lower[near[0]] if near else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question that names the nearest known name, or the list of the known names.

    Examples
    --------
    >>> did_you_mean("learning_rat", ["learning_rate", "momentum"])
    "did you mean 'learning_rate'?"
    >>> did_you_mean("x", ["learning_rate", "momentum"])
    'known: learning_rate, momentum'
    """
    names = list(known)
    near = nearest(name, names)
    if near is not None:
        return f"did you mean '{near}'?"
    return f"known: {', '.join(names[:_SHOWN]) or 'none'}{' ...' if len(names) > _SHOWN else ''}"


def hint(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'tau_m'?``, to be added to a sentence; empty if no known name is near."""
    near = nearest(name, known)
    return f"; did you mean '{near}'?" if near is not None else ""
