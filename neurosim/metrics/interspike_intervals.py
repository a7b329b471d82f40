"""Intervals between successive spikes of each neuron, within trials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.metrics._intervals import intervals
from neurosim.metrics._spike_arguments import labelled, measuring
from neurosim.metrics._spike_events import SpikeEvents

if TYPE_CHECKING:
    import xarray

UNIT = "s"
BETTER = "none"


@measuring()
def measure(spikes: SpikeEvents) -> xarray.DataArray:
    """Give all intervals, with the trial and the neuron of each.

    Parameters
    ----------
    spikes
        Result of `neurosim.spike_events`.

    Returns
    -------
    xarray.DataArray
        ``(interval,)``, in seconds, sorted by trial, neuron and time; coordinates ``trial`` and ``neuron``. None
        crosses from one neuron or trial to the next; a neuron with less than two spikes has none.

    Raises
    ------
    ArgumentError
        The argument is not spikes as events.

    Notes
    -----
    Elephant's ``isi`` of every spike train, one after the other.
    """
    lengths, train = intervals(spikes)
    trial, neuron = np.divmod(train, max(1, len(spikes.neurons)))
    coords = {"trial": ("interval", spikes.trials[trial]), "neuron": ("interval", spikes.neurons[neuron])}
    return labelled(lengths, ("interval",), coords, name="interval", unit="second", long_name="interspike interval")
