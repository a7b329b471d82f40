"""Helpers of all exports of recordings: variables by kind, names of units, spike times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
        if variable.dtype != bool and variable.dims[:1] != (SNAPSHOT,)
    ]


def synapses_of(recording: xarray.Dataset) -> list[str]:
    """Names of the synaptic variables, one array a snapshot: weights during training."""
    return [str(name) for name, variable in recording.data_vars.items() if variable.dims[:1] == (SNAPSHOT,)]


def trial_columns(recording: xarray.Dataset) -> dict[str, np.ndarray]:
    """Epoch, and row in the split, of each trial recorded during training."""
    return {name: recording[name].values for name in TRIAL_COLUMNS if name in recording.coords}


def spikes_of(recording: xarray.Dataset) -> list[str]:
    """Names of the spike variables."""
    return [str(name) for name, variable in recording.data_vars.items() if variable.dtype == bool]


def population_of(recording: xarray.Dataset, name: str) -> str:
    """The population of a variable; for a bare neuron, the model."""
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


def spike_times(variable: Any, time: np.ndarray) -> list[list[np.ndarray]]:
    """The times of all spikes in seconds, ``[trial][neuron]``."""
    _, trials, neurons = variable.shape
    times: list[list[list[np.ndarray]]] = [[[] for _ in range(neurons)] for _ in range(trials)]
    for begin, block in blocks_of(variable):
        step, trial, neuron = np.nonzero(block)
        # In order of trial and neuron, times within each in order.
        order = np.lexsort((step, neuron, trial))
        step, place = step[order], trial[order] * neurons + neuron[order]
        for where in np.split(np.arange(len(step)), np.flatnonzero(np.diff(place)) + 1):
            if len(where):
                number = int(place[where[0]])
                times[number // neurons][number % neurons].append(time[begin + step[where]])
    empty = np.zeros(0)
    return [[np.concatenate(parts) if parts else empty for parts in row] for row in times]


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
