"""The best feedback weights there are: how much of the credit a fixed linear map of the error can deliver.

Credit through time depends on later errors, which the present error predicts as far as errors are correlated in time.
What it cannot predict, no feedback weights deliver.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.border import public
from neurosim.border.arguments import ARRAY
from neurosim.errors import ArgumentError


@dataclass(frozen=True)
class LinearFeedback:
    """Weights by which errors predict credit best.

    Attributes
    ----------
    weights
        Shape (n, n_error). Of errors that depend on each other linearly, such as those of a softmax, the smallest.
    r2
        The share of the credit's squares that they deliver; not a number where there is no credit.
    """

    weights: np.ndarray
    r2: float


@public(errors=ARRAY, credit=ARRAY)
def best_feedback(errors: Any, credit: Any) -> LinearFeedback:
    """Fit weights that do not change in time, by least squares over all trials and steps.

    Parameters
    ----------
    errors
        What feedback reads, shape (..., n_error).
    credit
        What it should deliver, shape (..., n), with the same axes in front: credit of a step divided by the time step,
        where errors are densities.

    Returns
    -------
    LinearFeedback
        The weights, and how much they explain. There is no offset: ``1 - sum((credit - errors w)**2)/sum(credit**2)``.

    Raises
    ------
    ArgumentError
        If the axes in front differ.

    Examples
    --------
    >>> import numpy as np
    >>> errors = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> best = best_feedback(errors, errors @ np.array([[2.0], [3.0]]))
    >>> best.weights.round(6).tolist(), round(best.r2, 6)
    ([[2.0, 3.0]], 1.0)
    """
    errors, credit = np.asarray(errors, dtype=float), np.asarray(credit, dtype=float)
    if not errors.ndim or errors.shape[:-1] != credit.shape[:-1]:
        raise ArgumentError("credit", credit.shape, f"{errors.shape[:-1]} in front of the last axis, as errors have")
    rows, wanted = errors.reshape(-1, errors.shape[-1]), credit.reshape(-1, credit.shape[-1])
    weights = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    power = float(np.sum(wanted**2))
    left = float(np.sum((wanted - rows @ weights) ** 2))
    return LinearFeedback(weights.T, 1 - left / power if power else float("nan"))
