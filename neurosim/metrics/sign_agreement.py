"""Share of neurons that are told the right direction, up or down."""

from __future__ import annotations

from neurosim.border import public
from neurosim.border.arguments import ARRAY
from neurosim.metrics._arrays import pair
from neurosim.untyped import Array

UNIT = "%"
BETTER = "higher"


@public(delivered=ARRAY, true=ARRAY)
def measure(delivered: Array, true: Array) -> Array:
    """Count equal signs along the last axis, among the entries where the true sign is not zero.

    Parameters
    ----------
    delivered, true
        ``(..., n)``.

    Returns
    -------
    array
        ``(...)``, in percent; 50 is chance; a delivered zero counts as wrong; nan where all of ``true`` is
        zero or either holds a nan.

    Raises
    ------
    ArgumentError
        Arrays that are no numbers, or whose shapes do not fit each other.
    """
    xp, delivered, true = pair(delivered, true)
    counted = true != 0
    agree = counted & (xp.sign(delivered) == xp.sign(true))
    n_counted = xp.sum(counted, axis=-1)
    missing = xp.any(xp.isnan(delivered) | xp.isnan(true), axis=-1)
    share = xp.sum(agree, axis=-1) / xp.where(n_counted > 0, n_counted, 1)
    return xp.where((n_counted > 0) & ~missing, 100 * share, xp.nan)
