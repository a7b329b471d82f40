"""Means over a few seeds with confidence intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurosim.studies.tables import number_text

#: Fewest values for which a confidence interval is informative.
ENOUGH = 5


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % confidence interval.

    Attributes
    ----------
    mean
        NaN without values.
    half_width
        Half the width of the interval; NaN for fewer than two values.
    count
        Number of values.
    least, greatest
        Smallest and largest value.
    """

    mean: float
    half_width: float
    count: int
    least: float = math.nan
    greatest: float = math.nan

    def __str__(self) -> str:
        return self.text()

    def text(self, decimals: int | None = None) -> str:
        """``96.9 ± 0.4``, both with that many decimals; by default with four and two significant digits."""
        shown = (number_text(self.mean), number_text(self.half_width, 2))
        if decimals is not None and not math.isnan(self.mean):
            shown = (f"{self.mean:.{decimals}f}", f"{self.half_width:.{decimals}f}")
        return shown[0] if math.isnan(self.half_width) else " ± ".join(shown)

    def text_of_few(self, decimals: int | None = None, *, enough: int = ENOUGH) -> str:
        """As `text`, but for fewer than `enough` values with their range, ``96.9 (96.5 to 97.3)``.

        Few values hardly determine the width of an interval: for two it can be a hundred times their distance.
        """
        if self.count >= enough or self.count < 2:
            return self.text(decimals)
        numbers = (self.mean, self.least, self.greatest)
        mean, least, most = (number_text(n) if decimals is None else f"{n:.{decimals}f}" for n in numbers)
        return f"{mean} ({least} to {most})"


def interval(values: Sequence[float]) -> Interval:
    """Mean and 95 % confidence interval (Student's t) of independent values; NaN is ignored."""
    known = np.array([value for value in values if not math.isnan(value)], dtype=float)
    if not known.size:
        return Interval(math.nan, math.nan, 0)
    mean, half = band(known[:, None])
    return Interval(float(mean[0]), float(half[0]), known.size, float(known.min()), float(known.max()))


def band(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and half width of the 95 % confidence interval over the first axis, e.g. of curves ``(seed, epoch)``."""
    # Late: most commands do not need it.
    from scipy.stats import t

    count = len(values)
    mean = values.mean(axis=0)
    if count < 2:
        return mean, np.full_like(mean, math.nan)
    return mean, t.ppf(0.975, count - 1) * values.std(axis=0, ddof=1) / math.sqrt(count)
