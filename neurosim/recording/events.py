"""Spikes of a recording as events: time, trial and neuron of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.border import COUNT, TIME, optional, public
from neurosim.border.arguments import NAME
from neurosim.errors import ArgumentError, DataError
from neurosim.metrics._spike_events import SpikeEvents as SpikeEvents
from neurosim.recording.exchange import EVENTS, event_names, population_of, spikes_in, spikes_of
from neurosim.recording.selection import in_order, numbers_along, timing_of
from neurosim.suggestions import hint
from neurosim.units import array_in_si, parse_quantity

if TYPE_CHECKING:
    import xarray

_FORMS = "a recording of neurosim.simulate with spikes, or a pair (times, indices)"


def _spikes(name: str, value: Any) -> Any:
    """A recording, a variable of one, events, or times and indices."""
    if isinstance(value, SpikeEvents) or hasattr(value, "data_vars"):
        return value
    if hasattr(value, "to_dataset") and hasattr(value, "dims"):
        return value.to_dataset(name=value.name or "spikes")
    if isinstance(value, tuple | list) and len(value) == 2 and not any(isinstance(each, str) for each in value):
        return tuple(value)
    raise ArgumentError(name, value, _FORMS)


@public(dataset=_spikes, population=optional(NAME), duration=optional(TIME), n=optional(COUNT), trials=optional(COUNT))
def spike_events(
    dataset: xarray.Dataset | tuple[Any, Any],
    population: str | None = None,
    *,
    duration: str | float | None = None,
    n: int | None = None,
    trials: int | None = None,
) -> SpikeEvents:
    """Give the spikes of a population as events, whichever way they were recorded.

    Parameters
    ----------
    dataset
        What `neurosim.simulate` returns, or a selection of it: spikes as booleans ``(time, trial, neuron)``, or as the
        variables ``spike_time``, ``spike_trial`` and ``spike_neuron`` of the population. Or a pair ``(times, indices)``
        of one trial, such as ``(monitor.t, monitor.i)`` of Brian2; times are seconds or quantities.
    population
        Name of the population; not needed where only one was recorded.
    duration, n, trials
        Length of the recording, number of neurons and of trials. A pair ``(times, indices)`` needs the first two,
        because silence at the end and silent neurons count; a recording says them itself.

    Returns
    -------
    SpikeEvents
        Arrays ``time`` (in seconds), ``trial`` and ``neuron``, one number a spike, sorted by trial, neuron and time;
        ``trials`` and ``neurons``, the numbers of all; ``begin`` and ``end`` of the recording in seconds.
        ``of(neurons=[0, 3], trials=[1])`` selects.

    Raises
    ------
    ArgumentError, UnitError
        Arguments that do not fit.
    DataError
        No spikes were recorded, or not at every step.

    Examples
    --------
    >>> spike_events(([0.01, 0.02, 0.015], [0, 0, 1]), duration="100 ms", n=3)
    SpikeEvents(neurons: 3 spikes of 3 neurons in 1 trial, 0 to 0.1 s)
    """
    if isinstance(dataset, SpikeEvents):
        return dataset
    if isinstance(dataset, tuple):
        return _of_pair(*dataset, population=population, duration=duration, n=n, trials=trials)
    name = _chosen(dataset, population)
    if name in dataset.data_vars and dataset[name].dtype == bool:
        return _of_booleans(dataset[[name]], name)
    return _of_variables(dataset, name, duration=duration, n=n, trials=trials)


def spiking_populations(dataset: xarray.Dataset) -> dict[str, str]:
    """The populations whose spikes a recording holds: name -> name of the spike variable, recorded or not."""
    return {population_of(dataset, name): name for name in spikes_of(dataset)}


def _chosen(dataset: xarray.Dataset, population: str | None) -> str:
    known = spiking_populations(dataset)
    if not known:
        recorded = ", ".join(map(str, dataset.data_vars)) or "nothing"
        raise DataError(f"spikes as events need recorded spikes, got {recorded}")
    if population is None and len(known) == 1:
        return next(iter(known.values()))
    if population not in known:
        named = "" if population is None else hint(population, tuple(known))
        raise ArgumentError("population", population, f"one of those with spikes: {', '.join(known)}{named}")
    return known[population]


def _of_booleans(recording: xarray.Dataset, name: str) -> SpikeEvents:
    recording = in_order(recording)
    begin, end = _span(recording)
    spikes = spikes_in(recording, name)
    trial, neuron = spikes.trials[spikes.trial], spikes.neurons[spikes.neuron]
    population = population_of(recording, name)
    return SpikeEvents(spikes.time, trial, neuron, spikes.trials, spikes.neurons, begin, end, population)


def _span(recording: xarray.Dataset) -> tuple[float, float]:
    """Begin and end of a recording that holds every step."""
    timing, said = timing_of(recording), recording.attrs.get("dt")
    if timing.step is None and len(timing.time) > 1:
        raise DataError("the recording has gaps in time, so spikes are missing; select time without gaps")
    if said is not None and timing.step is not None and timing.step > 1.5 * float(said):
        raise DataError(
            f"the recording holds a step every {timing.step:g} s of a simulation with steps of {float(said):g} s, so "
            "spikes are missing; take the events before it is thinned"
        )
    if not timing.length > 0:
        raise DataError("the recording holds one step of unknown length; its attribute 'dt' says it in seconds")
    return timing.begin, timing.begin + timing.length


def _of_variables(
    dataset: xarray.Dataset, name: str, *, duration: float | str | None, n: int | None, trials: int | None
) -> SpikeEvents:
    """Spikes that were recorded as events; what a selection of time, trials or neurons leaves out is left out."""
    population, names = population_of(dataset, name), event_names(name)
    spike_time = dataset[names["spike_time"]]
    unit = str(spike_time.attrs.get("units", "second"))
    times = np.asarray(spike_time.values, dtype=float) * parse_quantity(f"1 {unit}", "second")
    trial, neuron = (np.asarray(dataset[names[each]].values, dtype=np.int64) for each in EVENTS[1:])
    neuron_dim = f"neuron_{population}" if f"neuron_{population}" in dataset.coords else "neuron"
    neuron_dim = str(spike_time.attrs.get("neurons", neuron_dim))
    all_trials = _numbers(dataset, "trial", trials, "trials", population)
    all_neurons = _numbers(dataset, neuron_dim, n, "n", population)
    begin, end = _bounds(dataset, duration, population)
    # A time that was rounded in its last digits is at the edge where it was meant.
    rounding = 1e-9 * (end - begin)
    kept = np.isin(trial, all_trials) & np.isin(neuron, all_neurons)
    kept &= (times >= begin - rounding) & (times < end - rounding)
    times = np.maximum(times, begin)
    return SpikeEvents(times[kept], trial[kept], neuron[kept], all_trials, all_neurons, begin, end, population)


def _numbers(dataset: xarray.Dataset, dim: str, given: int | None, argument: str, population: str) -> np.ndarray:
    if given is not None:
        return np.arange(given)
    if dim not in dataset.coords:
        raise DataError(
            f"spikes of '{population}': the recording has no coordinate '{dim}', so silent ones are unknown; "
            f"give spike_events {argument}="
        )
    return np.atleast_1d(numbers_along(dataset, dim) if dataset[dim].ndim else dataset[dim].values)


def _bounds(dataset: xarray.Dataset, duration: float | str | None, population: str) -> tuple[float, float]:
    if duration is not None:
        return 0.0, float(duration)
    if "time" in dataset.coords and dataset["time"].size:
        time = np.atleast_1d(np.asarray(dataset["time"].values, dtype=float))
        said = dataset.attrs.get("dt")
        step = float(said) if said is not None else float(np.diff(time[-2:]).sum())
        return float(time[0]), float(time[-1]) + step
    if "duration" in dataset.attrs:
        return 0.0, float(dataset.attrs["duration"])
    raise DataError(
        f"spikes of '{population}': the recording has no coordinate 'time' and no attribute 'duration', so its length "
        "is unknown; give spike_events duration="
    )


def _of_pair(
    times: Sequence[Any],
    indices: Sequence[Any],
    *,
    population: str | None,
    duration: float | str | None,
    n: int | None,
    trials: int | None,
) -> SpikeEvents:
    if duration is None or n is None:
        name = "duration" if duration is None else "n"
        raise ArgumentError(name, None, "a length and a number of neurons with (times, indices), since silence counts")
    if trials not in (None, 1):
        raise ArgumentError("trials", trials, "1, because (times, indices) say no trial")
    when, who = np.atleast_1d(array_in_si(times, "second")), np.atleast_1d(np.asarray(indices))
    if who.size and not (who.dtype.kind in "iu" or (who.dtype.kind == "f" and np.all(who == np.round(who)))):
        raise ArgumentError("dataset", indices, "whole numbers as indices of neurons")
    trial = np.zeros(when.shape, dtype=np.int64)
    return SpikeEvents(
        when, trial, who.astype(np.int64), np.arange(1), np.arange(n), 0.0, float(duration), population or "neurons"
    )
