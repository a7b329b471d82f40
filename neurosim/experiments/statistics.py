"""Means of a few seeds, and how sure they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurosim.experiments.tables import number_text


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % confidence interval.

    Attributes
    ----------
    mean
        Not a number if there is nothing to average.
    half_width
        Of the interval; not a number for less than two values.
    count
        Of the values.
    """

    mean: float
    half_width: float
    count: int

    def __str__(self) -> str:
        return self.text()

    def text(self, decimals: int | None = None) -> str:
        """``96.9 ± 0.4``, both with so many decimals; by default with four and two digits."""
        shown = (number_text(self.mean), number_text(self.half_width, 2))
        if decimals is not None and not math.isnan(self.mean):
            shown = (f"{self.mean:.{decimals}f}", f"{self.half_width:.{decimals}f}")
        return shown[0] if math.isnan(self.half_width) else " ± ".join(shown)


def interval(values: Sequence[float]) -> Interval:
    """Mean and 95 % confidence interval (Student's t) of independent values; what is not a number is left out."""
    known = np.array([value for value in values if not math.isnan(value)], dtype=float)
    if not known.size:
        return Interval(math.nan, math.nan, 0)
    mean, half = band(known[:, None])
    return Interval(float(mean[0]), float(half[0]), known.size)


def band(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and half width of the 95 % confidence interval over the first axis, e.g. of curves ``(seed, epoch)``."""
    # Late, because most commands never need it.
    from scipy.stats import t

    count = len(values)
    mean = values.mean(axis=0)
    if count < 2:
        return mean, np.full_like(mean, math.nan)
    return mean, t.ppf(0.975, count - 1) * values.std(axis=0, ddof=1) / math.sqrt(count)
