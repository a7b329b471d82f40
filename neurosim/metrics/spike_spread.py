"""Spread of spikes in time: the standard deviation of all spike times, how sharp a volley is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.metrics._spike_arguments import labelled, measuring
from neurosim.metrics._spike_events import SpikeEvents

if TYPE_CHECKING:
    import xarray

UNIT = "s"
BETTER = "none"
OF = "spikes"


@measuring()
def measure(spikes: SpikeEvents) -> xarray.DataArray:
    """Take the standard deviation of the times of all spikes of a trial, whichever neuron they are of.

    Parameters
    ----------
    spikes
        Result of `neurosim.spike_events`, in a window that holds one volley.

    Returns
    -------
    xarray.DataArray
        ``(trial,)``, in seconds; nan of a trial with less than two spikes.

    Raises
    ------
    ArgumentError
        The argument is not spikes as events.
    """
    times = [spikes.time[spikes.trial == trial] for trial in spikes.trials]
    spread = np.array([np.std(each) if len(each) > 1 else np.nan for each in times])
    coords = {"trial": spikes.trials}
    return labelled(spread, ("trial",), coords, name="spread", unit=UNIT, long_name="spread of the spikes")
