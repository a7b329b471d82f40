"""Spikes, rates and intervals of a simulation's populations, as rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.metrics import interval_cv
from neurosim.recording.events import spike_events, spiking_populations

if TYPE_CHECKING:
    import xarray

COLUMNS = ("population", "neurons", "spikes", "rate (Hz)", "CV of intervals")


def rows_of(recording: xarray.Dataset) -> list[tuple[str, int, int, float, float]]:
    """For each population whose spikes were recorded: neurons, spikes, mean rate, and mean CV of its intervals.

    Parameters
    ----------
    recording
        Of `neurosim.simulate`.

    Returns
    -------
    list of tuple
        As `COLUMNS` says. The CV is the mean over trials and neurons with at least three spikes, NaN without any.
    """
    rows = []
    for population in spiking_populations(recording):
        spikes = spike_events(recording, population)
        count, neurons = len(spikes.time), len(spikes.neurons)
        rate = count / ((spikes.end - spikes.begin) * len(spikes.trials) * neurons)
        cv = interval_cv.measure(spikes).values
        told = cv[np.isfinite(cv)]
        rows.append((population, neurons, count, rate, float(told.mean()) if told.size else float("nan")))
    return rows
