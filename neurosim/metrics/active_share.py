"""Share of neurons that spike at least once, from 0 to 1: how much of a group a volley reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.metrics._spike_arguments import labelled, measuring
from neurosim.metrics._spike_events import SpikeEvents

if TYPE_CHECKING:
    import xarray

UNIT = "1"
BETTER = "none"
OF = "spikes"


@measuring()
def measure(spikes: SpikeEvents) -> xarray.DataArray:
    """Count the neurons of each trial that spike, divided by the number of neurons.

    Parameters
    ----------
    spikes
        Result of `neurosim.spike_events`.

    Returns
    -------
    xarray.DataArray
        ``(trial,)``, from 0 to 1.

    Raises
    ------
    ArgumentError
        The argument is not spikes as events.
    """
    number = len(spikes.trials) * len(spikes.neurons)
    active = np.bincount(spikes.train, minlength=number).reshape(len(spikes.trials), -1) > 0
    coords = {"trial": spikes.trials}
    return labelled(active.mean(axis=1), ("trial",), coords, name="share", unit=UNIT, long_name="active neurons")
