"""Prepare recordings for export. A selection keeps the times, trials and neurons of the whole.

A recording is often cut before export: every tenth step, two trials, one neuron. Then positions and the attribute
``dt`` are wrong, and coordinates count.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import ArgumentError, DataError, NeurosimWarning, UnitError
from neurosim.recording.exchange import SNAPSHOT, is_event, synapses_of
from neurosim.units import parse_quantity

if TYPE_CHECKING:
    import xarray

# Tolerance of sample times, in steps: coordinates are often in single precision.
_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Timing:
    """Times of samples.

    Attributes
    ----------
    time
        Of each, in seconds, increasing.
    step
        The interval between samples, if constant; else ``None``.
    length
        The duration, including the last step.
    """

    time: np.ndarray
    step: float | None
    length: float

    @property
    def begin(self) -> float:
        """Time of the first sample."""
        return float(self.time[0])


def check_recording(name: str, value: Any) -> xarray.Dataset:
    """Check that an argument is a recording; a single variable becomes a dataset.

    Raises
    ------
    ArgumentError
        It is something else.
    """
    if hasattr(value, "to_dataset") and hasattr(value, "dims"):
        return value.to_dataset(name=value.name or "values")
    if not hasattr(value, "data_vars"):
        expected = "a recording of neurosim.simulate; of one on disk, neurosim.open_recording(path)"
        raise ArgumentError(name, value, expected)
    return value


def in_order(recording: xarray.Dataset, *, timeless: bool = False) -> xarray.Dataset:
    """A recording with the dimensions ``(time, trial, neuron)`` in that order, and time increasing, in seconds.

    Parameters
    ----------
    recording
        A recording of `neurosim.simulate` or of a run, or a selection of it.
    timeless
        Whether to accept weights alone, without time.

    Raises
    ------
    DataError
        It lacks time, a variable has other dimensions or holds no numbers, or trials or neurons have no numbers.
    """
    moved = [str(n) for n, v in recording.data_vars.items() if SNAPSHOT in v.dims and v.dims[0] != SNAPSHOT]
    recording = recording.assign({name: recording[name].transpose(SNAPSHOT, ...) for name in moved})
    empty = not recording.data_vars
    recording = _without_others(_with_time(recording))
    synapses = synapses_of(recording)
    if synapses and len(synapses) == len(recording.data_vars):
        if not timeless:
            raise DataError(f"this recording holds weights only ({', '.join(synapses)}), which --to csv takes")
        return recording
    if "time" not in recording.coords or empty:
        raise DataError("no recording of neurosim.simulate: it has no time, or no variables")
    others = [n for n in recording.data_vars if n not in synapses and not is_event(recording, str(n))]
    for name in others:
        _check_variable(str(name), recording[name])
    recording = recording.assign({name: recording[name].transpose("time", "trial", ...) for name in others})
    for dim in {dim for name in others for dim in recording[name].dims[1:]}:
        numbers_along(recording, str(dim))
    seconds = seconds_of(recording["time"])
    if np.any(np.diff(seconds) <= 0):
        order = np.argsort(seconds, kind="stable")
        recording, seconds = recording.isel(time=order), seconds[order]
    if np.any(np.diff(seconds) <= 0):
        raise DataError("the recording has several samples of one time; choose among them, or shift what was joined")
    return recording.assign_coords(time=("time", seconds, {"units": "second"}))


def _with_time(recording: xarray.Dataset) -> xarray.Dataset:
    """A recording whose times are those of the longest variable, if only variables with times of their own are left."""
    own = [name for name in recording.coords if str(name).startswith("time_") and recording[name].ndim == 1]
    if "time" in recording.coords or not own:
        return recording
    longest = recording[max(own, key=lambda name: recording.sizes[name])]
    return recording.assign_coords(time=("time", longest.values, longest.attrs))


def is_apart(dims: Sequence[str]) -> bool:
    """Whether a variable with these dimensions is of synapses, or has times of its own."""
    return any(dim.startswith(("post", "pre", "synapse", "time_")) for dim in dims)


def _without_others(recording: xarray.Dataset) -> xarray.Dataset:
    """A recording without what `neurosim.recording.sampled` takes; sums get an axis of neurons."""
    dims = {str(name): [str(dim) for dim in variable.dims] for name, variable in recording.data_vars.items()}
    left = [name for name, own in dims.items() if SNAPSHOT not in own and is_apart(own)]
    sums = [name for name, own in dims.items() if name.startswith(("mean(", "sum(")) and set(own) == {"time", "trial"}]
    added = {name: recording[name].expand_dims({f"neuron_{name}": [0]}, axis=2) for name in sums}
    return recording.drop_vars(left).assign(added)


def timing_of(recording: xarray.Dataset) -> Timing:
    """Sample times of a recording that `in_order` gave."""
    time = np.asarray(recording["time"].values)
    said = recording.attrs.get("dt")
    said = float(said) if isinstance(said, int | float | np.number) and np.isfinite(said) and said > 0 else None
    if len(time) == 1:
        return Timing(time, said, said or 0.0)
    step = float(time[-1] - time[0]) / (len(time) - 1)
    off = np.abs(time - (time[0] + step * np.arange(len(time)))).max()
    if off > _TOLERANCE * step:
        last = said if said is not None else float(np.median(np.diff(time)))
        return Timing(time, None, float(time[-1] - time[0]) + last)
    # Sums of decimal steps are inexact in the last digits.
    step = said if said is not None and abs(step - said) <= _TOLERANCE * said else float(f"{step:.9g}")
    return Timing(time, step, step * len(time))


def numbers_along(recording: xarray.Dataset | xarray.DataArray, dim: str) -> list[int]:
    """The numbers of trials, neurons or synapses along a dimension; without a coordinate, their positions.

    Raises
    ------
    DataError
        They are no whole numbers, or not all different.
    """
    if dim not in recording.coords:
        return list(range(recording.sizes[dim]))
    values = np.asarray(recording[dim].values)
    whole = values.dtype.kind in "iu" or (values.dtype.kind == "f" and np.all(values == np.round(values)))
    if not whole or len(set(values.tolist())) < len(values):
        what = "are no whole numbers" if not whole else "are not all different"
        raise DataError(
            f"the coordinates of '{dim}' {what}: got {values.tolist()[:6]}; number them anew by "
            f"recording.assign_coords({dim}=range({len(values)}))"
        )
    return [int(number) for number in values]


def snapshot_places(recording: xarray.Dataset) -> np.ndarray:
    """The position of the first trial of each snapshot of weights."""
    snapshots = np.asarray(recording[SNAPSHOT].values)
    trials = recording.sizes.get("trial", 0)
    if "epoch" not in recording.coords:
        return trials // max(1, len(snapshots)) * np.arange(len(snapshots))
    epochs = np.asarray(recording["epoch"].values).reshape(-1)
    return np.array([next((n for n, epoch in enumerate(epochs) if epoch >= wanted), trials) for wanted in snapshots])


def unit_said(name: str, variable: Any) -> str:
    """The unit in a variable's attributes; without one, ``1`` and a warning."""
    attrs: Mapping[str, Any] = variable.attrs
    if "units" not in attrs:
        warnings.warn(
            f"'{name}' has no attribute 'units' any more, and is exported as a pure number; say it by "
            f"recording['{name}'].attrs['units'] = 'volt', for instance",
            NeurosimWarning,
            stacklevel=4,
        )
    return str(attrs.get("units", "1"))


