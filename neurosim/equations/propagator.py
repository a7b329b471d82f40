"""The exact time step of linear equations, regular where rates are equal or zero.

``x(t + dt) = exp(dt A) x + dt phi(dt A) b`` with ``phi(M) = (exp(M) - 1)/M``. Variables act on each other in ways that
lead from one to the next: along each the rates' divided differences of the exponential say how much arrives. Two
variables that act on each other have the exponential of their two-by-two matrix, whose roots may be real or complex.
Small changes are added to what is there, so that slow ones keep their digits in single precision, too.
"""

# SymPy has no stubs.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import itertools
import math

import sympy

from neurosim.equations.brian import sympy_to_str
from neurosim.equations.divided import MOST, ZERO, Lines, difference
from neurosim.equations.linear import Linear, paths_to, refused, strongly_connected

#: Decays faster than this are not written as changes: nearly all of what is there would cancel.
_FAST = "-0.5"
#: Ways by which variables act on one; each has a divided difference of its own.
_MOST_PATHS = 32
#: Of the series of two variables, where their matrix is small: all digits of a double.
_TERMS = 20
_DT = sympy.Symbol("dt", real=True, positive=True)


def steps(linear: Linear, label: str) -> list[str]:
    """The statements that advance linear equations by ``dt``, each variable's result in ``_variable``.

    Parameters
    ----------
    label
        Part of the names of what is computed on the way.

    Raises
    ------
    EquationError
        If more than two variables act on each other, or they act on others in turn.
    """
    lines = Lines(label)
    blocks = strongly_connected(linear)
    larger = next((block for block in blocks if len(block) > 1), None)
    if larger is None:
        for (name,) in blocks:
            _along_paths(lines, linear, name)
    elif len(larger) == len(linear.names) == 2:
        _pair(lines, linear)
    else:
        others = "" if len(larger) == len(linear.names) else " and on others, or others on them"
        raise refused("exact", f"{', '.join(larger)} act on each other{others}; there is a closed form for two alone")
    return lines.lines


def own_step(lines: Lines, linear: Linear, name: str) -> str:
    """The result of a variable if all others are constant."""
    rate, constant = linear.rates.get((name, name)), linear.constants.get(name)
    if rate is None:
        return f"{name} + {_text(constant * _DT)}" if constant is not None else name
    z = lines.let(_text(rate * _DT))
    decay, near = _decay(lines, z)
    driven = f" + {difference(lines, [ZERO, z])}*({_text(constant * _DT)})" if constant is not None else ""
    return f"{decay}*{name}{driven} + {near}*{name}"


def _along_paths(lines: Lines, linear: Linear, name: str) -> None:
    rates = {n: lines.let(_text(linear.rates[n, n] * _DT)) if (n, n) in linear.rates else ZERO for n in linear.names}
    terms, whole = list[str](), f"{name}"
    for path in paths_to(linear, name, _MOST_PATHS):
        constant = linear.constants.get(path[-1])
        deepest = len(path) + (constant is not None)
        if deepest > MOST:
            raise refused("exact", f"{MOST} variables in a row act on '{name}'; a closed form is used for fewer")
        passed = [f"({_text(linear.rates[pair] * _DT)})" for pair in itertools.pairwise(path)]
        if len(path) == 1 and rates[name] != ZERO:
            decay, near = _decay(lines, rates[name])
            terms.append(f"{decay}*{name}")
            whole = f"{near}*{name}"
        elif len(path) > 1:
            weight = lines.let("*".join([*passed, difference(lines, [rates[n] for n in path])]))
            terms.append(f"{weight}*{path[-1]}")
        if constant is not None:
            shape = difference(lines, [*(rates[n] for n in path), ZERO])
            weight = "*".join(factor for factor in (*passed, shape) if factor != "1.0")
            terms.append(f"{lines.let(weight)}*({_text(constant * _DT)})" if weight else _text(constant * _DT))
    lines.assign(f"_{name}", " + ".join([*terms, whole]))


def _decay(lines: Lines, z: str) -> tuple[str, str]:
    """A factor for the variable itself, and whether it is its change: added to what is there."""
    near = lines.let(f"int({z} > {_FAST})")
    return lines.let(f"{near}*{z}*{difference(lines, [ZERO, z])} + (1 - {near})*exp({z})"), near


def _pair(lines: Lines, linear: Linear) -> None:
    """Two variables that act on each other: functions of half the trace and of a discriminant of either sign."""
    x, y = linear.names
    a, d = (_scaled(lines, linear, name, name) for name in (x, y))
    to_x, to_y = _scaled(lines, linear, x, y), _scaled(lines, linear, y, x)
    middle, half = lines.let(f"0.5*({a} + {d})"), lines.let(f"0.5*({a} - {d})")
    square = lines.let(f"{half}*{half} + {to_x}*{to_y}")
    roots = _Roots(lines, middle, square)
    small, change, slope = roots.exponential()
    names = {x: (half, to_x, y), y: (f"(-{half})", to_y, x)}
    constants = {name: lines.let(_text(c * _DT)) for name, c in linear.constants.items()}
    level, spread = roots.driven() if constants else ("", "")
    for name, (own, other, partner) in names.items():
        terms = [f"{change}*{name}", f"{slope}*({own}*{name} + {other}*{partner})"]
        if name in constants:
            terms.append(f"({level} + {spread}*{own})*{constants[name]}")
        if partner in constants:
            terms.append(f"{spread}*{other}*{constants[partner]}")
        lines.assign(f"_{name}", " + ".join([*terms, f"{small}*{name}"]))


