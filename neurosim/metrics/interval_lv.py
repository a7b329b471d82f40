"""Local variation (LV) of the interspike intervals of each neuron: 0 if regular, 1 of a Poisson process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.metrics._intervals import average, by_neuron, relative_differences
from neurosim.metrics._spike_arguments import measuring
from neurosim.metrics._spike_events import SpikeEvents

if TYPE_CHECKING:
    import xarray

UNIT = "1"
BETTER = "none"
OF = "spikes"


@measuring()
def measure(spikes: SpikeEvents) -> xarray.DataArray:
    """Average ``3*(I1 - I2)**2/(I1 + I2)**2`` over successive intervals.

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
    Elephant's ``lv`` of the intervals, after Shinomoto, Shima and Tanji, Differences in spiking patterns among cortical
    neurons, 2003.
    """
    difference, train = relative_differences(spikes)
    return by_neuron(average(3 * difference**2, train, spikes), spikes, name="lv", long_name="LV of intervals")
