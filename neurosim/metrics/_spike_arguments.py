"""Checks of the arguments of measures of spike trains, and their labelled results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from neurosim.border import FLAG, MOMENT, TIME, one_of, optional
from neurosim.border.arguments import by_table, having
from neurosim.errors import ArgumentError
from neurosim.metrics._spike_events import SpikeEvents
from neurosim.units import parse_quantity
from neurosim.untyped import Array, UserValue

if TYPE_CHECKING:
    import xarray

#: A measure is the mean of a population, or of each neuron.
PER = one_of("population", "neuron")


def check_spikes(name: str, value: UserValue) -> SpikeEvents:
    """Check that an argument is spikes as events.

    Raises
    ------
    ArgumentError
        It is something else, with how to get them.
    """
    if not isinstance(value, SpikeEvents):
        raise ArgumentError(name, value, "spikes as events: neurosim.spike_events(recording)")
    return value


def seconds(time: str | float) -> float:
    """A time in seconds. Arguments are checked, and numbers then; defaults are still the text that documents them."""
    return parse_quantity(time, "second") if isinstance(time, str) else float(time)


def check_window(name: str, value: UserValue) -> tuple[float, float]:
    """Check that an argument is two moments, the first before the second, and give them in seconds.

    Raises
    ------
    ArgumentError, UnitError
        It is something else.
    """
    expected = "two times, the first before the second, such as ('-20 ms', '50 ms')"
    if isinstance(value, str | Mapping) or not hasattr(value, "__len__") or len(value) != 2:
        raise ArgumentError(name, value, expected)
    begin, end = (MOMENT(f"{name}[{place}]", value[place]) for place in (0, 1))
    if not begin < end:
        raise ArgumentError(name, value, expected)
    return begin, end


measuring = by_table(
    {
        "spikes": check_spikes,
        "target": optional(check_spikes),
        **dict.fromkeys(("bin", "sigma", "max_lag"), TIME),
        "sampling": TIME,
        "onset": MOMENT,
        "window": check_window,
        "per": PER,
        "kernel": one_of("gaussian", "rectangular", "exponential"),
        "border_correction": FLAG,
        "signal": having("a recorded variable, such as recording['E.v']", "dims", "coords"),
        "weights": having("recorded weights, such as recording['EE.w']", "dims", "coords"),
    }
)


def labelled(
    values: np.ndarray,
    dims: Sequence[str],
    coords: Mapping[str, Array | tuple[str, Array]],
    *,
    name: str,
    unit: str,
    long_name: str,
    **attrs: object,
) -> xarray.DataArray:
    """A result with its axes; coordinates over time are in seconds.

    Parameters
    ----------
    values, dims, coords
        As for `xarray.DataArray`. Coordinates ``time`` and ``lag`` get the unit second.
    name, unit, long_name, attrs
        What it is.
    """
    import xarray

    described = {}
    for dim, coord in coords.items():
        plain = not isinstance(coord, tuple)
        described[dim] = xarray.Variable(dim if plain else coord[0], coord if plain else coord[1])
        if dim in ("time", "lag"):
            described[dim].attrs["units"] = "second"
    return xarray.DataArray(values, described, list(dims), name, {"units": unit, "long_name": long_name, **attrs})


def trains(spikes: SpikeEvents, per: str) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    """The dimensions behind time, and their coordinates: trials, and neurons if there is a value for each."""
    coords = {"trial": spikes.trials, "neuron": spikes.neurons}
    dims = ("trial",) if per == "population" else ("trial", "neuron")
    return dims, {dim: coords[dim] for dim in dims}