def _scaled(lines: Lines, linear: Linear, row: str, column: str) -> str:
    rate = linear.rates.get((row, column))
    return lines.let(_text(rate * _DT)) if rate is not None else ZERO


class _Roots:
    """Functions of a matrix with the roots ``middle +- sqrt(square)``, real or complex, as ``f + g*(M - middle)``."""

    def __init__(self, lines: Lines, middle: str, square: str) -> None:
        self.lines, self.middle, self.square = lines, middle, square
        self.real = lines.let(f"int({square} > 0)")
        # The smallest keeps the root's derivative finite; its own is then zero.
        root = lines.let(f"sqrt(abs({square}) + 1e-36)")
        self.size = lines.let(f"abs({middle}) + {root}")
        #: Half the distance of real roots, zero for others; the frequency of complex ones, some number for others.
        self.apart, self.turn = lines.let(f"{self.real}*{root}"), lines.let(f"{root} + {self.real}")
        self.upper, self.lower = lines.let(f"{middle} + {self.apart}"), lines.let(f"{middle} - {self.apart}")
        #: The exponent of complex roots; of real ones none, so that it does not overflow.
        self.bend = lines.let(f"(1 - {self.real})*{middle}")
        self.sine, self.cosine = lines.let(f"sin(0.5*{self.turn})"), lines.let(f"cos(0.5*{self.turn})")

    def exponential(self) -> tuple[str, str, str]:
        """Whether it is written as a change, that or the whole of ``f``, and ``g``."""
        small = self.lines.let(f"int({self.size} < 0.5)")
        return small, self.lines.let(f"{small}*{self._change()} + (1 - {small})*{self._level()}"), self._slope()

    def driven(self) -> tuple[str, str]:
        """``f`` and ``g`` of ``phi(M) = (exp(M) - 1)/M``."""
        let, real = self.lines.let, self.real
        near = let(f"int({self.size} < 1.0)")
        level, slope = self._series(near)
        # Complex roots far from zero have a product far from zero.
        product = let(f"{self.bend}*{self.bend} + {self.turn}*{self.turn}")
        change = let(f"{self._level()} - 1")
        level_far = let(f"({self.bend}*{change} + {self.turn}*{self.turn}*{self._slope()})/{product}")
        slope_far = let(f"({self.bend}*{self._slope()} - {change})/{product}")
        roots = [self.upper, self.lower]
        of_upper, of_lower = (difference(self.lines, [ZERO, root]) for root in roots)
        level_far = let(f"{real}*(0.5*{of_upper} + 0.5*{of_lower}) + (1 - {real})*{level_far}")
        slope_far = let(f"{real}*{difference(self.lines, [ZERO, *roots])} + (1 - {real})*{slope_far}")
        return let(f"{near}*{level} + (1 - {near})*{level_far}"), let(f"{near}*{slope} + (1 - {near})*{slope_far}")

    def _level(self) -> str:
        """``f`` of the exponential."""
        return self.lines.let(
            f"{self.real}*(0.5*exp({self.upper}) + 0.5*exp({self.lower}))"
            f" + (1 - {self.real})*exp({self.bend})*(1 - 2*{self.sine}*{self.sine})"
        )

    def _change(self) -> str:
        """``f`` of the exponential less one, where it is small."""
        up, down, bend = (f"{z}*{difference(self.lines, [ZERO, z])}" for z in (self.upper, self.lower, self.bend))
        return self.lines.let(
            f"{self.real}*(0.5*{up} + 0.5*{down})"
            f" + (1 - {self.real})*({bend} - 2*exp({self.bend})*{self.sine}*{self.sine})"
        )

    def _slope(self) -> str:
        """``g`` of the exponential."""
        return self.lines.let(
            f"{self.real}*exp({self.upper})*exprel(-2*{self.apart})"
            f" + (1 - {self.real})*exp({self.bend})*2*{self.sine}*{self.cosine}/{self.turn}"
        )

    def _series(self, near: str) -> tuple[str, str]:
        """``f`` and ``g`` of ``phi``: powers of the matrix, from the highest on; zero where it is not used."""
        middle, square = self.lines.let(f"{near}*{self.middle}"), self.lines.let(f"{near}*{self.square}")
        level, slope = repr(1 / math.factorial(_TERMS)), ZERO
        for power in range(_TERMS - 1, 0, -1):
            term = 1 / math.factorial(power)
            level, slope = (
                self.lines.let(f"{level}*{middle} + {slope}*{square} + {term!r}"),
                self.lines.let(f"{slope}*{middle} + {level}"),
            )
        return level, slope


def _text(expression: sympy.Expr) -> str:
    # A whole number would be kept whole by some compilers.
    return repr(float(expression)) if expression.is_number else sympy_to_str(expression)
