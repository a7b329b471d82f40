"""Angle between the batch means of the delivered and the true; noise of single trials averages out."""

from __future__ import annotations

from typing import Any

from neurosim.metrics import angle
from neurosim.metrics._arrays import namespace

UNIT = "deg"
BETTER = "lower"


def measure(delivered: Any, true: Any) -> Any:
    """Average over the first axis, then measure the angle along the last.

    Parameters
    ----------
    delivered, true
        ``(trial, ..., n)``.

    Returns
    -------
    array
        ``(...)``, in degrees from 0 to 180; nan where either mean is zero.
    """
    xp, delivered, true = namespace(delivered, true)
    return angle.measure(xp.mean(delivered, axis=0), xp.mean(true, axis=0))
