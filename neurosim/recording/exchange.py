"""Helpers of all exports of recordings: variables by kind, names of units, spike times."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.atomic import replacing
from neurosim.errors import ConfigError
from neurosim.installation import how_to_install
from neurosim.units import dimension_text, unit_dimensions

if TYPE_CHECKING:
    import xarray

#: The dimension of recorded weights, and the coordinates of trials with their descriptions.
SNAPSHOT = "snapshot"
TRIAL_COLUMNS = {"epoch": "epochs of training before the trial", "row": "number of the trial in its split of the data"}
#: Numbers that are kept of each spike, where spikes are events.
EVENTS = ("spike_time", "spike_trial", "spike_neuron")
# Number of values in memory at once.
_VALUES = 4 << 20
_DERIVED = ("volt", "amp", "siemens", "ohm", "farad", "coulomb", "hertz", "newton", "joule", "watt")
#: Base units, in the order of Brian2's dimensions, as `quantities` calls them.
_BASE = ("metre", "kilogram", "second", "ampere", "kelvin", "mole", "candela")
_NAMES = {"amp": "ampere"}


def numbered(recording: xarray.Dataset) -> xarray.Dataset:
    """Number trials, neurons and synapses of a recording by coordinates, which a selection keeps."""
    missing = [dim for dim in recording.dims if dim not in recording.coords and dim not in ("time", SNAPSHOT)]
    return recording.assign_coords({str(dim): np.arange(recording.sizes[dim]) for dim in missing})


def traces_of(recording: xarray.Dataset) -> list[str]:
    """Names of the variables that are numbers over time."""
    return [
        str(name)
        for name, variable in recording.data_vars.items()
        if variable.dtype != bool and variable.dims[:1] != (SNAPSHOT,) and not is_event(recording, str(name))
    ]


def event_names(name: str) -> dict[str, str]:
    """Names of the event variables that stand for a spike variable: kind -> name.

    Examples
    --------
    >>> event_names("E.spikes[:10]")["spike_time"]
    'E.spike_time[:10]'
    """
    head, _, tail = name.rpartition("spikes")
    return {kind: f"{head}{kind}{tail}" for kind in EVENTS}


def is_event(recording: xarray.Dataset, name: str) -> bool:
    """Whether a variable is the time, trial or neuron of spikes kept as events."""
    dims = recording[name].dims
    return len(dims) == 1 and str(dims[0]).startswith("spike") and any(kind in name for kind in EVENTS)


def synapses_of(recording: xarray.Dataset) -> list[str]:
    """Names of the synaptic variables, one array a snapshot: weights during training."""
    return [str(name) for name, variable in recording.data_vars.items() if variable.dims[:1] == (SNAPSHOT,)]


def trial_columns(recording: xarray.Dataset) -> dict[str, np.ndarray]:
    """Epoch, and row in the split, of each trial recorded during training."""
    kept = (name for name in TRIAL_COLUMNS if name in recording.coords and "trial" in recording[name].dims)
    return {name: recording[name].values for name in kept}


def spikes_of(recording: xarray.Dataset) -> list[str]:
    """Names of the spike variables, ``E.spikes``, kept as truth values or as events."""
    names = [str(name) for name, variable in recording.data_vars.items() if variable.dtype == bool]
    for name in map(str, recording.data_vars):
        if "spike_time" in name and is_event(recording, name):
            spikes = name.replace("spike_time", "spikes")
            if all(other in recording.data_vars for other in event_names(spikes).values()):
                names.append(spikes)
    return names


def population_of(recording: xarray.Dataset, name: str) -> str:
    """The population of a variable; for a bare neuron, the model."""
    name = name.removeprefix("mean(").removeprefix("sum(")
    return name.split(".")[0] if "." in name else str(recording.attrs.get("model", "neuron"))


def unit_name(text: str) -> str:
    """The name of a unit for other tools: ``volt``, ``ampere``, ``1`` for none, or a product of base units.

    Raises
    ------
    UnitError
        The text is no unit. It may come from a stranger's file and is never evaluated.
    """
    dimension = unit_dimensions(text)
    if dimension_text(dimension) == "1":
        return "1"
    for name in _DERIVED:
        if unit_dimensions(name) is dimension:
            return _NAMES.get(name, name)
    powers = [(name, float(power)) for name, power in zip(_BASE, dimension, strict=True) if power]
    return "*".join(name if power == 1 else f"{name}**{power:g}" for name, power in powers)


def blocks_of(variable: Any) -> Iterator[tuple[int, np.ndarray]]:
    """A variable in pieces: number of the first step, and values ``(step, trial, neuron)``."""
    steps = max(1, _VALUES // max(1, int(np.prod(variable.shape[1:]))))
    for begin in range(0, variable.shape[0], steps):
        yield begin, np.asarray(variable[begin : begin + steps].values)


@dataclass(frozen=True)
class SpikeVariable:
    """The spikes of one variable, whether it is kept as truth values or as events.

    Attributes
    ----------
    time, trial, neuron
        Of each spike, by time: seconds, and places among `trials` and `neurons`.
    trials, neurons
        The numbers of all trials and neurons that could have spiked.
    """

    time: np.ndarray
    trial: np.ndarray
    neuron: np.ndarray
    trials: np.ndarray
    neurons: np.ndarray

    def times(self) -> list[list[np.ndarray]]:
        """The times of all spikes in seconds, ``[trial][neuron]``."""
        count = len(self.neurons)
        # In order of trial and neuron, times within each in order.
        place = self.trial * count + self.neuron
        order = np.argsort(place, kind="stable")
        ends = np.searchsorted(place[order], np.arange(len(self.trials) * count + 1))
        ordered = self.time[order]
        parts = [ordered[first:last] for first, last in itertools.pairwise(ends)]
        return [parts[trial * count : (trial + 1) * count] for trial in range(len(self.trials))]


def spikes_in(recording: xarray.Dataset, name: str, time: np.ndarray | None = None) -> SpikeVariable:
    """The spikes of a variable.

    Parameters
    ----------
    name
        One of `spikes_of`.
    time
        The times of samples in seconds, where they are not those of the recording.
    """
    if name not in recording.data_vars:
        return _events_in(recording, name)
    variable, seconds = recording[name], recording["time"].values if time is None else time
    parts = []
    for begin, block in blocks_of(variable):
        step, trial, neuron = np.nonzero(block)
        parts.append((seconds[begin + step], trial, neuron))
    joined = [np.concatenate(each) for each in zip(*parts, strict=True)]
    return SpikeVariable(*joined, *(_numbers(recording, str(dim)) for dim in variable.dims[1:]))


def _events_in(recording: xarray.Dataset, name: str) -> SpikeVariable:
    variables = {kind: recording[variable] for kind, variable in event_names(name).items()}
    time, trial, neuron = (variables[kind].values for kind in EVENTS)
    dim = str(variables["spike_time"].attrs.get("neurons", ""))
    numbers = (trial, "trial"), (neuron, dim)
    trials, neurons = (
        np.sort(np.asarray(recording[at].values)) if at in recording.coords else np.unique(numbered)
        for numbered, at in numbers
    )
    # A selection keeps the events of trials and neurons that it has left out.
    kept = np.isin(trial, trials) & np.isin(neuron, neurons)
    places = np.searchsorted(trials, trial[kept]), np.searchsorted(neurons, neuron[kept])
    return SpikeVariable(time[kept], *places, trials, neurons)


def _numbers(recording: xarray.Dataset, dim: str) -> np.ndarray:
    return np.asarray(recording[dim].values) if dim in recording.coords else np.arange(recording.sizes[dim])


def written(path: Path, write: Callable[[Path], None]) -> Path:
    """Write a file or folder under a temporary name, and rename it when complete.

    Raises
    ------
    ConfigError
        There is something at `path`.
    DataError
        It cannot be written.
    """
    if path.exists() or path.is_symlink():
        raise ConfigError(f"{path} exists already; choose another name, or remove it")
    with replacing(path, parents=True) as temporary:
        write(temporary)
    return path


def needs(package: str, wanted: str) -> ConfigError:
    """The error for a missing optional package."""
    return ConfigError(f"export to {wanted} needs the package {package}: {how_to_install('nwb')}")
