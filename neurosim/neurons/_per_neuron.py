"""Values that differ between the neurons of a population: arrays, and text that is computed or drawn."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np

from neurosim.errors import EquationError, UnitError
from neurosim.random import stream
from neurosim.units import KINDS, array_in_si, base_unit, dimension_text, fits_kind, is_quantity, unit_dimensions
from neurosim.untyped import UserValue

if TYPE_CHECKING:
    from neurosim.equations.drawn_values import ValueText

#: How many characters of a checksum tell arrays apart in print.
_DIGITS = 8


@dataclass(frozen=True)
class PerNeuron:
    """Values of the neurons of a population; compared and hashed by what they are.

    Attributes
    ----------
    unit
        In base units; ``None`` of a plain array, which is in SI units of whatever it is for.
    text
        What computes them; ``None`` of an array.
    data, shape
        An array in SI units, as bytes of float64.
    """

    unit: str | None
    text: ValueText | None = None
    data: bytes = field(default=b"", repr=False)
    shape: tuple[int, ...] = ()

    @property
    def array(self) -> np.ndarray:
        """The array that was given, float64; it cannot be written to."""
        return np.frombuffer(self.data, dtype=float).reshape(self.shape)

    @property
    def random(self) -> bool:
        """Whether it is drawn."""
        return self.text is not None and self.text.random

    def fault(self, size: int, unit: str) -> str | None:
        """The fault for so many neurons and a variable of this unit, as the end of a sentence."""
        if self.text is None:
            if self.shape == (size,):
                return None
            return f"got an array of shape {self.shape}; expected one quantity, or one for each neuron: ({size},)"
        if self.random:
            return None
        try:
            self.values(size, unit, stream(0))
        except (EquationError, UnitError) as error:
            return str(error)
        return None

    def values(self, size: int, unit: str, generator: np.random.Generator) -> np.ndarray:
        """The values in SI units, shape (n,).

        Raises
        ------
        EquationError, UnitError
            A value that is not finite, or none that a count or a truth value can have.
        """
        if self.text is None:
            return self.array
        numbers = self.text.values((size,), {"i": np.arange(size), "N": size}, generator)
        if not fits_kind(numbers, unit):
            raise UnitError(f"'{self.text.text}' gives numbers that do not fit; expected {KINDS[unit]}")
        return numbers

    def __str__(self) -> str:
        if self.text is not None:
            return self.text.text
        numbers = self.array
        unit = f" {self.unit}" if self.unit not in (None, "1") else ""
        span = f"{numbers.min():g} to {numbers.max():g}{unit}" if numbers.size else "none"
        return f"{numbers.size} values, {span} [{hashlib.sha256(self.data).hexdigest()[:_DIGITS]}]"


def settled(values: Mapping[str, UserValue], *, what: str) -> dict[str, UserValue]:
    """Values as a neuron or a population keeps them: those that differ between neurons as `PerNeuron`.

    Parameters
    ----------
    what
        What they are of, for messages: ``"neuron 'lif'"``.

    Raises
    ------
    EquationError, UnitError
        Text outside the grammar; arrays that are no numbers, or of several units.
    """
    return {name: _settled(value, f"'{name}' of {what}") for name, value in values.items()}


def _settled(value: UserValue, what: str) -> UserValue:
    if isinstance(value, PerNeuron):
        return value
    # Late: it asks Brian2, which takes long to import.
    from neurosim.equations.drawn_values import gives_values, value_text

    try:
        if gives_values(value):
            text = value_text(value, what=what)
            return PerNeuron(text.unit, text)
        if not _is_array(value):
            return value
        unit = _unit_of(value)
        array = np.ascontiguousarray(array_in_si(value, unit or "1"), dtype=float)
    except UnitError as error:
        raise UnitError(f"{what}: {error}") from None
    except EquationError as error:
        raise EquationError(f"{what}: {error}") from None
    except (TypeError, ValueError) as error:  # lists of unequal lengths, of objects
        raise UnitError(f"{what} is no array of numbers but a {type(value).__name__} ({error})") from None
    return PerNeuron(unit, None, array.tobytes(), array.shape)


def check_unit(value: PerNeuron, unit: str, what: str) -> None:
    """Refuse values of another unit than a variable's.

    Raises
    ------
    UnitError
        With both.
    """
    if value.text is not None and (value.unit == "boolean") != (unit == "boolean"):
        expected = "a condition such as 'rand() < 0.5'" if unit == "boolean" else f"numbers in {unit}"
        raise UnitError(f"{what}: '{value}' is {_kind(value)}; expected {expected}")
    if unit in KINDS and value.text is None and not fits_kind(value.array, unit):
        raise UnitError(f"{what}: the array holds numbers that do not fit; expected {KINDS[unit]}")
    expected = dimension_text(unit_dimensions("1" if unit in KINDS else unit))
    if value.unit is not None and value.unit != "boolean" and value.unit != expected:
        raise UnitError(f"{what}: got {value} in {'no unit' if value.unit == '1' else value.unit}, expected {unit}")


def _kind(value: PerNeuron) -> str:
    return "a condition" if value.unit == "boolean" else "no condition"


def _is_array(value: UserValue) -> bool:
    return isinstance(value, list | tuple) or (not isinstance(value, str) and getattr(value, "size", 1) != 1)


def _unit_of(value: UserValue) -> str | None:
    """The unit of an array; of a list, that of its first quantity."""
    if is_quantity(value):
        return dimension_text(value.dim)
    first = cast(Sequence[UserValue], value)[0] if isinstance(value, list | tuple) and value else None
    return base_unit(first) if isinstance(first, str) or is_quantity(first) else None
