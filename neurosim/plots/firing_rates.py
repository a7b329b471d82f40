"""Firing rates of populations over time, in bins or smoothed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import xarray
from matplotlib.axes import Axes

from neurosim.metrics import instantaneous_rate, rate_histogram
from neurosim.metrics._spike_arguments import seconds
from neurosim.metrics._spike_events import SpikeEvents
from neurosim.plots._spike_arguments import chosen_spikes, spike_drawing
from neurosim.plots._style import COLOURS, axes, readable_time, tidy
from neurosim.recording.events import spiking_populations

# Values of a smoothed rate per standard deviation of its kernel.
_FINE = 10


@spike_drawing()
def firing_rates(
    recording: xarray.Dataset | SpikeEvents,
    ax: Axes | None = None,
    *,
    populations: Sequence[str] | None = None,
    bin: str | float = "10 ms",
    sigma: str | float | None = None,
    kernel: Literal["gaussian", "rectangular", "exponential"] = "gaussian",
) -> Axes:
    """Draw the rate of each population, its mean over neurons and trials.

    Parameters
    ----------
    recording
        Result of `neurosim.simulate`, with spikes; or spikes of `neurosim.spike_events`.
    ax
        Where to draw; a new figure by default, which is ``ax.figure``.
    populations
        Which of them; all with spikes by default.
    bin
        Length of the bins.
    sigma, kernel
        Width and form of the kernel that smooths the rate, in place of bins; see
        `neurosim.metrics.instantaneous_rate`.

    Raises
    ------
    ArgumentError, UnitError, DataError
        Arguments that do not fit, no spikes.
    """
    ax = axes(ax)
    names: Sequence[str | None] = [None]
    if not isinstance(recording, SpikeEvents):
        names = populations if populations is not None else list(spiking_populations(recording)) or [None]
    for number, name in enumerate(names):
        spikes = chosen_spikes(recording, name)
        scale, unit = readable_time(np.array([spikes.begin, spikes.end]))
        looks: dict[str, Any] = {"color": COLOURS[number % len(COLOURS)], "label": spikes.population}
        if sigma is None:
            rate = rate_histogram.measure(spikes, bin=bin).mean("trial")
            edges = np.append(rate.time.values, rate.time.values[-1] + seconds(bin))
            ax.stairs(rate.values, edges * scale, baseline=None, linewidth=1.5, **looks)
        else:
            fine = min(seconds(sigma) / _FINE, spikes.duration)
            rate = instantaneous_rate.measure(spikes, sigma=sigma, kernel=kernel, sampling=fine).mean("trial")
            ax.plot(rate.time.values * scale, rate.values, linewidth=1.5, **looks)
        ax.set_xlim(spikes.begin * scale, spikes.end * scale)
        ax.set_xlabel(f"time ({unit})")
    ax.set_ylim(bottom=0)
    ax.set_ylabel("firing rate (Hz)")
    if len(names) > 1:
        ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize="small")
    return tidy(ax)
