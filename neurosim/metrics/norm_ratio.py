"""Length of what is delivered over the length of what is true: too strong a signal, or too weak."""

from __future__ import annotations

from neurosim.border import public
from neurosim.border.arguments import ARRAY
from neurosim.metrics._arrays import pair, unit_vectors
from neurosim.untyped import Array

UNIT = "1"
BETTER = "none"


@public(delivered=ARRAY, true=ARRAY)
def measure(delivered: Array, true: Array) -> Array:
    """Measure ``|delivered| / |true|`` along the last axis.

    Parameters
    ----------
    delivered, true
        ``(..., n)``.

    Returns
    -------
    array
        ``(...)``; 1 is right; nan where ``true`` is zero.

    Raises
    ------
    ArgumentError
        Arrays that are no numbers, or whose shapes do not fit each other.
    """
    xp, delivered, true = pair(delivered, true)
    _, delivered_length = unit_vectors(xp, delivered)
    _, true_length = unit_vectors(xp, true)
    return delivered_length / xp.where(true_length > 0, true_length, xp.nan)
