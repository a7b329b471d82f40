"""Check the description of a stored recording before its values are used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import DataError
from neurosim.recording.exchange import SNAPSHOT, TRIAL_COLUMNS

if TYPE_CHECKING:
    import xarray

# Time steps in seconds, far beyond those of any simulation.
_SHORTEST, _LONGEST = 1e-18, 1e12
# Trials, or neurons, which are numbered in memory.
_MOST = 1 << 26


def check_described(recording: xarray.Dataset, order: Any, where: Path) -> None:
    """Refuse a store that is no recording, naming the store and the fault.

    Parameters
    ----------
    recording
        The opened store; only the values of time and of coordinates of trials are read.
    order
        The names of its variables in their order.
    where
        The store.

    Raises
    ------
    DataError
        Time is missing, or a time step, time, unit or dimensions are impossible for a recording.
    """
    if not isinstance(order, list) or not all(isinstance(name, str) for name in order):
        raise DataError(f"{where}: damaged, its attribute 'variables' is no list of names")
    if ("time" not in recording.coords and SNAPSHOT not in recording.coords) or "dt" not in recording.attrs:
        raise DataError(f"{where}: no recording of neurosim.simulate: it has no time, or no time step")
    step = recording.attrs["dt"]
    if isinstance(step, bool) or not isinstance(step, int | float) or not (_SHORTEST <= step <= _LONGEST):
        raise DataError(f"{where}: damaged, got the time step {str(step)[:60]!r}, expected seconds above zero")
    if not isinstance(recording.attrs.get("model", ""), str):
        raise DataError(f"{where}: damaged, its attribute 'model' is no text")
    own = {str(name): str(name) for name in recording.coords if str(name).startswith("time_")}
    dims = {"time": "time", **own, SNAPSHOT: SNAPSHOT, **dict.fromkeys(TRIAL_COLUMNS, "trial")}
    for name, dim in dims.items():
        if name in recording.coords:
            _check_coordinate(recording[name], name, dim, where)
    for name, variable in recording.data_vars.items():
        _check_variable(variable, str(name), where)


def _check_coordinate(coordinate: xarray.DataArray, name: str, dim: str, where: Path) -> None:
    timed = name == "time" or name.startswith("time_")
    kinds = "f" if timed else "iu"
    if coordinate.dims != (dim,) or coordinate.dtype.kind not in kinds:
        raise DataError(
            f"{where}: damaged, '{name}' holds {coordinate.dtype} with the dimensions {coordinate.dims}, expected "
            f"{'seconds' if timed else 'whole numbers'} along '{dim}'"
        )
    values = coordinate.values
    if timed and not (np.isfinite(values).all() and (np.diff(values) > 0).all()):
        raise DataError(f"{where}: damaged, its times do not grow")


def _check_variable(variable: xarray.DataArray, name: str, where: Path) -> None:
    dims = variable.dims
    if variable.dtype.kind not in "biuf":
        raise DataError(f"{where}: '{name[:100]}' holds {variable.dtype}, expected numbers, or true and false")
    first = next((str(dim) for dim in dims), "")
    events = first.startswith("spike") and len(dims) == 1
    courses = len(dims) > 1 and (first == "time" or first.startswith("time_")) and dims[1] == "trial"
    learned = len(dims) > 1 and first == "trial"
    if not courses and not learned and not events and not (len(dims) > 1 and first == SNAPSHOT):
        raise DataError(
            f"{where}: '{name[:100]}' has the dimensions {dims}, expected (time, trial, neuron), or ({SNAPSHOT}, ...)"
        )
    if not learned and not events and first not in variable.coords:
        raise DataError(f"{where}: '{name[:100]}' is along '{first}', which the recording does not have")
    if not events and max(variable.shape[1:]) > _MOST:
        raise DataError(f"{where}: '{name[:100]}' has the shape {variable.shape}, far beyond that of any simulation")
    if not variable.size and not events and not first.startswith("time_"):
        raise DataError(f"{where}: '{name[:100]}' is empty, it has the shape {variable.shape}")
    if not isinstance(variable.attrs.get("units", "1"), str):
        raise DataError(f"{where}: damaged, the unit of '{name[:100]}' is no text")
