"""Angle between two weight matrices, or two weight updates, each taken as one long vector."""

from __future__ import annotations

from typing import Any

from neurosim.metrics import angle
from neurosim.metrics._arrays import namespace

UNIT = "deg"
BETTER = "lower"


def measure(delivered: Any, true: Any) -> Any:
    """Measure the angle between two arrays of one shape.

    Parameters
    ----------
    delivered, true
        Of any shape, both the same: the feedback matrix and the transposed forward matrix, say.

    Returns
    -------
    array
        Scalar, in degrees from 0 to 180; nan if either array is zero.
    """
    _, delivered, true = namespace(delivered, true)
    return angle.measure(delivered.reshape(-1), true.reshape(-1))
