"""Angle between the batch means of the delivered and the true; noise of single trials averages out."""

from __future__ import annotations

from neurosim.border import public
from neurosim.border.arguments import ARRAY
from neurosim.metrics import angle
from neurosim.metrics._arrays import pair
from neurosim.untyped import Array

UNIT = "deg"
BETTER = "lower"


@public(delivered=ARRAY, true=ARRAY)
def measure(delivered: Array, true: Array) -> Array:
    """Average over the first axis, then measure the angle along the last.

    Parameters
    ----------
    delivered, true
        ``(trial, ..., n)``.

    Returns
    -------
    array
        ``(...)``, in degrees from 0 to 180; nan where either mean is zero.

    Raises
    ------
    ArgumentError
        Arrays that are no numbers, or whose shapes do not fit each other.
    """
    xp, delivered, true = pair(delivered, true)
    return angle.measure(xp.mean(delivered, axis=0), xp.mean(true, axis=0))
