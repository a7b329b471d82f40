"""Convert arrays with units to plain arrays in SI units."""

from __future__ import annotations

from typing import Any

from neurosim.errors import UnitError
from neurosim.units._text import KINDS, dimension_text, fits_kind, is_quantity, parse_quantity, unit_dimensions
from neurosim.untyped import UserValue


def refuse_masked(value: UserValue) -> None:
    """Refuse an array with masked numbers.

    Raises
    ------
    UnitError
        With how many.
    """
    import numpy as np

    if isinstance(value, np.ma.MaskedArray) and (masked := int(np.ma.count_masked(value))):
        raise UnitError(
            f"the array has {masked} masked numbers, which are none; fill them, as in numpy.ma.filled(array, 0.0)"
        )


def array_in_si(value: UserValue, unit: str) -> Any:
    """A number, a quantity or an array of either, as a NumPy array in SI units.

    Parameters
    ----------
    value
        Text such as ``"1.2 nA"``, a number, a Brian2 quantity, or an array. Plain arrays count as SI; a plain
        number only if the unit is ``1``.
    unit
        The expected unit, such as ``"amp"``.

    Raises
    ------
    UnitError
        Another dimension, or numbers that are not finite.
    """
    import numpy as np

    if isinstance(value, str) or (np.ndim(value) == 0 and not isinstance(value, np.ndarray)):
        return np.asarray(0.0 if value == 0 else parse_quantity(value, unit))
    if is_quantity(value) and dimension_text(value.dim) != dimension_text(unit_dimensions(unit)):
        raise UnitError(f"got an array in {dimension_text(value.dim)}, expected {unit}")
    if isinstance(value, list | tuple) and any(isinstance(each, str) or is_quantity(each) for each in value):
        # NumPy would drop the units.
        return np.asarray([array_in_si(each, unit) for each in value])
    refuse_masked(value)
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise UnitError(f"got an array of {array.dtype}, expected numbers")
    array = array.astype(float)
    if not np.all(np.isfinite(array)):
        raise UnitError("the array holds numbers that are not finite")
    if not fits_kind(array, unit):
        raise UnitError(f"the array holds numbers that do not fit; expected {KINDS[unit]}")
    return array
