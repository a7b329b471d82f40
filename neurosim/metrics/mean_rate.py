"""Mean firing rate of a population: spikes per second and neuron, silent neurons included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.metrics._spike_arguments import labelled, measuring
from neurosim.metrics._spike_events import SpikeEvents

if TYPE_CHECKING:
    import xarray

UNIT = "Hz"
BETTER = "none"
OF = "spikes"


@measuring()
def measure(spikes: SpikeEvents) -> xarray.DataArray:
    """Count the spikes of each trial, divided by the number of neurons and the length of the recording.

    Parameters
    ----------
    spikes
        Result of `neurosim.spike_events`.

    Returns
    -------
    xarray.DataArray
        ``(trial,)``, in hertz.

    Raises
    ------
    ArgumentError
        The argument is not spikes as events.
    """
    count = np.bincount(spikes.trial_place, minlength=len(spikes.trials))
    rate = count / (len(spikes.neurons) * spikes.duration)
    coords = {"trial": spikes.trials}
    return labelled(rate, ("trial",), coords, name="rate", unit=UNIT, long_name="mean firing rate")
