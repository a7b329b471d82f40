"""The keys that a sweep or a search varies, with values or ranges."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from neurosim.errors import UnitError
from neurosim.model_files.checking import Faults, check_table, shown
from neurosim.units import base_unit, format_quantity, parse_quantity

#: Instead of a key path: names of variants, ``"fa+full"``, or ``""`` for none.
VARIANT = "variant"

#: Most values of a key and configurations of a sweep; checking more would take days.
MOST = 10_000
_MOST_KEYS = 1000
# Above this, not every whole number is a float.
_LARGEST_WHOLE = 2**53

# Values of ranges are rounded to this many digits, for readers.
_DIGITS = 6


class Range(BaseModel):
    """Values between two bounds.

    Attributes
    ----------
    low, high
        Bounds, both included: numbers, or quantities like ``"10 ms"``.
    count
        Number of equally spaced values; only where values are listed, not drawn.
    log
        Whether to space or draw on a logarithmic scale.
    integer
        Whether to take whole numbers only.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: float | str
    high: float | str
    count: int | None = Field(default=None, gt=0, le=MOST)
    log: bool = False
    integer: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Range:
        try:
            low, high = self.bounds
        except UnitError as error:
            raise ValueError(str(error)) from None
        if not (math.isfinite(low) and math.isfinite(high) and low < high and math.isfinite(high - low)):
            raise ValueError(f"got {self.low} to {self.high}, expected finite bounds, the lower one first")
        if self.log and low <= 0:
            raise ValueError(f"got low = {self.low} with log = true, expected a positive bound")
        if self.integer and (self.unit != "1" or low % 1 or high % 1):
            raise ValueError(f"got {self.low} to {self.high} with integer = true, expected whole numbers")
        if self.integer and max(abs(low), abs(high)) > _LARGEST_WHOLE:
            raise ValueError(
                f"got {self.low} to {self.high} with integer = true, expected at most {_LARGEST_WHOLE} either way: "
                "larger whole numbers cannot be told apart"
            )
        return self

    @property
    def unit(self) -> str:
        """The unit in base units; ``1`` for pure numbers."""
        return base_unit(self.low) if isinstance(self.low, str) else "1"

    @property
    def bounds(self) -> tuple[float, float]:
        """The bounds in SI units."""
        return parse_quantity(self.low), parse_quantity(self.high, self.unit)

    def value(self, number: float) -> Any:
        """A number between the bounds as a model file writes it: quantity with unit, float or integer."""
        if self.integer:
            return round(number)
        return float(number) if self.unit == "1" else format_quantity(float(number), self.unit)

    def listed(self, path: str, faults: Faults) -> tuple[Any, ...]:
        """All `count` values."""
        if self.count is None:
            faults.add(path, "a range without a count, expected { low = ..., high = ..., count = ... }")
            return ()
        low, high = self.bounds
        if self.count == 1:
            faults.add(path, "got count = 1, expected at least 2: low and high")
            return ()
        numbers = (np.geomspace if self.log else np.linspace)(low, high, self.count)
        return tuple(dict.fromkeys(self.value(rounded(number)) for number in numbers))

    def drawn(self, generator: np.random.Generator) -> Any:
        """One value, drawn uniformly, on a logarithmic scale if `log`."""
        low, high = self.bounds
        if self.integer and not self.log:
            return int(generator.integers(round(low), round(high), endpoint=True))
        if not self.log:
            return self.value(rounded(generator.uniform(low, high)))
        if self.integer:
            # Each whole number gets the interval that rounds to it.
            low, high = low - 0.5, high + 0.5
        number = math.exp(generator.uniform(math.log(low), math.log(high)))
        return self.value(min(max(round(number), self.bounds[0]), self.bounds[1]) if self.integer else rounded(number))


#: The values of a key: listed ones, or a range.
Choice = tuple[Any, ...] | Range


def rounded(number: float) -> float:
    """Round to `_DIGITS` significant digits."""
    return float(f"{number:.{_DIGITS}g}")


def read_keys(table: Mapping[str, Any], path: str, faults: Faults) -> dict[str, Choice]:
    """The key paths of a table ``[grid]``, written in quotes or as nested tables, with their values or ranges."""
    keys: dict[str, Choice] = {}
    for number, (key, value) in enumerate(_flat(table)):
        if number == _MOST_KEYS:
            faults.add(path, f"got more than {_MOST_KEYS} keys")
            break
        where = f"{path}.{key}"
        if isinstance(value, Mapping):
            choice = check_table(Range, value, where, faults)
        elif isinstance(value, list):
            choice = _values(value, where, faults)
        else:
            faults.add(where, f"got {shown(value)}, expected a list of values or {{ low = ..., high = ... }}")
            continue
        if check_key(key, where, faults) and choice is not None:
            keys[key] = choice
    return keys


def check_key(key: str, where: str, faults: Faults) -> bool:
    """Whether `key` is a key path, ``section.key``, or ``variant``."""
    if key == VARIANT or ("." in key and all(step.strip() for step in key.split(".")) and "=" not in key):
        return True
    faults.add(where, f"expected a key path such as scheme.learning_rate, or '{VARIANT}'")
    return False


def override(key: str, value: Any) -> str:
    """``section.key=value`` as `neurosim.load` takes it."""
    return f"{key}={toml_text(value)}"


def toml_text(value: Any) -> str:
    """A value in one line of TOML."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            # JSON leaves this one control character as it is, which TOML does not allow.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case Mapping():
            return "{ " + ", ".join(f"{toml_text(str(k))} = {toml_text(v)}" for k, v in value.items()) + " }"
        case Sequence():
            return f"[{', '.join(map(toml_text, value))}]"
        case _:
            return str(value)


def short_keys(keys: Sequence[str]) -> dict[str, str]:
    """The shortest distinct end of each key path."""
    short = {}
    for key in keys:
        steps = key.split(".")
        ends = (".".join(steps[-depth:]) for depth in range(1, len(steps) + 1))
        short[key] = next((e for e in ends if sum(k == e or k.endswith(f".{e}") for k in keys) == 1), key)
    return short


def _flat(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        path = f"{above}.{key}".removeprefix(".")
        if isinstance(value, Mapping) and not {"low", "high"} & value.keys():
            yield from _flat(value, path)
        else:
            yield path, value


def _values(values: list[Any], where: str, faults: Faults) -> tuple[Any, ...] | None:
    if not values:
        faults.add(where, "got no value, expected at least one")
        return None
    if len(values) > MOST:
        faults.add(where, f"got {len(values)} values, expected at most {MOST}")
        return None
    seen: set[str] = set()
    for text in map(toml_text, values):
        if text in seen:
            faults.add(where, f"got {text} twice, expected every value once")
            return None
        seen.add(text)
    return tuple(values)
