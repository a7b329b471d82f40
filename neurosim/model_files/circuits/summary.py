"""What the neurons of a simulation did, as rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
    seconds = recording.attrs["dt"] * recording.sizes.get("time", 0)
    found = []
    for name, values in recording.data_vars.items():
        part = "[" in str(name) and str(name).partition("[")[0] in recording
        if values.dtype != bool or values.ndim != 3 or part:
            continue
        spikes = values.values
        neurons, count = spikes.shape[2], int(spikes.sum())
        rate = count / (seconds * spikes.shape[1] * neurons)
        population = str(name).rpartition(".")[0] or str(recording.attrs["model"])
        found.append((population, neurons, count, rate, _mean_cv(spikes)))
    return found


def _mean_cv(spikes: np.ndarray) -> float:
    trains = spikes.reshape(len(spikes), -1)
    intervals = [np.diff(np.flatnonzero(train)) for train in trains.T[trains.sum(axis=0) > 2]]
    return float(np.mean([np.std(each) / np.mean(each) for each in intervals])) if intervals else float("nan")
