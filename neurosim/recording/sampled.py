"""What a recording has apart from variables of neurons at its own times: weights, and what has times of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurosim.errors import DataError
from neurosim.recording.exchange import SNAPSHOT, unit_name
from neurosim.recording.selection import Timing, is_apart, numbers_along, seconds_of, unit_said

if TYPE_CHECKING:
    import xarray

#: How dimensions of synapses begin.
_SYNAPTIC = ("post", "pre", "synapse", "row", "column")


@dataclass(frozen=True)
class Sampled:
    """A variable of synapses, or of neurons at times of its own.

    Attributes
    ----------
    name
        ``EE.w``.
    time
        Of each sample, in seconds.
    values
        The numbers, ``(sample, trial, place, ...)``.
    places
        Along each dimension of places: its name, and the numbers of what lies there.
    unit
        A name of `unit_name`.
    synaptic
        Whether it is of synapses, each by itself.
    at_end
        Whether it is what was learned, as it is at the end.
    """

    name: str
    time: np.ndarray
    values: xarray.DataArray
    places: dict[str, list[int]]
    unit: str
    synaptic: bool
    at_end: bool

    @property
    def description(self) -> str:
        """A sentence for other tools."""
        what = ", as it was learned, at the end" if self.at_end else ""
        axes = f", with the axes {', '.join(self.places)}" if self.places else ""
        return f"'{self.name}'{what}{axes}; simulated"


def sampled_of(recording: xarray.Dataset, timing: Timing) -> Iterator[Sampled]:
    """All such variables of a recording, as it was before it was brought in order.

    Raises
    ------
    DataError
        A variable has no trials, times are missing, or numbers of places are none.
    """
    for each, variable in recording.data_vars.items():
        name, dims = str(each), [str(dim) for dim in variable.dims]
        if not is_apart(dims) or SNAPSHOT in dims:
            continue
        when = next((dim for dim in dims if dim == "time" or dim.startswith("time_")), None)
        if "trial" not in dims:
            raise DataError(f"'{name}' has the dimensions {tuple(dims)}, expected trials; select with isel(trial=[0])")
        if variable.dtype.kind not in "biuf" or not variable.size:
            raise DataError(f"'{name}' holds {variable.dtype} of shape {variable.shape}, expected numbers")
        if when is None:
            time, values = np.array([timing.begin + timing.length]), variable.expand_dims("sample")
        elif when not in recording.coords:
            raise DataError(f"'{name}' has samples along '{when}', of which there are no times")
        else:
            time, values = seconds_of(recording[when]), variable.rename({when: "sample"})
        values = values.transpose("sample", "trial", ...)
        places = {str(dim): numbers_along(values, str(dim)) for dim in values.dims[2:]}
        synaptic = any(dim.startswith(_SYNAPTIC) for dim in places)
        unit = unit_name(unit_said(name, variable))
        yield Sampled(name, time, values, places, unit, synaptic, when is None)
