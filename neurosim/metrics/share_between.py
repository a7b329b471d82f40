"""Share of values within limits, from 0 to 1: such as of synapses whose weight is near a bound."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from neurosim.errors import ArgumentError
from neurosim.metrics._spike_arguments import measuring
from neurosim.units import parse_quantity
from neurosim.untyped import Array, UserValue

if TYPE_CHECKING:
    import xarray

UNIT = "1"
BETTER = "none"
OF = "variable"


def _limit(name: str, value: UserValue) -> Array:
    """A number or a quantity; its unit is checked where that of the values is known."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ArgumentError(name, value, "a number in SI units, or a quantity such as '2 nS'")
    if isinstance(value, str):
        parse_quantity(value)
    return value


@measuring(low=_limit, high=_limit)
def measure(signal: xarray.DataArray, *, low: str | float = -math.inf, high: str | float = math.inf) -> float:
    """Count the values from `low` to `high`, both included, at all times that are given.

    Parameters
    ----------
    signal
        A recorded variable of neurons or synapses.
    low, high
        Limits: quantities, or numbers in SI units. Without one there is no limit on that side.

    Returns
    -------
    float
        From 0 to 1; nan without values.

    Raises
    ------
    ArgumentError, UnitError
        Arguments that do not fit, also in their units.
    """
    unit = str(signal.attrs.get("units", "1"))
    least, most = (parse_quantity(limit, unit) if isinstance(limit, str) else limit for limit in (low, high))
    values = np.asarray(signal.values, dtype=float)
    values = values[~np.isnan(values)]
    return float(np.mean((values >= least) & (values <= most))) if values.size else math.nan
