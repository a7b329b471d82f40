"""Cross-correlation histogram (CCH) of spike trains: pairs of spikes by the lag between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from neurosim.border import one_of
from neurosim.errors import ArgumentError
from neurosim.metrics._spike_arguments import labelled, measuring, seconds
from neurosim.metrics._spike_events import SpikeEvents, bin_count, bins_of, counts

if TYPE_CHECKING:
    import xarray

UNIT = "1"
BETTER = "none"


@measuring(normalise=one_of("counts", "coefficient"))
def measure(
    spikes: SpikeEvents,
    target: SpikeEvents | None = None,
    *,
    bin: str | float = "1 ms",
    max_lag: str | float = "50 ms",
    normalise: Literal["counts", "coefficient"] = "counts",
    border_correction: bool = False,
) -> xarray.DataArray:
    """Count pairs of spikes, a reference and a target of the same trial, by their lag.

    Parameters
    ----------
    spikes
        Result of `neurosim.spike_events`: the reference. ``events.of(neurons=[3])`` is one neuron.
    target
        Spikes of the same recording. Their trains are pooled, like those of the reference, so that all pairs of a
        neuron of one and a neuron of the other count. Without it: all pairs of different neurons of the reference.
    bin
        Length of a bin: a quantity, or seconds.
    max_lag
        The longest lag, both ways; rounded down to whole bins.
    normalise
        ``counts``, or ``coefficient``: the correlation of the (pooled) counts in bins, from -1 to 1.
    border_correction
        Whether to make up for the bins that have no partner at the ends of the recording.

    Returns
    -------
    xarray.DataArray
        ``(lag,)``, summed over trials; ``lag`` is the middle of each bin in seconds, positive where the target spikes
        after the reference.

    Raises
    ------
    ArgumentError, UnitError
        Arguments that do not fit; recordings that differ in time or trials, a lag beyond the recording, fewer than two
        neurons without `target`.

    Notes
    -----
    Elephant's ``cross_correlation_histogram`` with ``window=[-n, n]`` of the binned trains, after Eggermont, Pair-
    correlation in the time and frequency domain, 2010; the coefficient is equation 5.10 there, with covariances summed
    over trials. It is nan where one of the trains does not vary.
    """
    width = seconds(bin)
    count, most = _sizes(spikes, target, width, seconds(max_lag))
    own = counts(spikes, width, count, begin=spikes.begin, per="population").T.astype(float)
    other = (
        own if target is None else counts(target, width, count, begin=target.begin, per="population").T.astype(float)
    )
    pairs = _pairs(own, other, most)
    if target is None:
        pairs = pairs - _own_pairs(spikes, width, count, most)
    lags = np.arange(-most, most + 1)
    if border_correction:
        pairs = pairs * count / (count - np.abs(lags))
    if normalise == "coefficient":
        if target is None:
            raise ArgumentError("normalise", normalise, "'counts' without target: pairs within one group have no scale")
        pairs = _coefficient(pairs, own, other)
    return labelled(
        pairs,
        ("lag",),
        {"lag": width * lags},
        name="pairs",
        unit=UNIT,
        long_name="pairs of spikes" if normalise == "counts" else "correlation coefficient",
        bin=width,
    )


def _sizes(spikes: SpikeEvents, target: SpikeEvents | None, width: float, max_lag: float) -> tuple[int, int]:
    """The number of bins, and of bins of the longest lag."""
    count, most = bin_count(spikes, width), int(np.floor(max_lag / width + 1e-8))
    if not 1 <= most < count:
        expected = f"at least a bin ({width:g} s), and less than the recording ({count * width:g} s)"
        raise ArgumentError("max_lag", f"{max_lag:g} s", expected)
    if target is None:
        if len(spikes.neurons) < 2:
            expected = "spikes of several neurons; give target= the same spikes for an autocorrelation"
            raise ArgumentError("spikes", spikes, expected)
        return count, most
    same = np.isclose([target.begin, target.end], [spikes.begin, spikes.end], rtol=0, atol=1e-6 * width).all()
    if not (same and np.array_equal(target.trials, spikes.trials)):
        raise ArgumentError("target", target, f"spikes of the same times and trials as {spikes!r}")
    return count, most


def _pairs(own: np.ndarray, other: np.ndarray, most: int) -> np.ndarray:
    """Sums over bins of ``own[t]*other[t + lag]``, of counts ``(trial, bin)``, for lags from ``-most`` to ``most``."""
    from scipy.signal import fftconvolve

    # All trials one after the other, with silence between them that no lag bridges.
    rows = [np.pad(array, ((0, 0), (0, most))).ravel() for array in (own, other)]
    full = fftconvolve(rows[1], rows[0][::-1])
    middle = len(rows[0]) - 1
    # Products of whole numbers are whole.
    return np.round(full[middle - most : middle + most + 1])


def _own_pairs(spikes: SpikeEvents, width: float, count: int, most: int) -> np.ndarray:
    """Pairs of two spikes of one neuron, each spike with itself included."""
    place, train = bins_of(spikes, width), spikes.train
    inside = place < count
    place, train = place[inside], train[inside]
    pairs = np.zeros(2 * most + 1)
    pairs[most] = len(place)
    for apart in range(1, len(place)):
        lag = (place[apart:] - place[:-apart])[train[apart:] == train[:-apart]]
        lag = lag[lag <= most]
        if not lag.size:
            break
        ahead = np.bincount(lag, minlength=most + 1)
        pairs[most:] += ahead
        pairs[: most + 1] += ahead[::-1]
    return pairs


def _coefficient(pairs: np.ndarray, own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Covariances over trials, divided by both standard deviations."""
    count = own.shape[1]

    def products(a: np.ndarray, b: np.ndarray) -> float:
        return float((a.sum(axis=1) * b.sum(axis=1)).sum()) / count

    squares = [float((each**2).sum()) for each in (own, other)]
    variances = [square - products(each, each) for square, each in zip(squares, (own, other), strict=True)]
    if any(variance <= 1e-12 * square for variance, square in zip(variances, squares, strict=True)):
        return np.full(pairs.shape, np.nan)
    return (pairs - products(own, other)) / np.sqrt(variances[0] * variances[1])
