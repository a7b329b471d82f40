"""Peristimulus time histogram (PSTH): firing rate over trials around the onset of a stimulus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from neurosim.errors import ArgumentError
from neurosim.metrics._spike_arguments import check_window, labelled, measuring, seconds
from neurosim.metrics._spike_events import SpikeEvents, counts, whole_bins

if TYPE_CHECKING:
    import xarray

UNIT = "Hz"
BETTER = "none"


@measuring(window=lambda name, value: None if value is None else check_window(name, value))
def measure(
    spikes: SpikeEvents,
    *,
    bin: str | float = "5 ms",
    onset: str | float = 0.0,
    window: tuple[str | float, str | float] | None = None,
    per: Literal["population", "neuron"] = "population",
) -> xarray.DataArray:
    """Average the spikes in bins over trials.

    Parameters
    ----------
    spikes
        Result of `neurosim.spike_events`.
    bin
        Length of a bin: a quantity, or seconds. A bin holds its left edge and not its right one.
    onset
        When the stimulus begins, in all trials.
    window
        Begin and end around the onset, such as ``("-50 ms", "200 ms")``; by default the whole recording. What is left
        at its end is no bin.
    per
        ``population`` averages over neurons, too; ``neuron`` gives the rate of each.

    Returns
    -------
    xarray.DataArray
        ``(time,)`` or ``(time, neuron)``, in hertz; ``time`` is the left edge of each bin after the onset, in seconds.

    Raises
    ------
    ArgumentError, UnitError
        Arguments that do not fit; a bin longer than the window, a window beyond the recording.

    Notes
    -----
    Elephant's ``time_histogram`` with ``output="rate"``, of the spike trains of all trials.
    """
    width, start = seconds(bin), seconds(onset)
    begin, end = spikes.begin - start, spikes.end - start
    if window is not None:
        begin, end = seconds(window[0]), seconds(window[1])
    rounding = 1e-9 * spikes.duration
    if start + begin < spikes.begin - rounding or start + end > spikes.end + rounding:
        raise ArgumentError(
            "window" if window is not None else "onset",
            f"{start + begin:g} s to {start + end:g} s",
            f"times within the recording, which is from {spikes.begin:g} s to {spikes.end:g} s",
        )
    count = whole_bins(end - begin, width)
    if count < 1:
        raise ArgumentError("bin", f"{width:g} s", f"at most the length of the window, {end - begin:g} s")
    spike_counts = counts(spikes, width, count, begin=start + begin, per=per)
    neurons = len(spikes.neurons) if per == "population" else 1
    coords = {"time": begin + width * np.arange(count)} | ({"neuron": spikes.neurons} if per == "neuron" else {})
    return labelled(
        spike_counts.mean(axis=1) / (neurons * width),
        tuple(coords),
        coords,
        name="rate",
        unit=UNIT,
        long_name="firing rate",
        bin=width,
        trials=len(spikes.trials),
    )
