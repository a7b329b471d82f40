"""Coefficient of variation (CV) of the interspike intervals of each neuron: 0 if regular, 1 of a Poisson process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.metrics._intervals import average, by_neuron, intervals
from neurosim.metrics._spike_arguments import measuring
from neurosim.metrics._spike_events import SpikeEvents

if TYPE_CHECKING:
    import xarray

UNIT = "1"
BETTER = "none"
OF = "spikes"


@measuring()
def measure(spikes: SpikeEvents) -> xarray.DataArray:
    """Divide the standard deviation of the intervals by their mean.

    Parameters
    ----------
    spikes
        Result of `neurosim.spike_events`.

    Returns
    -------
    xarray.DataArray
        ``(trial, neuron)``; nan where a neuron has less than two intervals, that is three spikes: then nothing varies.
        The mean over neurons is ``.mean()``, which leaves these out.

    Raises
    ------
    ArgumentError
        The argument is not spikes as events.

    Notes
    -----
    Elephant's ``cv`` of the intervals (the standard deviation of all, divided by their number). Of a single interval
    Elephant gives 0, as if the neuron were regular; here it is nan.
    """
    lengths, train = intervals(spikes)
    mean = average(lengths, train, spikes)
    deviation = np.sqrt(average((lengths - mean[train]) ** 2, train, spikes))
    return by_neuron(deviation / mean, spikes, name="cv", long_name="CV of intervals")
