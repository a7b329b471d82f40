"""A value for each synapse: one number, a quantity, an array in the shape of the weights, or text.

Weights at the start, delays and starts of traces are given so. `per_synapse` reads what a user gave, `check` refuses
what does not fit a pathway, without drawing anything, and `values` computes the numbers.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from neurosim.circuit.content import digest, unchanging
from neurosim.circuit.pair_text import PairText
from neurosim.errors import ArgumentError, EquationError, NumericalError, UnitError
from neurosim.units import (
    UNITS,
    array_in_si,
    base_unit,
    dimension_text,
    format_quantity,
    is_quantity,
    parse_quantity,
    unit_dimensions,
)
from neurosim.untyped import Array, UserValue

if TYPE_CHECKING:
    from neurosim.circuit.connectivity import Connectivity
    from neurosim.circuit.synapses import Ends

_EXPECTED = "a number, a quantity such as '0.5 nS', an array of them, or text such as 'rand()*0.5*nS'"
#: A number and a unit with nothing but space between them, which is no expression.
_QUANTITY = re.compile(r"\s*[+-]?\s*(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s+[A-Za-z]", re.ASCII)


@dataclass(frozen=True, eq=False)
class Values:
    """Numbers in SI units: one for all synapses, or one for each. Equal if the numbers are.

    Attributes
    ----------
    array
        Shape () or that of the weights.
    unit
        As a product of base units; none of plain numbers, which have the unit that is expected.
    """

    array: np.ndarray
    unit: str | None

    @functools.cached_property
    def content(self) -> str:
        """Digest of the numbers, by which they are compared."""
        return digest(self.array)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Values) and (self.content, self.unit) == (other.content, other.unit)

    def __hash__(self) -> int:
        return hash((self.content, self.unit))

    def __str__(self) -> str:
        if not self.array.ndim:
            return self._shown(self.array)
        if not self.array.size:
            return "an array of no numbers"
        shape = " x ".join(map(str, self.array.shape))
        least, most = self._shown(self.array.min()), self._shown(self.array.max())
        return f"an array ({shape}) from {least} to {most}, {self.content}"

    def _shown(self, number: Array) -> str:
        if self.unit is None or self.unit == "1":
            return f"{float(number):g}"
        dimensions = unit_dimensions(self.unit)
        named = (unit.name for unit in UNITS.values() if unit.scale == 0 and unit.dimensions == dimensions)
        return format_quantity(float(number), next(named, self.unit))


#: A checked value for each synapse.
PerSynapse = Values | PairText
#: Values that a user may give; a quantity of Brian2 is an array.
Given = PerSynapse | str | float | np.ndarray | Sequence[object]


def per_synapse(what: str, value: UserValue) -> PerSynapse:
    """Read a value for each synapse; which pathway it belongs to is not known yet.

    Parameters
    ----------
    what
        What it is, for messages: ``the initial weights of pathway 'W'``.
    value
        A number or an array of them in SI units; a quantity or an array of them, of Brian2 or as text (``"0.5 nS"``);
        or an expression in the numbers of the two neurons, ``i``, ``j``, ``N_pre``, ``N_post``, with ``rand()``,
        ``randn()`` and units.

    Raises
    ------
    ArgumentError, UnitError
        If it is nothing of this, or holds numbers that are not finite.
    EquationError
        With line and column, if an expression is none.

    Examples
    --------
    >>> str(per_synapse("delays", "1.5 ms")), str(per_synapse("weights", "rand()*0.5*nS"))
    ('1.5 ms', 'rand()*0.5*nS')
    """
    if isinstance(value, Values | PairText):
        return value
    if isinstance(value, str):
        return _from_text(what, value)
    if value is None or isinstance(value, bool | bytes | dict | set):
        raise ArgumentError(what, cast(object, value), _EXPECTED)
    try:
        unit = _unit_of(value)
        array = array_in_si(value, "1") if unit is None else _in_si(value, unit)
    except UnitError as error:
        raise UnitError(f"{what}: {error}") from error
    except (TypeError, ValueError) as error:  # lists of unequal lengths, objects
        raise ArgumentError(what, value, _EXPECTED) from error
    return Values(unchanging(array), unit)


def check(value: PerSynapse, unit: str, connectivity: Connectivity, ends: Ends) -> None:
    """Refuse a value that does not fit the synapses; no random numbers are drawn.

    Parameters
    ----------
    value
        Of `per_synapse`.
    unit
        The expected unit, such as ``"second"``.
    connectivity, ends
        The synapses: an array has the shape of their weights.

    Raises
    ------
    UnitError, EquationError
        With what was got and what is expected; of text with line and column.
    NumericalError
        If a text without random numbers gives some that are not finite.
    """
    if isinstance(value, PairText):
        if connectivity.shared and (read := sorted({"i", "j"} & value.names)):
            raise value.place.error(
                f"'{read[0]}' differs among the synapses that share a weight ({connectivity}); leave it out",
                value.place.find(read[0]),
            )
        value.check_unit(unit)
        if not value.draws:
            _evaluated(value, connectivity, ends, None)
        return
    if value.unit is not None and unit_dimensions(value.unit) != unit_dimensions(unit) and np.any(value.array):
        raise UnitError(f"got {value}, which is in {_shown(value.unit)}, expected {_shown(unit)}")
    shape = connectivity.weights_shape(ends)
    if value.array.ndim and value.array.shape != shape:
        axes = "(n_post, n_pre)" if len(shape) == 2 and not connectivity.shared else "one number a weight"
        raise UnitError(f"got an array of shape {value.array.shape}, expected one number, or shape {shape}, {axes}")


def values(
    value: PerSynapse, connectivity: Connectivity, ends: Ends, generator: np.random.Generator, *, what: str
) -> np.ndarray:
    """The numbers in SI units, in the shape of the weights, in double precision.

    Parameters
    ----------
    value
        One that `check` passed.
    connectivity, ends
        The synapses.
    generator
        Generator of the random numbers in a text, drawn in the order of the weights.
    what
        What they are, for messages.

    Raises
    ------
    NumericalError
        If a text gives numbers that are not finite.
    """
    if isinstance(value, Values):
        return np.array(np.broadcast_to(value.array, connectivity.weights_shape(ends)), np.float64)
    try:
        return _evaluated(value, connectivity, ends, generator)
    except NumericalError as error:
        raise NumericalError(f"{what}: {error}") from None


def _evaluated(
    value: PairText, connectivity: Connectivity, ends: Ends, generator: np.random.Generator | None
) -> np.ndarray:
    """The numbers of a text, which have to be finite."""
    shape = connectivity.weights_shape(ends)
    pairs = connectivity.indices(ends)
    # A value that synapses share reads neither.
    numbers = np.array(value.evaluated(*(pairs or (0, 0)), ends, shape, generator), np.float64)
    finite = np.isfinite(numbers)
    if not finite.all():
        first = tuple(np.argwhere(~finite)[0])
        where = ""
        if pairs is not None:
            i, j = (int(np.broadcast_to(each, shape)[first]) for each in pairs)
            where = f", first that from neuron {i} to neuron {j}"
        raise NumericalError(
            f"'{value}' is no finite number for {np.count_nonzero(~finite):,} of {numbers.size:,}{where}"
        )
    return numbers


def _from_text(what: str, text: str) -> PerSynapse:
    try:
        return Values(unchanging(np.asarray(parse_quantity(text))), base_unit(text))
    except UnitError as error:
        if _QUANTITY.match(text):
            raise UnitError(f"{what}: {error}") from error
    try:
        return PairText(text, "a value of synapses", random=True)
    except EquationError as error:
        raise EquationError(f"{what}: {error.message}", line=error.line, column=error.column, text=error.text) from None


def _unit_of(value: UserValue) -> str | None:
    """The unit of a quantity, of the first of several, or none of plain numbers."""
    if is_quantity(value):
        return dimension_text(value.dim)
    if isinstance(value, list | tuple) and value:
        first = cast(Sequence[UserValue], value)[0]
        return base_unit(first) if isinstance(first, str) else _unit_of(first)
    return None


def _in_si(value: UserValue, unit: str) -> np.ndarray:
    """As `array_in_si`, also of lists in lists."""
    if isinstance(value, list | tuple):
        return np.array([_in_si(each, unit) for each in cast(Sequence[UserValue], value)])
    return array_in_si(value, unit)


def _shown(unit: str) -> str:
    """A unit for messages."""
    from neurosim.equations.dimensions import dimension_of, shown_unit

    return shown_unit(dimension_of(unit))
