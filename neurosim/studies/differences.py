"""Paired differences between models over the same seeds, with bootstrap intervals and a verdict in words.

The interval is the expanded percentile interval of the mean difference: the percentile bootstrap, which for few values
is too narrow, taken at the level at which for normal values it is as wide as Student's. Source: Hesterberg (2015),
What teachers should know about the bootstrap, The American Statistician 69(4):371-386, section 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from neurosim.random import stream
from neurosim.studies.tables import number_text

#: Fewest pairs for an interval: four differences of one sign are chance in one of eight comparisons.
ENOUGH_PAIRS = 5
_RESAMPLES = 10_000
_LEVEL = 0.95

Verdict = Literal["better", "worse", "no difference", "too few seeds", "no pairs"]


@dataclass(frozen=True)
class Difference:
    """How a model differs from the reference in one number, seed by seed.

    Attributes
    ----------
    model, reference
        Their names.
    quantity
        The number, such as ``test_accuracy_percent``.
    higher_is_better
        Whether a larger number is the better one.
    mean
        Mean of model minus reference over the pairs, in the unit of the quantity; NaN without pairs.
    low, high
        Ends of the 95 % bootstrap interval of the mean; NaN with fewer than `ENOUGH_PAIRS` pairs.
    values
        The difference for each seed that both have.
    """

    model: str
    reference: str
    quantity: str
    higher_is_better: bool
    mean: float
    low: float
    high: float
    values: tuple[float, ...]

    @property
    def verdict(self) -> Verdict:
        """``no difference`` where the interval holds 0: what differs by less has not been shown to differ."""
        if not self.values:
            return "no pairs"
        if math.isnan(self.low):
            return "too few seeds"
        if self.low <= 0 <= self.high:
            return "no difference"
        return "better" if (self.mean > 0) == self.higher_is_better else "worse"

    @property
    def interval_text(self) -> str:
        """The interval, or for too few pairs the least and the greatest difference."""
        if not self.values:
            return "-"
        ends = (self.low, self.high) if not math.isnan(self.low) else (min(self.values), max(self.values))
        return f"{_signed(ends[0])} to {_signed(ends[1])}" + ("" if not math.isnan(self.low) else " (range)")

    @property
    def mean_text(self) -> str:
        """The mean, with its sign."""
        return _signed(self.mean)


def difference(
    model: str, reference: str, quantity: str, pairs: Sequence[tuple[float, float]], *, higher_is_better: bool
) -> Difference:
    """Compare a model with the reference.

    Parameters
    ----------
    model, reference, quantity, higher_is_better
        See `Difference`.
    pairs
        Number of the model and of the reference for each seed; pairs with NaN are left out.
    """
    known = [(own, other) for own, other in pairs if math.isfinite(own) and math.isfinite(other)]
    values = tuple(own - other for own, other in known)
    mean = float(np.mean(values)) if values else math.nan
    low, high = paired_interval(known)
    return Difference(model, reference, quantity, higher_is_better, mean, low, high, values)


def paired_interval(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The 95 % interval of the mean of the first minus the second; NaN for fewer than `ENOUGH_PAIRS` pairs.

    The same pairs give the same interval: its random numbers have a seed of their own.
    """
    if len(pairs) < ENOUGH_PAIRS:
        return math.nan, math.nan
    own, other = np.array(pairs, dtype=float).T
    differences = own - other
    if np.ptp(differences) == 0:
        # Nothing to resample.
        return float(differences[0]), float(differences[0])
    # Late: most commands do not need it.
    from scipy.stats import bootstrap, norm, t

    count = len(pairs)
    tail = float(norm.cdf(math.sqrt(count / (count - 1)) * t.ppf((1 - _LEVEL) / 2, count - 1)))
    ends = bootstrap(
        (own, other),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=_RESAMPLES,
        confidence_level=1 - 2 * tail,
        method="percentile",
        rng=stream(0, "bootstrap"),
    ).confidence_interval
    return float(ends.low), float(ends.high)


def _signed(value: float) -> str:
    text = number_text(value, 3)
    return f"+{text}" if value > 0 else text
