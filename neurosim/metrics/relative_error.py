"""Length of the error in what is delivered, relative to the length of what is true."""

from __future__ import annotations

from neurosim.border import public
from neurosim.border.arguments import ARRAY
from neurosim.metrics._arrays import pair, unit_vectors
from neurosim.untyped import Array

UNIT = "1"
BETTER = "lower"


@public(delivered=ARRAY, true=ARRAY)
def measure(delivered: Array, true: Array) -> Array:
    """Measure ``|delivered - true| / |true|`` along the last axis.

    Parameters
    ----------
    delivered, true
        ``(..., n)``.

    Returns
    -------
    array
        ``(...)``; 0 is perfect, 1 is no better than nothing; nan where ``true`` is zero.

    Raises
    ------
    ArgumentError
        Arrays that are no numbers, or whose shapes do not fit each other.
    """
    xp, delivered, true = pair(delivered, true)
    _, error = unit_vectors(xp, delivered - true)
    _, length = unit_vectors(xp, true)
    return error / xp.where(length > 0, length, xp.nan)
