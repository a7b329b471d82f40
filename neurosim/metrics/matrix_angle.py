"""Angle between two weight matrices, or two weight updates, each taken as one long vector."""

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
    """Measure the angle between two arrays of one shape.

    Parameters
    ----------
    delivered, true
        Arrays of one shape, such as the feedback matrix and the transposed forward matrix.

    Returns
    -------
    array
        Scalar, in degrees from 0 to 180; nan if either array is zero.

    Raises
    ------
    ArgumentError
        Arrays that are no numbers, or whose shapes do not fit each other.
    """
    _, delivered, true = pair(delivered, true, same=True)
    return angle.measure(delivered.reshape(-1), true.reshape(-1))
