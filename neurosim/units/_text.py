"""Parse and format quantities with units.

A small parser reads the text: nothing is evaluated, and Brian2 is not imported, so that a mistyped quantity is
reported at once. No other module handles Brian2's ``Quantity``.
"""

from __future__ import annotations

import ast
import math
import operator
import re
import sys
from collections.abc import Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeGuard

from neurosim.errors import UnitError
from neurosim.suggestions import nearest
from neurosim.units._table import BASES, NO_DIMENSIONS, Dimensions, table
from neurosim.untyped import BrianDimension, UserValue

if TYPE_CHECKING:
    from brian2.units.fundamentalunits import Dimension, Quantity

#: All units that equations and quantities may name.
UNITS = table()
#: SI values of the unit names that may stand in an expression (`mV`, `ms` ...).
UNIT_VALUES: Mapping[str, float] = {name: unit.size for name, unit in UNITS.items()}

_LONGEST = 200
_HIGHEST_POWER = 8
_DEEPEST = 20
_NUMBER = re.compile(r"[+-]?\s*(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_UNIT_TEXT = re.compile(r"[A-Za-z0-9_.*/()\s-]*", re.ASCII)
_SIZE = operator.attrgetter("size")
_kept: dict[Dimensions, Dimensions] = {}
#: Kinds that equations declare in place of a unit, for counts and decisions.
KINDS = {"integer": "a whole number", "boolean": "True or False"}
_PREFIXES = ("f", "p", "n", "u", "m", "", "k", "M", "G")


def parse_quantity(text: str | float | Quantity, unit: str | None = None) -> float:
    """Read a quantity as a number in SI units.

    Parameters
    ----------
    text
        ``"20 ms"``, ``"-70 mV"``, ``"1.5 nA/ms"``, ``"10*Hz"``, ``"2 mV**2"``, ``"3"``; a number; or a scalar
        Brian2 quantity. A number comes first, then units joined by ``*``, ``/``, ``**`` and brackets.
    unit
        A unit of the dimension that is expected, such as ``"second"``, ``"mV/ms"`` or ``"1"`` for a pure
        number. Its size does not matter. Without it any dimension passes.

    Returns
    -------
    float
        The value in SI base units, the same float that Brian2 makes of ``20*ms``.

    Raises
    ------
    UnitError
        The text is no quantity, names an unknown unit, is not finite, or has another dimension than ``unit``.
    """
    if unit == "boolean" and isinstance(text, bool):
        return float(text)
    value, dimensions = _read(text)
    if not math.isfinite(value):
        raise UnitError(f"{_shown(text)} is not a finite number")
    if unit is not None:
        expected = unit_dimensions(unit)
        if dimensions != expected:
            pure = expected == NO_DIMENSIONS
            got = "a pure number" if dimensions == NO_DIMENSIONS else f"the dimension of {dimension_text(dimensions)}"
            wanted = "a pure number" if pure else f"a quantity in {unit}"
            example = "3" if pure else f"{value:g} {unit}"
            raise UnitError(f"{_shown(text)} has the wrong unit: got {got}, expected {wanted}, like '{example}'")
        if not fits_kind(value, unit):
            raise UnitError(f"got {_shown(text)}, expected {KINDS[unit]}")
    return value


def unit_dimensions(text: str) -> Dimensions:
    """Give the physical dimension of a unit: powers of metre, kilogram, second, amp, kelvin, mole and candle.

    Parameters
    ----------
    text
        Units without a number: ``"volt"``, ``"mV/ms"``, ``"siemens/metre**2"``, ``"1"`` for none.

    Returns
    -------
    tuple of float
        One object per dimension, so that ``is`` compares them, too.

    Raises
    ------
    UnitError
        The text is no unit.
    """
    dimensions = _read_unit("1" if text in KINDS else text.strip(), text)[1]
    return _kept.setdefault(dimensions, dimensions)


def format_quantity(value: float, unit: str) -> str:
    """Show an SI number in the unit that reads best; `parse_quantity` reads it back.

    Parameters
    ----------
    value
        The number, in SI base units.
    unit
        A unit of its dimension. A single unit (``"second"``, ``"mV"``) gets the prefix that leaves one to
        three digits before the point; a product of units is used as it is written.

    Returns
    -------
    str
        Such as ``"20 ms"``.

    Raises
    ------
    UnitError
        ``unit`` is no unit.
    """
    if unit == "boolean":
        return str(bool(value))
    size, dimensions = _read_unit("1" if unit == "integer" else unit.strip(), unit)
    if dimensions == NO_DIMENSIONS and size == 1.0:
        return _digits(value, 1.0)
    name, size = _best_prefix(value, unit.strip(), size)
    return f"{_digits(value, size)} {name}"


def is_quantity(value: UserValue) -> TypeGuard[Any]:  # Brian2's own class has no types
    """Whether a value is a Brian2 quantity; there are none before Brian2 is imported."""
    brian = sys.modules.get("brian2.units.fundamentalunits")
    return brian is not None and isinstance(value, brian.Quantity)


def fits_kind(value: UserValue, unit: str) -> bool:
    """Whether numbers fit an integer or a boolean variable."""
    import numpy as np

    return unit not in KINDS or bool(np.all(np.mod(value, 1) == 0 if unit == "integer" else np.isin(value, (0, 1))))


def _read(text: UserValue) -> tuple[float, Dimensions]:
    if is_quantity(text):
        if text.size != 1:
            raise UnitError(f"got an array of shape {text.shape}, expected a single quantity")
        return float(text.item()), _dimensions_of(text.dim)
    if isinstance(text, Real) and not isinstance(text, bool):
        try:
            return float(text), NO_DIMENSIONS
        except OverflowError as error:
            raise UnitError(f"{_shown(text)} is too large for a number") from error
    if not isinstance(text, str):
        raise UnitError(f"got {type(text).__name__} {_shown(text)}, expected a quantity like '20 ms'")
    stripped = text.strip()
    number = _NUMBER.match(stripped)
    if number is None:
        raise UnitError(f"{_shown(text)} does not start with a number; expected a quantity like '20 ms'")
    value = float(re.sub(r"\s", "", number.group()))
    rest = stripped[number.end() :].strip()
    if not rest:
        return value, NO_DIMENSIONS
    divided = rest.startswith("/")
    if divided or (rest.startswith("*") and not rest.startswith("**")):
        rest = rest[1:].strip()
    # "10/ms/mV" divides by both: put a one before it and let the unit parser keep the order.
    size, dimensions = _read_unit(f"1/{rest}" if divided else rest, text)
    return value * size, dimensions


def _read_unit(unit: str, whole: object) -> tuple[float, Dimensions]:
    """Size in SI units, and dimension."""
    if len(unit) > _LONGEST or not _UNIT_TEXT.fullmatch(unit) or "//" in unit or not unit:
        raise _no_unit(unit, whole)
    try:
        tree = ast.parse(unit, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise _no_unit(unit, whole) from None
    try:
        return _walk(tree.body, unit, whole, 0)
    except (OverflowError, ZeroDivisionError):
        raise UnitError(f"{_shown(whole)}: the unit is too large or too small for a number") from None


def _walk(node: ast.expr, unit: str, whole: object, depth: int) -> tuple[float, Dimensions]:
    if depth > _DEEPEST:
        raise _no_unit(unit, whole)
    match node:
        case ast.Name(id=name):
            known = UNITS.get(name)
            if known is None:
                raise UnitError(f"{_shown(whole)}: unknown unit {_shown(name)}{_suggestion(name)}")
            return known.size, known.dimensions
        case ast.Constant(value=int() as one) if one is not True and one == 1:
            return 1.0, NO_DIMENSIONS
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            size, dimensions = _walk(left, unit, whole, depth + 1)
            power = _power(right)
            if power is None:
                raise UnitError(f"{_shown(whole)}: a power of a unit is a whole or half number up to {_HIGHEST_POWER}")
            return size**power, tuple(power * each for each in dimensions)
        case ast.BinOp(left=left, op=ast.Mult() | ast.Div() as operator, right=right):
            size, dimensions = _walk(left, unit, whole, depth + 1)
            other_size, other_dimensions = _walk(right, unit, whole, depth + 1)
            both = list(zip(dimensions, other_dimensions, strict=True))
            if isinstance(operator, ast.Mult):
                return size * other_size, tuple(a + b for a, b in both)
            return size / other_size, tuple(a - b for a, b in both)
        case _:
            raise _no_unit(unit, whole)


def _power(node: ast.expr) -> float | None:
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        sign, node = -1, node.operand
    if not isinstance(node, ast.Constant) or type(node.value) not in (int, float):
        return None
    power: Any = node.value
    # Half powers: the amplitude of white noise is a volt per root second.
    if power > _HIGHEST_POWER or (2 * power) % 1:
        return None
    return sign * (int(power) if power % 1 == 0 else power)


def _best_prefix(value: float, unit: str, size: float) -> tuple[str, float]:
    if unit not in UNITS or not math.isfinite(value):
        return unit, size
    own = UNITS[unit]
    bases = (own.name.removeprefix(prefix) for prefix in (*_PREFIXES, "c") if own.name.startswith(prefix))
    base = next((b for b in bases if b in UNITS and UNITS[b].scale == 0), None)
    # An area keeps its unit: its prefix counts twice.
    if base is None or base[-1].isdigit() or UNITS[base].dimensions != own.dimensions:
        return unit, size
    # Nobody writes kiloseconds.
    prefixes = _PREFIXES[:6] if base == "second" else _PREFIXES
    candidates = [UNITS[prefix + base] for prefix in prefixes if prefix + base in UNITS]
    if value == 0 or not candidates:
        return unit, size
    fitting = [c for c in candidates if abs(value) / c.size >= 1 - 1e-12]
    best = max(fitting, key=_SIZE) if fitting else min(candidates, key=_SIZE)
    return (best.symbol if best.symbol in UNITS else best.name), best.size


def _digits(value: float, size: float) -> str:
    """The fewest digits that read back as the same number."""
    scaled = value / size
    candidates = [f"{scaled:.{digits}g}" for digits in (6, 9, 12, 15, 16)]
    return next((text for text in candidates if float(text) * size == value), f"{scaled:.17g}")


def _suggestion(name: str) -> str:
    # Brian2 leaves out one-letter symbols, which would hide its users' variables.
    symbols = [long for long, known in UNITS.items() if known.symbol == name]
    close = symbols[:1] or [near for near in (nearest(name, UNITS),) if near]
    return f", did you mean '{close[0]}'?" if close else "; units are written as in Brian2: mV, ms, nS, volt"


def _no_unit(unit: str, whole: object) -> UnitError:
    return UnitError(
        f"{_shown(whole)}: {_shown(unit)} is no unit; allowed are Brian2's unit names joined by *, /, ** and brackets"
    )


def _shown(text: object) -> str:
    shown = repr(text)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def base_unit(text: str | float | Quantity) -> str:
    """The unit of a quantity in base units, as it can stand in an equation (``"amp*second**-1"``, ``"1"``).

    Raises
    ------
    UnitError
        The text is no quantity.
    """
    return dimension_text(_read(text)[1])


def dimension_text(dimension: Dimensions | Dimension) -> str:
    """A physical dimension, Brian2's or ours, as a product of base units (``"1"`` for none)."""
    powers = [
        (name, int(power) if power % 1 == 0 else power)
        for name, power in zip(BASES, _dimensions_of(dimension), strict=True)
        if power
    ]
    return "*".join(name if power == 1 else f"{name}**{power}" for name, power in powers) or "1"


def _dimensions_of(dimension: BrianDimension) -> Dimensions:
    """The powers of Brian2's dimensions, which are NumPy's numbers; ours are left as they are."""
    return dimension if isinstance(dimension, tuple) else tuple(float(power) for power in dimension._dims)
