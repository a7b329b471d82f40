"""Histogram of the intervals between spikes, with their coefficient of variation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray
from matplotlib.axes import Axes

from neurosim.metrics import interspike_intervals, interval_cv
from neurosim.metrics._spike_events import SpikeEvents
from neurosim.plots._spike_arguments import chosen_spikes, spike_drawing
from neurosim.plots._style import COLOURS, axes, readable_time, tidy


@spike_drawing()
def interval_histogram(
    recording: xarray.Dataset | SpikeEvents,
    ax: Axes | None = None,
    *,
    population: str | None = None,
    neurons: Sequence[int] | None = None,
    bins: int = 50,
) -> Axes:
    """Draw how often which interval occurs; the title says the mean CV of the neurons that have one.

    Parameters
    ----------
    recording
        Result of `neurosim.simulate`, with spikes; or spikes of `neurosim.spike_events`.
    ax
        Where to draw; a new figure by default, which is ``ax.figure``.
    population
        Which population; not needed where only one was recorded.
    neurons
        Numbers of neurons; all by default.
    bins
        Number of bins, from zero to the longest interval.

    Raises
    ------
    ArgumentError, DataError
        Arguments that do not fit, no spikes were recorded.
    """
    ax = axes(ax)
    spikes = chosen_spikes(recording, population, None if neurons is None else tuple(neurons))
    lengths = interspike_intervals.measure(spikes).values
    longest = float(lengths.max()) if lengths.size else spikes.duration
    scale, unit = readable_time(np.array([0.0, longest]))
    heights, edges = np.histogram(lengths, bins, (0.0, longest * (1 + 1e-9)))
    ax.stairs(heights, edges * scale, fill=True, color=COLOURS[0])
    variation = interval_cv.measure(spikes).values
    known = variation[np.isfinite(variation)]
    trains = f"{known.size} spike train{'s' * (known.size != 1)}"
    shown = f"mean CV {known.mean():.2f} of {trains}" if known.size else "no spike train with two intervals"
    ax.set_title(f"{spikes.population}: {shown}", fontsize="medium")
    ax.set_xlim(0, longest * scale)
    ax.set_xlabel(f"interspike interval ({unit})")
    ax.set_ylabel("number of intervals")
    return tidy(ax)
