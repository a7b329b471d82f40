"""What a row expects, in words: a number, or how far one run is above or below another."""

from __future__ import annotations

from typing import Literal


def difference_unit(unit: str) -> str:
    """The unit of a difference; of percentages it is points, which no reader takes for a share of one of them."""
    return "points" if unit == "%" else unit


def absolute_text(low: float | None, high: float | None, middle: tuple[float, str] | None, unit: str) -> str:
    """A number or its bounds: ``10 ± 2 %``, ``at least 3 %``.

    Parameters
    ----------
    low, high
        Inclusive bounds, if there are any.
    middle
        Or the value and its tolerance, as text with its unit.
    unit
        Of the bounds; empty for none.
    """
    after = f" {unit}" if unit else ""
    if middle is not None:
        return f"{middle[0]:g}{middle[1]}"
    if low is not None and high is not None:
        return f"{low:g} to {high:g}{after}"
    return f"at least {low:g}{after}" if low is not None else f"at most {high:g}{after}"


def compared_text(
    relation: Literal["difference", "ratio"],
    low: float | None,
    high: float | None,
    middle: tuple[float, str] | None,
    unit: str,
) -> str:
    """A number beside that of another run: ``at least 10 deg lower``, ``at most 0.6 times``.

    Parameters
    ----------
    relation
        How they are compared: this minus the other one, or divided by it.
    low, high
        Inclusive bounds of the relation, if there are any.
    middle
        Or its value and tolerance, as text with its unit.
    unit
        Of the two numbers; a ratio has none.
    """
    if relation == "ratio":
        return f"{middle[0]:g} times{middle[1]}" if middle is not None else absolute_text(low, high, None, "times")
    after = f" {difference_unit(unit)}" if unit else ""
    if middle is not None:
        return f"the same{middle[1]}" if middle[0] == 0 else f"{abs(middle[0]):g}{middle[1]} {_side(middle[0])}"
    if low is not None and high is not None:
        return _between(low, high, after)
    bound, least = (low, True) if low is not None else (high or 0.0, False)
    if bound == 0:
        return "not lower" if least else "not higher"
    # A lower bound above zero, or an upper one below it, is what it has to be away by; others are what it may be.
    return f"at {'least' if (bound > 0) == least else 'most'} {abs(bound):g}{after} {_side(bound)}"


def _side(number: float) -> str:
    return "higher" if number > 0 else "lower"


def _between(low: float, high: float, after: str) -> str:
    if low < 0 < high:
        return f"{-low:g}{after} lower to {high:g}{after} higher"
    near, far = sorted((abs(low), abs(high)))
    return f"{near:g} to {far:g}{after} {_side(low + high)}"
