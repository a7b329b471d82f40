"""Local coefficient of variation (CV2) of each neuron's interspike intervals; slow changes of rate do not raise it."""

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
    """Average ``2*|I2 - I1|/(I1 + I2)`` over successive intervals.

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
    Elephant's ``cv2`` of the intervals, after Holt, Softky, Koch and Douglas, Comparison of discharge variability in
    vitro and in vivo in cat visual cortex neurons, 1996.
    """
    difference, train = relative_differences(spikes)
    return by_neuron(average(2 * difference, train, spikes), spikes, name="cv2", long_name="CV2 of intervals")