def _check_variable(name: str, variable: Any) -> None:
    dims = tuple(variable.dims)
    if len(dims) != 3 or not {"time", "trial"} <= set(dims):
        hint = "; select with lists, as in isel(trial=[0]), to keep all three" if len(dims) < 3 else ""
        raise DataError(f"'{name}' has the dimensions {dims}, expected (time, trial, neuron){hint}")
    if variable.dtype.kind not in "biuf":
        raise DataError(f"'{name}' holds {variable.dtype}, expected numbers, or True and False for spikes")
    if not variable.size:
        raise DataError(f"'{name}' is empty: its shape is {variable.shape}")


def seconds_of(time: Any) -> np.ndarray:
    """A time coordinate in seconds, whatever its unit."""
    values = np.asarray(time.values)
    if values.dtype.kind == "m":
        return values / np.timedelta64(1, "s")
    if values.dtype.kind not in "fiu" or not np.all(np.isfinite(values)):
        raise DataError(f"the coordinate '{time.name}' holds {values.dtype}, expected seconds, finite numbers")
    unit = str(time.attrs.get("units", "second"))
    try:
        scale = 1.0 if unit in ("second", "s") else parse_quantity(f"1 {unit}", "second")
    except UnitError as error:
        raise DataError(f"the coordinate '{time.name}' is in '{unit}', expected a unit of time ({error})") from error
    return values.astype(float) if scale == 1.0 else values * scale
