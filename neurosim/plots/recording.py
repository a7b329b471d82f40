"""Recordings: spikes as a raster, variables over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from neurosim.errors import DataError
from neurosim.plots._arguments import drawing
from neurosim.plots._style import COLOURS, readable, readable_time, tidy
from neurosim.recording.exchange import spikes_in, spikes_of
from neurosim.recording.selection import numbers_along

# Most traces that colours can distinguish.
_FEW = len(COLOURS)
# Least height of a tick in points.
_LEAST = 2.5


@drawing()
def raster(recording: xarray.Dataset, ax: Axes, *, trial: int = 0, populations: Sequence[str] | None = None) -> Axes:
    """Draw a tick for each spike: time across, neurons upwards, one colour a population.

    Parameters
    ----------
    recording
        Result of `neurosim.simulate`, with spikes.
    ax
        Where to draw.
    trial
        Which trial.
    populations
        Which of them, from below; all by default.

    Raises
    ------
    DataError
        No spikes were recorded, or there are not so many trials.
    """
    names = spikes_of(recording)
    if populations is not None:
        names = [name for wanted in populations for name in names if name.split(".")[0] == wanted]
    if not names:
        known = ", ".join(map(str, recording.data_vars)) or "nothing"
        raise DataError(f"a raster needs recorded spikes, got {known}")
    recorded = {name: spikes_in(recording, name) for name in names}
    for name, spikes in recorded.items():
        _check_trials(name, trial, len(spikes.trials))
    time = recording.time.values
    scale, unit = readable_time(time)
    base, ticks = 0, []
    # With many neurons a row is thinner than a line; ticks then exceed their row.
    total = sum(len(spikes.neurons) for spikes in recorded.values())
    beyond = max(0.0, _LEAST * total / (ax.bbox.height * 72 / ax.figure.dpi) - 0.8) / 2
    for number, name in enumerate(names):
        spikes, mine = recorded[name], recorded[name].trial == trial
        neuron, size = spikes.neuron[mine], len(spikes.neurons)
        colour = COLOURS[number % len(COLOURS)]
        shown = name.split(".")[0] if "." in name else str(recording.attrs.get("model", "neuron"))
        ax.vlines(
            spikes.time[mine] * scale,
            base + neuron + 0.1 - beyond,
            base + neuron + 0.9 + beyond,
            color=colour,
            linewidth=0.9,
            label=shown,
        )
        ticks.append((base + size / 2, shown))
        base += size
        if number < len(names) - 1:
            ax.axhline(base, color="0.8", linewidth=0.6)
    ax.set_xlim(time[0] * scale, (time[-1] + _step(recording)) * scale)
    ax.set_ylim(0, base)
    ax.set_xlabel(f"time ({unit})")
    if len(names) > 1:
        ax.set_yticks([place for place, _ in ticks], [shown for _, shown in ticks])
        ax.set_ylabel("neurons by population")
    else:
        numbers = [int(n) for n in MaxNLocator(6, integer=True).tick_values(0, base - 1) if 0 <= n < base]
        ax.set_yticks([number + 0.5 for number in numbers], [str(number) for number in numbers])
        ax.set_ylabel("neuron (number)")
    tidy(ax).grid(visible=False)
    return ax


@drawing()
def traces(
    recording: xarray.Dataset,
    ax: Axes,
    *,
    variable: str,
    trial: int = 0,
    neurons: Sequence[int] | None = None,
    spikes: bool = True,
    legend: bool = True,
) -> Axes:
    """Draw a variable of some neurons over time.

    Parameters
    ----------
    recording
        Result of `neurosim.simulate`.
    ax
        Where to draw.
    variable
        Its name in the recording: ``v``, or ``hidden1.v``.
    trial
        Which trial.
    neurons
        Which neurons; the first few by default.
    spikes
        Whether spikes of the same neurons, where they were recorded, are marked above.
    legend
        Whether there is one, if there are several neurons.

    Raises
    ------
    DataError
        The variable was not recorded, or has not so many trials or neurons.
    """
    if variable not in recording or recording[variable].dtype == bool:
        raise DataError(f"'{variable}' is no recorded trace; there are {', '.join(map(str, recording.data_vars))}")
    _check_trial(recording, variable, trial)
    values = recording[variable].isel(trial=trial)
    chosen = list(range(min(3, values.shape[1]))) if neurons is None else list(neurons)
    outside = [number for number in chosen if not 0 <= number < values.shape[1]]
    if outside:
        raise DataError(f"'{variable}' has {values.shape[1]} neurons, got number {outside[0]}")
    numbers = numbers_along(values, str(values.dims[-1]))
    time = recording.time.values
    scale, unit = readable_time(time)
    shown, values_unit = readable(recording[variable], values[:, chosen].values)
    for place, number in enumerate(chosen):
        colour = COLOURS[place % _FEW]
        ax.plot(time * scale, shown[:, place], color=colour, linewidth=1.2, label=f"neuron {numbers[number]}")
    owner, dot, _ = variable.rpartition(".")
    fired = f"{owner}{dot}spikes"
    if spikes and fired in spikes_of(recording):
        ticks = spikes_in(recording, fired)
        top, span = np.nanmax(shown), max(np.nanmax(shown) - np.nanmin(shown), 1e-12)
        for place, number in enumerate(chosen):
            when = ticks.time[(ticks.trial == trial) & (ticks.neurons[ticks.neuron] == numbers[number])] * scale
            height = top + span * (0.05 + 0.06 * place)
            colour = COLOURS[place % _FEW]
            ax.plot(when, np.full(len(when), height), "|", color=colour, markersize=6)
    ax.set_xlim(time[0] * scale, (time[-1] + _step(recording)) * scale)
    ax.set_xlabel(f"time ({unit})")
    ax.set_ylabel(f"{variable} ({values_unit})" if values_unit else variable)
    if legend and len(chosen) > 1:
        ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize="small")
    return tidy(ax)


def _check_trial(recording: xarray.Dataset, name: str, trial: int) -> None:
    _check_trials(name, trial, recording[name].sizes.get("trial", 0))


def _check_trials(name: str, trial: int, trials: int) -> None:
    if trial >= trials:
        raise DataError(f"trial: got {trial}, but '{name}' has {trials} trials, counted from 0")


def _step(recording: xarray.Dataset) -> float:
    """The width of the last sample: a time step, or in a selection the interval between samples."""
    time = recording.time.values
    said = float(recording.attrs.get("dt", 0.0))
    step = float(time[-1] - time[0]) / (len(time) - 1) if len(time) > 1 else said
    return said if abs(step - said) < 1e-3 * said else step
