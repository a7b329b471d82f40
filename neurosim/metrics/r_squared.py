"""Share of the true signal that what is delivered explains, all trials and neurons sharing one free gain."""

from __future__ import annotations

from neurosim.border import public
from neurosim.border.arguments import ARRAY
from neurosim.metrics._arrays import pair, unit_vectors
from neurosim.untyped import Array

UNIT = "1"
BETTER = "higher"


@public(delivered=ARRAY, true=ARRAY)
def measure(delivered: Array, true: Array) -> Array:
    """Measure R2 of the regression of ``true`` on ``delivered`` through the origin.

    ``1 - sum((true - g*delivered)**2) / sum(true**2)`` with the gain ``g`` that makes it largest, which is
    the squared cosine between the two arrays. The gain may be negative, so read it beside the angle.

    Parameters
    ----------
    delivered, true
        Arrays of one shape.

    Returns
    -------
    array
        Scalar from 0 to 1; nan if either array is zero.

    Raises
    ------
    ArgumentError
        Arrays that are no numbers, or whose shapes do not fit each other.
    """
    xp, delivered, true = pair(delivered, true, same=True)
    a, _ = unit_vectors(xp, delivered.reshape(-1))
    b, _ = unit_vectors(xp, true.reshape(-1))
    cosine = xp.sum(a * b)
    return 1 - xp.sum((b - cosine * a) ** 2)
