"""Frequency at which the summed activity of a population oscillates most: the peak of its power spectrum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.border import TIME
from neurosim.errors import ArgumentError
from neurosim.metrics._spike_arguments import labelled, measuring, seconds
from neurosim.metrics._spike_events import SpikeEvents, bin_count, counts

if TYPE_CHECKING:
    import xarray

UNIT = "Hz"
BETTER = "none"
OF = "spikes"


@measuring(segment=TIME)
def measure(spikes: SpikeEvents, *, bin: str | float = "1 ms", segment: str | float = "250 ms") -> xarray.DataArray:
    """Average the spectra of segments that overlap by half (Welch), and take the frequency of the greatest power.

    Parameters
    ----------
    spikes
        Result of `neurosim.spike_events`.
    bin
        Width of the bins in which spikes are counted; frequencies reach half its inverse.
    segment
        Length of a segment, at most the recording: frequencies are told apart if they differ by its inverse.

    Returns
    -------
    xarray.DataArray
        ``(trial,)``, in hertz, the mean left out; nan of a silent trial.

    Raises
    ------
    ArgumentError, UnitError
        Arguments that do not fit; a segment of less than four bins, or longer than the recording.
    """
    from scipy.signal import welch

    width, length = seconds(bin), seconds(segment)
    count, points = bin_count(spikes, width), round(length / width)
    if not 4 <= points <= count:
        raise ArgumentError("segment", segment, f"4 bins to the length of the recording, {spikes.duration:g} s")
    spike_counts = counts(spikes, width, count, begin=spikes.begin, per="population")
    frequency, power = welch(spike_counts.T, fs=1 / width, nperseg=points, detrend="constant")
    peak = frequency[1:][np.argmax(power[:, 1:], axis=1)]
    peak = np.where(spike_counts.any(axis=0), peak, np.nan)
    coords = {"trial": spikes.trials}
    return labelled(peak, ("trial",), coords, name="frequency", unit=UNIT, long_name="frequency of the oscillation")
