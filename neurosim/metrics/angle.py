"""Angle between the delivered and the true vector, one per trial, 0 to 180 degrees, never folded."""

from __future__ import annotations

from neurosim.border import public
from neurosim.border.arguments import ARRAY
from neurosim.metrics._arrays import pair, unit_vectors
from neurosim.untyped import Array

UNIT = "deg"
BETTER = "lower"


@public(delivered=ARRAY, true=ARRAY)
def measure(delivered: Array, true: Array) -> Array:
    """Measure the angle between vectors along the last axis.

    Parameters
    ----------
    delivered, true
        ``(..., n)``; 90 degrees is chance, 180 the opposite.

    Returns
    -------
    array
        ``(...)``, in degrees; nan where either vector is zero.

    Raises
    ------
    ArgumentError
        Arrays that are no numbers, or whose shapes do not fit each other.

    Notes
    -----
    Twice the arctangent of ``|a - b| / |a + b|`` for unit vectors ``a`` and ``b``, which is exact near 0 and
    180 degrees where the arccosine is not: Kahan, How futile are mindless assessments of roundoff in
    floating-point computation?, 2006, section 12.
    """
    xp, delivered, true = pair(delivered, true)
    a, _ = unit_vectors(xp, delivered)
    b, _ = unit_vectors(xp, true)
    apart = xp.sqrt(xp.sum((a - b) ** 2, axis=-1))
    along = xp.sqrt(xp.sum((a + b) ** 2, axis=-1))
    return 2 * xp.arctan2(apart, along) * (180 / xp.pi)
