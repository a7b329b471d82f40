"""Firing rate over time in bins: spikes per second and neuron."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from neurosim.metrics._spike_arguments import labelled, measuring, seconds, trains
from neurosim.metrics._spike_events import SpikeEvents, bin_count, counts

if TYPE_CHECKING:
    import xarray

UNIT = "Hz"
BETTER = "none"


@measuring()
def measure(
    spikes: SpikeEvents, *, bin: str | float = "10 ms", per: Literal["population", "neuron"] = "population"
) -> xarray.DataArray:
    """Count the spikes in bins.

    Parameters
    ----------
    spikes
        Result of `neurosim.spike_events`.
    bin
        Length of a bin: a quantity, or seconds. A bin holds its left edge and not its right one; what is left at the
        end of the recording is no bin.
    per
        ``population`` averages over neurons, those without a spike included; ``neuron`` gives the rate of each.

    Returns
    -------
    xarray.DataArray
        ``(time, trial)`` or ``(time, trial, neuron)``, in hertz; ``time`` is the left edge of each bin, in seconds.

    Raises
    ------
    ArgumentError, UnitError
        Arguments that do not fit; a bin longer than the recording.

    Notes
    -----
    Elephant's ``time_histogram`` with ``output="rate"``, of the neurons of each trial.
    """
    width = seconds(bin)
    count = bin_count(spikes, width)
    spike_counts = counts(spikes, width, count, begin=spikes.begin, per=per)
    neurons = len(spikes.neurons) if per == "population" else 1
    dims, coords = trains(spikes, per)
    return labelled(
        spike_counts / (neurons * width),
        ("time", *dims),
        {"time": spikes.begin + width * np.arange(count), **coords},
        name="rate",
        unit=UNIT,
        long_name="firing rate",
        bin=width,
    )
