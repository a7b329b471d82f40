"""Length of the error in what is delivered, relative to the length of what is true."""

from __future__ import annotations

from typing import Any

from neurosim.metrics._arrays import namespace, unit_vectors

UNIT = "1"
BETTER = "lower"


def measure(delivered: Any, true: Any) -> Any:
    """Measure ``|delivered - true| / |true|`` along the last axis.

    Parameters
    ----------
    delivered, true
        ``(..., n)``.

    Returns
    -------
    array
        ``(...)``; 0 is perfect, 1 is no better than nothing; nan where ``true`` is zero.
    """
    xp, delivered, true = namespace(delivered, true)
    _, error = unit_vectors(xp, delivered - true)
    _, length = unit_vectors(xp, true)
    return error / xp.where(length > 0, length, xp.nan)
