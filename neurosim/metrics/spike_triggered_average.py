"""Spike-triggered average (STA): what a recorded variable is on average around a spike."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import TYPE_CHECKING

import numpy as np

from neurosim.errors import ArgumentError
from neurosim.metrics._spike_arguments import labelled, measuring, seconds
from neurosim.metrics._spike_events import SpikeEvents
from neurosim.untyped import Array

if TYPE_CHECKING:
    import xarray

# That of the variable.
UNIT = "signal"
BETTER = "none"
# Numbers in memory at once.
_VALUES = 1 << 22


@measuring()
def measure(
    spikes: SpikeEvents, signal: xarray.DataArray, *, window: tuple[str | float, str | float] = ("-20 ms", "20 ms")
) -> xarray.DataArray:
    """Average a variable over windows around spikes.

    Parameters
    ----------
    spikes
        Result of `neurosim.spike_events`. With one neuron, ``events.of(neurons=[3])``, all neurons of the signal are
        averaged around its spikes; otherwise each neuron around its own spikes.
    signal
        A recorded variable ``(time, trial, neuron)``, such as ``recording["E.v"]``, of the same trials.
    window
        Begin and end around the spike, in whole steps of the recording.

    Returns
    -------
    xarray.DataArray
        ``(lag, neuron)``, over all trials, in the unit of the signal; ``lag`` is the time after the spike in seconds,
        the end of the window excluded. Coordinate ``used``: how many spikes were averaged. nan where there are none.

    Raises
    ------
    ArgumentError, UnitError
        Arguments that do not fit; a window longer than the recording, another number of neurons, other trials.

    Notes
    -----
    Elephant's ``spike_triggered_average``, with the spikes of all trials together. A spike whose window reaches
    beyond the recording is left out.
    """
    values, time, step = _sampled(signal)
    # The window begins at a step of the recording.
    begin, end = step * round(seconds(window[0]) / step), seconds(window[1])
    length = math.ceil((end - begin) / step * (1 - 1e-9))
    if length > len(time):
        expected = f"at most the length of the recording, {len(time) * step:g} s"
        raise ArgumentError("window", f"{end - begin:g} s", expected)
    trials, neurons = (_numbers(signal, dim) for dim in signal.transpose("time", "trial", ...).dims[1:])
    if not np.isin(spikes.trials, trials).all():
        raise ArgumentError(
            "signal", f"trials {trials.tolist()[:8]}", f"those of the spikes, {spikes.trials.tolist()[:8]}"
        )
    first = np.round((spikes.time + begin - time[0]) / step).astype(np.int64)
    fits = (first >= 0) & (first + length <= len(time))
    first, by_number = first[fits], np.argsort(trials)
    trial = by_number[np.searchsorted(trials[by_number], spikes.trial[fits])]
    if len(spikes.neurons) == 1:
        total = _of_all(values, first, trial, length)
        used = np.full(len(neurons), len(first))
    else:
        if not np.array_equal(np.sort(neurons), spikes.neurons):
            got = f"{len(neurons)} neurons"
            expected = f"the {len(spikes.neurons)} neurons that spike, or spikes of one: events.of(neurons=[3])"
            raise ArgumentError("signal", got, expected)
        order = np.argsort(neurons)
        neuron = order[spikes.neuron_place[fits]]
        total = _of_own(values, first, trial, neuron, length)
        used = np.bincount(neuron, minlength=len(neurons))
    mean = np.divide(total, used, out=np.full(total.shape, np.nan), where=used > 0)
    return labelled(
        mean,
        ("lag", "neuron"),
        {"lag": begin + step * np.arange(length), "neuron": neurons, "used": ("neuron", used)},
        name=str(signal.name or "signal"),
        unit=str(signal.attrs.get("units", "1")),
        long_name=f"{signal.name or 'signal'} around a spike",
    )


def _sampled(signal: xarray.DataArray) -> tuple[Array, np.ndarray, float]:
    """The signal ``(time, trial, neuron)``, its times, and the step between them."""
    if not {"time", "trial"} <= set(signal.dims) or len(signal.dims) != 3 or "time" not in signal.coords:
        raise ArgumentError("signal", f"the dimensions {signal.dims}", "(time, trial, neuron), with times")
    unit = str(signal["time"].attrs.get("units", "s"))
    if unit not in ("s", "second"):
        raise ArgumentError("signal", f"times in {unit}", "times in seconds, as simulate returns them")
    if signal.dtype.kind not in "fiub":
        raise ArgumentError("signal", f"{signal.dtype}", "numbers")
    time = np.asarray(signal["time"].values, dtype=float)
    steps = np.diff(time)
    step = float(steps.mean()) if steps.size else 0.0
    if not step > 0 or np.abs(steps - step).max() > 1e-3 * step:
        raise ArgumentError("signal", "irregular times", "times at a constant interval, two at least")
    return signal.transpose("time", "trial", ...).values, time, step


def _numbers(signal: xarray.DataArray, dim: Hashable) -> np.ndarray:
    return np.asarray(signal[dim].values) if dim in signal.coords else np.arange(signal.sizes[dim])


def _of_all(values: np.ndarray, first: np.ndarray, trial: np.ndarray, length: int) -> np.ndarray:
    """Sum of all neurons around the spikes of one, ``(lag, neuron)``."""
    total = np.zeros((length, values.shape[2]))
    for number in np.unique(trial):
        for start in first[trial == number]:
            total += values[start : start + length, number]
    return total


def _of_own(values: np.ndarray, first: np.ndarray, trial: np.ndarray, neuron: np.ndarray, length: int) -> np.ndarray:
    """Sum of each neuron around its own spikes, ``(lag, neuron)``."""
    total = np.zeros((length, values.shape[2]))
    piece = max(1, _VALUES // length)
    for begin in range(0, len(first), piece):
        part = slice(begin, begin + piece)
        lags = first[part, None] + np.arange(length)
        windows = values[lags, trial[part, None], neuron[part, None]]
        np.add.at(total.T, neuron[part], windows)
    return total
