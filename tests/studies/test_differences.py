"""Paired differences: intervals that cover, verdicts in words, few seeds, and seeds that are missing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from neurosim.studies.differences import ENOUGH_PAIRS, difference, paired_interval


def _pairs(count: int, shift: float = 0.0) -> list[tuple[float, float]]:
    """Pairs whose differences are symmetric about `shift`; what both share, such as an easy split, differs far more."""
    common = np.random.default_rng(0).normal(90, 5, count)
    return list(zip(common + shift + np.linspace(-0.5, 0.5, count), common, strict=True))


def test_what_both_share_does_not_widen_the_interval():
    low, high = paired_interval(_pairs(10))
    assert high - low < 2 and low < 0 < high


def test_the_interval_is_nearly_students_and_moves_with_the_differences():
    pairs = _pairs(12, 1.0)
    differences = [own - other for own, other in pairs]
    low, high = paired_interval(pairs)
    t_low, t_high = stats.ttest_1samp(differences, 0).confidence_interval()
    assert (low, high) == pytest.approx((t_low, t_high), abs=0.15 * (t_high - t_low))
    moved = paired_interval([(own + 7, other) for own, other in pairs])
    assert moved == pytest.approx((low + 7, high + 7))
    swapped = paired_interval([(other, own) for own, other in pairs])
    assert swapped == pytest.approx((-high, -low), abs=0.05 * (high - low))
    assert paired_interval(pairs) == (low, high)


@pytest.mark.parametrize(
    ("shift", "higher", "verdict"),
    [(2.0, True, "better"), (-2.0, True, "worse"), (2.0, False, "worse"), (-2.0, False, "better")],
)
def test_a_verdict_follows_from_the_sign_and_from_what_is_better(shift, higher, verdict):
    found = difference("a", "b", "n", _pairs(8, shift), higher_is_better=higher)
    assert found.verdict == verdict and found.low <= found.mean <= found.high


def test_an_interval_that_holds_zero_is_no_difference():
    assert difference("a", "b", "n", _pairs(8), higher_is_better=True).verdict == "no difference"
    same = difference("a", "b", "n", [(3.0, 3.0)] * 6, higher_is_better=True)
    assert (same.verdict, same.low, same.high) == ("no difference", 0, 0)


def test_too_few_seeds_have_a_range_and_no_verdict():
    few = difference("a", "b", "n", _pairs(ENOUGH_PAIRS - 1, 5.0), higher_is_better=True)
    assert few.verdict == "too few seeds" and math.isnan(few.low) and few.interval_text.endswith("(range)")
    none = difference("a", "b", "n", [(math.nan, 1.0)], higher_is_better=True)
    assert (none.verdict, none.interval_text, none.mean_text) == ("no pairs", "-", "-")


def test_only_seeds_that_both_have_are_paired():
    pairs = [*_pairs(6, 1.0), (math.nan, 50.0), (99.0, math.nan)]
    found = difference("a", "b", "n", pairs, higher_is_better=True)
    assert len(found.values) == 6 and found.verdict == "better"


@pytest.mark.slow
@pytest.mark.parametrize(("count", "least"), [(5, 0.88), (10, 0.92), (20, 0.92)])
def test_intervals_cover_the_truth_about_as_often_as_they_say(count, least):
    generator = np.random.default_rng(count)
    inside = 0
    for _ in range(400):
        low, high = paired_interval([(value, 0.0) for value in generator.normal(size=count)])
        inside += low <= 0 <= high
    # Three standard errors of 400 draws are 0.035.
    assert least <= inside / 400 <= 0.985
