"""Share of examples whose highest score is at the right class."""

from __future__ import annotations

from neurosim.border import public
from neurosim.border.arguments import ARRAY
from neurosim.metrics._arrays import pair
from neurosim.untyped import Array

UNIT = "%"
BETTER = "higher"


@public(delivered=ARRAY, true=ARRAY)
def measure(delivered: Array, true: Array) -> Array:
    """Compare the class of the highest score with that of the one-hot target.

    Parameters
    ----------
    delivered
        Scores ``(n, k)``; among equal scores the first class counts. A row with a nan counts as wrong.
    true
        One-hot targets ``(n, k)``.

    Returns
    -------
    array
        Scalar, in percent; nan without examples.

    Raises
    ------
    ArgumentError
        Arrays that are no numbers, or whose shapes do not fit each other.
    """
    xp, scores, targets = pair(delivered, true, same=True)
    if scores.shape[0] == 0:
        return xp.asarray(xp.nan)
    right = xp.argmax(scores, axis=-1) == xp.argmax(targets, axis=-1)
    broken = xp.any(xp.isnan(scores), axis=-1)
    return 100 * xp.mean(right & ~broken)
