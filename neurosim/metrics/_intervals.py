"""Intervals between spikes, and averages over them for each spike train."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.metrics._spike_arguments import labelled
from neurosim.metrics._spike_events import SpikeEvents

if TYPE_CHECKING:
    import xarray

# Intervals that a coefficient of variation needs.
_LEAST = 2
_MISSING = "nan: less than two intervals (three spikes) of this neuron in this trial"


def intervals(spikes: SpikeEvents) -> tuple[np.ndarray, np.ndarray]:
    """All intervals in seconds, and the number of the spike train that each is of."""
    train = spikes.train
    within = np.diff(train) == 0
    return np.diff(spikes.time)[within], train[1:][within]


def relative_differences(spikes: SpikeEvents) -> tuple[np.ndarray, np.ndarray]:
    """``|I2 - I1|/(I1 + I2)`` of successive intervals, and the number of the spike train that each is of."""
    lengths, train = intervals(spikes)
    within = np.diff(train) == 0
    return (np.abs(np.diff(lengths)) / (lengths[1:] + lengths[:-1]))[within], train[1:][within]


def average(values: np.ndarray, train: np.ndarray, spikes: SpikeEvents) -> np.ndarray:
    """Average for each spike train, shape (train,); nan where there is none."""
    number = len(spikes.trials) * len(spikes.neurons)
    count = np.bincount(train, minlength=number)
    total = np.bincount(train, weights=values, minlength=number)
    return np.divide(total, count, out=np.full(number, np.nan), where=count > 0)


def by_neuron(values: np.ndarray, spikes: SpikeEvents, *, name: str, long_name: str) -> xarray.DataArray:
    """Values of all spike trains as ``(trial, neuron)``; nan where nothing can vary."""
    shape = (len(spikes.trials), len(spikes.neurons))
    count = np.bincount(intervals(spikes)[1], minlength=len(values))
    told = np.where(count >= _LEAST, values, np.nan).reshape(shape)
    coords = {"trial": spikes.trials, "neuron": spikes.neurons}
    return labelled(told, ("trial", "neuron"), coords, name=name, unit="1", long_name=long_name, comment=_MISSING)
