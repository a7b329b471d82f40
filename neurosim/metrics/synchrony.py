"""Synchrony of a population: how much more its summed activity varies than that of independent Poisson neurons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.metrics._spike_arguments import labelled, measuring, seconds
from neurosim.metrics._spike_events import SpikeEvents, bin_count, counts

if TYPE_CHECKING:
    import xarray

UNIT = "1"
BETTER = "none"
OF = "spikes"


@measuring()
def measure(spikes: SpikeEvents, *, bin: str | float = "1 ms") -> xarray.DataArray:
    """Divide the variance over time of the number of spikes in a bin by its mean (the Fano factor of the population).

    Parameters
    ----------
    spikes
        Result of `neurosim.spike_events`.
    bin
        Width of a bin.

    Returns
    -------
    xarray.DataArray
        ``(trial,)``; about 1 if neurons fire independently and irregularly, up to the number of neurons if all fire in
        the same bins; nan of a silent trial.

    Raises
    ------
    ArgumentError, UnitError
        Arguments that do not fit; a bin longer than the recording.
    """
    width = seconds(bin)
    spike_counts = counts(spikes, width, bin_count(spikes, width), begin=spikes.begin, per="population")
    mean = spike_counts.mean(axis=0)
    factor = np.divide(spike_counts.var(axis=0), mean, out=np.full(mean.shape, np.nan), where=mean > 0)
    coords = {"trial": spikes.trials}
    return labelled(factor, ("trial",), coords, name="synchrony", unit=UNIT, long_name="Fano factor of the population")
