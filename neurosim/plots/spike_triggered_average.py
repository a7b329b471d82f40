"""Spike-triggered average of a recorded variable."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray
from matplotlib.axes import Axes

from neurosim.border.arguments import RECORDING
from neurosim.errors import DataError
from neurosim.metrics import spike_triggered_average as around_spikes
from neurosim.plots._spike_arguments import chosen_spikes, spike_drawing
from neurosim.plots._style import COLOURS, axes, readable, readable_time, tidy

# Most lines of single neurons.
_LINES = 20


@spike_drawing(recording=RECORDING)
def spike_triggered_average(
    recording: xarray.Dataset,
    ax: Axes | None = None,
    *,
    variable: str,
    population: str | None = None,
    neurons: Sequence[int] | None = None,
    window: tuple[str | float, str | float] = ("-20 ms", "20 ms"),
) -> Axes:
    """Draw what a variable is on average around spikes: thin lines of single neurons, and the mean of all spikes.

    Parameters
    ----------
    recording
        Result of `neurosim.simulate`, with spikes and the variable.
    ax
        Where to draw; a new figure by default, which is ``ax.figure``.
    variable
        Its name in the recording: ``v``, or ``E.v``.
    population
        Population of the spikes; by default that of the variable. For another population, name one neuron.
    neurons
        Numbers of neurons whose spikes count; all by default.
    window
        Begin and end around the spike.

    Raises
    ------
    ArgumentError, UnitError, DataError
        Arguments that do not fit; spikes or the variable were not recorded.
    """
    ax = axes(ax)
    if variable not in recording:
        raise DataError(f"'{variable}' was not recorded; there are {', '.join(map(str, recording.data_vars))}")
    own = variable.partition(".")[0] if "." in variable else None
    spikes = chosen_spikes(recording, own if population is None else population)
    signal = recording[variable]
    if neurons is not None:
        spikes = spikes.of(neurons=neurons)
        if population is None or population == own:
            signal = _of_neurons(signal, spikes.neurons)
    average = around_spikes.measure(spikes, signal, window=window)
    shown, unit = readable(average, average.values)
    scale, time_unit = readable_time(average.lag.values)
    lag, used = average.lag.values * scale, average.used.values
    fired = np.flatnonzero(used > 0)
    if len(fired) > 1:
        ax.plot(lag, shown[:, fired[:_LINES]], color="0.75", linewidth=0.7)
    if len(fired):
        mean = np.average(shown[:, fired], axis=1, weights=used[fired])
        ax.plot(lag, mean, color=COLOURS[0], linewidth=2.0)
    ax.axvline(0, color="0.4", linewidth=0.8, linestyle="--")
    number = int(used.sum()) if len(spikes.neurons) > 1 else int(used.max(initial=0))
    ax.set_title(f"{spikes.population}: {number} spike{'s' * (number != 1)}", fontsize="medium")
    ax.set_xlim(lag[0], lag[-1])
    ax.set_xlabel(f"time after a spike ({time_unit})")
    ax.set_ylabel(f"{variable} ({unit})" if unit else variable)
    return tidy(ax)


def _of_neurons(signal: xarray.DataArray, numbers: np.ndarray) -> xarray.DataArray:
    """The signal of some neurons, by their numbers."""
    dim = signal.transpose("time", "trial", ...).dims[-1]
    own = signal[dim].values if dim in signal.coords else np.arange(signal.sizes[dim])
    return signal.isel({dim: [int(np.flatnonzero(own == number)[0]) for number in numbers if number in own]})
