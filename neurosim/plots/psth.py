"""Peristimulus time histogram: firing rate over trials, with its standard error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray
from matplotlib.axes import Axes

from neurosim.metrics import psth as over_trials
from neurosim.metrics._spike_arguments import check_window, seconds
from neurosim.metrics._spike_events import SpikeEvents
from neurosim.plots._spike_arguments import chosen_spikes, spike_drawing
from neurosim.plots._style import COLOURS, axes, readable_time, tidy


@spike_drawing(window=lambda name, value: None if value is None else check_window(name, value))
def psth(
    recording: xarray.Dataset | SpikeEvents,
    ax: Axes | None = None,
    *,
    population: str | None = None,
    neurons: Sequence[int] | None = None,
    bin: str | float = "5 ms",
    onset: str | float = 0.0,
    window: tuple[str | float, str | float] | None = None,
) -> Axes:
    """Draw the mean rate over neurons and trials around the onset of a stimulus.

    The shade is the standard error of the mean over trials, where there are several.

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
    bin, onset, window
        As for `neurosim.metrics.psth`.

    Raises
    ------
    ArgumentError, UnitError, DataError
        Arguments that do not fit, no spikes were recorded.
    """
    ax = axes(ax)
    spikes = chosen_spikes(recording, population, None if neurons is None else tuple(neurons))
    single = [
        over_trials.measure(spikes.of(trials=[trial]), bin=bin, onset=onset, window=window) for trial in spikes.trials
    ]
    rates, time = np.stack([each.values for each in single]), single[0].time.values
    edges = np.append(time, time[-1] + seconds(bin))
    scale, unit = readable_time(edges)
    mean = rates.mean(axis=0)
    if len(rates) > 1:
        error = rates.std(axis=0, ddof=1) / np.sqrt(len(rates))
        band = np.repeat(np.stack([mean - error, mean + error]), 2, axis=1)
        across = np.repeat(edges * scale, 2)[1:-1]
        ax.fill_between(across, *band, color=COLOURS[0], alpha=0.3, linewidth=0)
    ax.stairs(mean, edges * scale, baseline=None, color=COLOURS[0], linewidth=1.5)
    if edges[0] < 0 < edges[-1]:
        ax.axvline(0, color="0.4", linewidth=0.8, linestyle="--")
    ax.set_xlim(edges[0] * scale, edges[-1] * scale)
    ax.set_ylim(bottom=0)
    ax.set_xlabel(f"time after onset ({unit})" if seconds(onset) or edges[0] < 0 else f"time ({unit})")
    ax.set_ylabel("firing rate (Hz)")
    ax.set_title(f"{spikes.population}: {len(rates)} trial{'s' * (len(rates) != 1)}", fontsize="medium")
    return tidy(ax)
