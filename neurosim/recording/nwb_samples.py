"""What has times of its own, in NWB: weights as tables, variables of neurons as series."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neurosim.recording.sampled import Sampled
from neurosim.recording.selection import Timing

# Gigabytes of values in memory at once, and bytes of a chunk in the file.
_BUFFER = 0.05
_CHUNK = 1 << 20
#: NWB's own names of units.
UNITS = {"volt": "volts", "ampere": "amperes", "1": "n.a."}


def add_table(session: Any, sampled: Sampled, trial: tuple[int, int], timing: Timing) -> None:
    """Weights of a trial as a table with a row for each sample: no TimeSeries, because they have few long rows.

    Parameters
    ----------
    trial
        Its place in the recording, and its number.
    """
    from hdmf.backends.hdf5.h5_utils import H5DataIO
    from hdmf.common import DynamicTable, VectorData

    data_io: Any = H5DataIO
    column: Any = VectorData
    table: Any = DynamicTable
    chosen = [f"{dim} {n}" for dim, n in sampled.places.items() if n != list(range(len(n)))]
    what = "; ".join([f"{sampled.description}, in {UNITS.get(sampled.unit, sampled.unit)}", *chosen])
    data = data_io(pieces(sampled.values.isel(trial=trial[0])), compression="gzip", compression_opts=1)
    columns = [
        column(name="time", description="of the sample, in seconds", data=_times(sampled, trial, timing)),
        column(name=safe_name(sampled.name), description=what, data=data),
    ]
    name, description = _name(sampled, trial), f"a row for each sample of {sampled.name}"
    weights_module(session, "synapses").add(table(name=name, description=description, columns=columns))


def add_series(session: Any, sampled: Sampled, trial: tuple[int, int], timing: Timing) -> None:
    """A variable of neurons, or a sum, at times of its own."""
    from pynwb import TimeSeries

    series: Any = TimeSeries
    values = sampled.values.isel(trial=trial[0]).values
    session.add_acquisition(
        series(
            name=_name(sampled, trial),
            description=sampled.description,
            data=values.reshape(len(values), -1),
            unit=UNITS.get(sampled.unit, sampled.unit),
            timestamps=_times(sampled, trial, timing),
        )
    )


def _name(sampled: Sampled, trial: tuple[int, int]) -> str:
    # The only trial of a selection keeps its number, too.
    several = sampled.values.sizes["trial"] > 1 or trial[1] > 0
    return safe_name(f"{sampled.name} trial {trial[1]}" if several else sampled.name)


def safe_name(name: str) -> str:
    """A name without what NWB refuses: a slash would be a place in the file."""
    return name.replace("/", "_").replace(":", "_")


def _times(sampled: Sampled, trial: tuple[int, int], timing: Timing) -> np.ndarray:
    """When samples were taken in the session's time, in which trials follow one another."""
    return trial[0] * timing.length + sampled.time


def weights_module(session: Any, description: str) -> Any:
    """The module with weights, made once."""
    known = session.processing.get("weights") if session.processing else None
    return known if known is not None else session.create_processing_module("weights", description)


def pieces(variable: Any) -> Any:
    """A variable, such as ``(time, neuron)``, read piece by piece while it is written."""
    from hdmf.data_utils import GenericDataChunkIterator

    class Pieces(GenericDataChunkIterator):
        def _get_data(self, selection: tuple[slice, ...]) -> np.ndarray:
            return np.asarray(variable[selection].values)

        def _get_maxshape(self) -> tuple[int, ...]:
            return tuple(variable.shape)

        def _get_dtype(self) -> np.dtype:
            return variable.dtype

    steps, *rest = variable.shape
    row = variable.dtype.itemsize * math.prod(rest)
    chunk = (max(1, min(steps, _CHUNK // row)), *rest)
    return Pieces(buffer_gb=max(_BUFFER, 2e-9 * chunk[0] * row), chunk_shape=chunk)
