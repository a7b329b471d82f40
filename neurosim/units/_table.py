"""A table of Brian2's units, so that quantities are read without importing Brian2, which takes a second.

A test compares it with Brian2's own: the same names, sizes and dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

#: Powers of metre, kilogram, second, amp, kelvin, mole and candle.
Dimensions = tuple[float, ...]

NO_DIMENSIONS: Dimensions = (0,) * 7
BASES = ("metre", "kilogram", "second", "amp", "kelvin", "mole", "candle")


class Unit(NamedTuple):
    """A unit: full name, symbol, power of ten relative to SI base units, dimensions."""

    name: str
    symbol: str
    scale: int
    dimensions: Dimensions

    @property
    def size(self) -> float:
        """The size in SI base units; the same float as Brian2's."""
        return 10.0**self.scale


_PREFIXES = {
    **{"y": -24, "z": -21, "a": -18, "f": -15, "p": -12, "n": -9, "u": -6, "m": -3},
    **{"k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18, "Z": 21, "Y": 24},
}
_MORE_PREFIXES = {"c": -2, "d": -1, "da": 1, "h": 2}
_POWERS = (1, 2, 3)
# Name, symbol, power of ten, dimensions.
_PREFIXED = (
    ("metre", "m", 0, (1, 0, 0, 0, 0, 0, 0)),
    ("meter", "m", 0, (1, 0, 0, 0, 0, 0, 0)),
    ("second", "s", 0, (0, 0, 1, 0, 0, 0, 0)),
    ("amp", "A", 0, (0, 0, 0, 1, 0, 0, 0)),
    ("ampere", "A", 0, (0, 0, 0, 1, 0, 0, 0)),
    ("mole", "mol", 0, (0, 0, 0, 0, 0, 1, 0)),
    ("mol", "mol", 0, (0, 0, 0, 0, 0, 1, 0)),
    ("candle", "cd", 0, (0, 0, 0, 0, 0, 0, 1)),
    ("gram", "g", -3, (0, 1, 0, 0, 0, 0, 0)),
    ("gramme", "g", -3, (0, 1, 0, 0, 0, 0, 0)),
    ("molar", "M", 3, (-3, 0, 0, 0, 0, 1, 0)),
    ("radian", "rad", 0, (0, 0, 0, 0, 0, 0, 0)),
    ("steradian", "sr", 0, (0, 0, 0, 0, 0, 0, 0)),
    ("hertz", "Hz", 0, (0, 0, -1, 0, 0, 0, 0)),
    ("newton", "N", 0, (1, 1, -2, 0, 0, 0, 0)),
    ("pascal", "Pa", 0, (-1, 1, -2, 0, 0, 0, 0)),
    ("joule", "J", 0, (2, 1, -2, 0, 0, 0, 0)),
    ("watt", "W", 0, (2, 1, -3, 0, 0, 0, 0)),
    ("coulomb", "C", 0, (0, 0, 1, 1, 0, 0, 0)),
    ("volt", "V", 0, (2, 1, -3, -1, 0, 0, 0)),
    ("farad", "F", 0, (-2, -1, 4, 2, 0, 0, 0)),
    ("ohm", "ohm", 0, (2, 1, -3, -2, 0, 0, 0)),
    ("siemens", "S", 0, (-2, -1, 3, 2, 0, 0, 0)),
    ("weber", "Wb", 0, (2, 1, -2, -1, 0, 0, 0)),
    ("tesla", "T", 0, (0, 1, -2, -1, 0, 0, 0)),
    ("henry", "H", 0, (2, 1, -2, -2, 0, 0, 0)),
    ("lumen", "lm", 0, (0, 0, 0, 0, 0, 0, 1)),
    ("lux", "lx", 0, (-2, 0, 0, 0, 0, 0, 1)),
    ("becquerel", "Bq", 0, (0, 0, -1, 0, 0, 0, 0)),
    ("gray", "Gy", 0, (2, 0, -2, 0, 0, 0, 0)),
    ("sievert", "Sv", 0, (2, 0, -2, 0, 0, 0, 0)),
    ("katal", "kat", 0, (0, 0, -1, 0, 0, 1, 0)),
)
_WITHOUT_PREFIX = (
    ("kilogram", "kg", 0, (0, 1, 0, 0, 0, 0, 0)),
    ("kilogramme", "kg", 0, (0, 1, 0, 0, 0, 0, 0)),
    ("kelvin", "K", 0, (0, 0, 0, 0, 1, 0, 0)),
)
_VOLUMES = (("liter", "l", -3, (3, 0, 0, 0, 0, 0, 0)), ("litre", "l", -3, (3, 0, 0, 0, 0, 0, 0)))
# As in Brian2's equations, the centimetre has only short names, and the millisiemens has none.
_CENTIMETRE = ("cmetre", "cm", -2, (1, 0, 0, 0, 0, 0, 0))
_SHORT = {
    **{"mV": "mvolt", "mA": "mamp", "uA": "uamp", "nA": "namp", "pA": "pamp"},
    **{"pF": "pfarad", "uF": "ufarad", "nF": "nfarad", "nS": "nsiemens", "uS": "usiemens"},
    **{"ms": "msecond", "us": "usecond", "Hz": "hertz", "kHz": "khertz", "MHz": "Mhertz"},
    **{"cm": "cmetre", "cm2": "cmetre2", "cm3": "cmetre3", "mm": "mmetre", "mm2": "mmetre2", "mm3": "mmetre3"},
    **{"um": "umetre", "um2": "umetre2", "um3": "umetre3", "mM": "mmolar", "uM": "umolar", "nM": "nmolar"},
}


def _made() -> Iterator[Unit]:
    for base in _PREFIXED:
        yield from _powers(Unit(*base))
        for prefix, scale in _PREFIXES.items():
            yield from _powers(_prefixed(prefix, scale, Unit(*base)))
    for base in (*_WITHOUT_PREFIX, _CENTIMETRE):
        yield from _powers(Unit(*base))
    for volume in _VOLUMES:
        yield Unit(*volume)
        for prefix, scale in (_PREFIXES | _MORE_PREFIXES).items():
            yield _prefixed(prefix, scale, Unit(*volume))


def _prefixed(prefix: str, scale: int, unit: Unit) -> Unit:
    return unit._replace(name=prefix + unit.name, symbol=prefix + unit.symbol, scale=scale + unit.scale)


def _powers(unit: Unit) -> Iterator[Unit]:
    yield unit
    for power in _POWERS[1:]:
        dimensions = tuple(power * each for each in unit.dimensions)
        yield Unit(f"{unit.name}{power}", f"{unit.symbol}^{power}", power * unit.scale, dimensions)


def table() -> dict[str, Unit]:
    """Every unit by each of its names; short names first, for suggestions."""
    made = {unit.name: unit for unit in _made()}
    short = {symbol: made[name] for symbol, name in _SHORT.items()}
    return short | {name: unit for name, unit in made.items() if not name.startswith("cmetre")}
