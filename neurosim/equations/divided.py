"""Divided differences of the exponential, as text that stays regular where arguments coincide.

The response of a chain of filters is the divided difference ``exp[z0, z1, ...]`` at their rates times the time step
(Opitz 1964, ZAMM 44:T52). Written as differences over differences it loses all digits where two rates are
alike. Here two arguments go through `exprel`; more by Taylor's series about the least of them, all of whose terms
are positive, where they lie close together, and by the recursion over the two furthest where they do not (McCurdy, Ng
& Parlett 1984, Math. Comp. 43:501).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

#: The spread of arguments up to which the series is used, and its terms there: all digits of a double.
_SPREAD, _TERMS = 1.5, 23
#: Most arguments.
MOST = 4
#: The argument of what does not decay; no whole number, which some compilers would keep whole.
ZERO = "0.0"


class Lines:
    """Statements under construction, in the order of execution.

    Parameters
    ----------
    label
        Part of the names of all that is computed on the way.
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self.lines: list[str] = []
        self.known: dict[str, str] = {}

    def let(self, expression: str) -> str:
        """A name for the value of an expression, the same for the same text."""
        if expression not in self.known:
            name = f"_{self.label}_{len(self.known)}"
            self.lines.append(f"{name} = {expression}")
            self.known[expression] = name
        return self.known[expression]

    def assign(self, name: str, expression: str) -> None:
        """Set a name of the caller's."""
        self.lines.append(f"{name} = {expression}")


def difference(lines: Lines, arguments: Sequence[str]) -> str:
    """The divided difference of the exponential at one to four arguments.

    Parameters
    ----------
    arguments
        Names or `ZERO`, in any order.

    Returns
    -------
    str
        A name or a short expression of its value.
    """
    # Zero first, where it shortens most.
    ordered = sorted(arguments, key=lambda argument: argument != ZERO)
    match ordered:
        case [only]:
            return "1.0" if only == ZERO else lines.let(f"exp({only})")
        case [one, other] if one == other:
            return difference(lines, [one])
        case [one, other] if one == ZERO:
            return lines.let(f"exprel({other})")
        case [one, other]:
            return lines.let(f"exp(clip({one}, {other}, inf))*exprel(-abs({one} - {other}))")
        case [_, _, _]:
            return _of_three(lines, ordered)
        case [_, _, _, _]:
            return _of_four(lines, ordered)
        case _:
            pass
    raise ValueError(f"a divided difference of {len(arguments)} arguments")


def _of_three(lines: Lines, arguments: Sequence[str]) -> str:
    a, b, c = arguments
    low, high = lines.let(f"clip({b}, -inf, {c})"), lines.let(f"clip({b}, {c}, inf)")
    least, most = lines.let(f"clip({a}, -inf, {low})"), lines.let(f"clip({a}, {high}, inf)")
    middle = lines.let(f"clip({a}, {low}, {high})")
    upper, lower = difference(lines, [most, middle]), difference(lines, [middle, least])
    return _joined(lines, least, [middle, most], f"({upper} - {lower})")


def _of_four(lines: Lines, arguments: Sequence[str]) -> str:
    a, b, c, d = arguments
    p, q = lines.let(f"clip({a}, {b}, inf)"), lines.let(f"clip({a}, -inf, {b})")
    r, s = lines.let(f"clip({c}, {d}, inf)"), lines.let(f"clip({c}, -inf, {d})")
    most, least = lines.let(f"clip({p}, {r}, inf)"), lines.let(f"clip({q}, -inf, {s})")
    inner, outer = lines.let(f"clip({p}, -inf, {r})"), lines.let(f"clip({q}, {s}, inf)")
    second, third = lines.let(f"clip({inner}, {outer}, inf)"), lines.let(f"clip({inner}, -inf, {outer})")
    upper, lower = difference(lines, [most, second, third]), difference(lines, [second, third, least])
    return _joined(lines, least, [third, second, most], f"({upper} - {lower})")


def _joined(lines: Lines, least: str, others: Sequence[str], apart: str) -> str:
    """The series where the arguments lie close together; elsewhere the difference of two over the furthest two."""
    spread = lines.let(f"{others[-1]} - {least}")
    near = lines.let(f"int({spread} < {_SPREAD!r})")
    # Elsewhere the series is not used, and kept from overflowing.
    shifts = [lines.let(f"{near}*({other} - {least})") for other in others]
    # Horner's scheme; each row is the divided difference of the one before.
    rows = [repr(1 / math.factorial(_TERMS)), *["0.0"] * (len(others) - 1)]
    for power in range(_TERMS - 1, 0, -1):
        over = [repr(1 / math.factorial(power)), *rows[:-1]]
        rows = [
            upper if row == "0.0" else lines.let(f"{row}*{shift} + {upper}")
            for row, shift, upper in zip(rows, shifts, over, strict=True)
        ]
    series = lines.let(f"exp({least})*{rows[-1]}")
    return lines.let(f"{near}*{series} + (1 - {near})*{apart}/({spread} + {near})")
