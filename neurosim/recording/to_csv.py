"""Recordings and metrics as CSV: a folder with one table for each variable, or for each set of dimensions."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.border import PATH, public
from neurosim.errors import DataError
from neurosim.recording.exchange import (
    SNAPSHOT,
    blocks_of,
    spikes_in,
    spikes_of,
    synapses_of,
    traces_of,
    trial_columns,
    unit_name,
    written,
)
from neurosim.recording.sampled import Sampled, sampled_of
from neurosim.recording.selection import check_recording, in_order, numbers_along, timing_of, unit_said

if TYPE_CHECKING:
    import xarray


@public(recording=check_recording, path=PATH)
def to_csv(recording: xarray.Dataset, path: str | Path) -> Path:
    """Write a recording as a folder of tables.

    ``v.csv`` has a row for each step of each trial, ``time (second)``, ``trial`` and one column a neuron with the unit
    in its name; ``spikes.csv`` has a row for each spike, ``trial``, ``neuron``, ``time (second)``.
    A recording during training has ``trials.csv``, too, with ``trial``, ``epoch`` and ``row``, and of
    weights a row for each postsynaptic neuron after each epoch that was recorded. Weights within a simulation, or at
    its end, have tables of their own with ``time (second)``, ``trial``, the numbers of all dimensions but the last
    (``post``), and a column for each number along that (``pre 0 (siemens)``, ``synapse 0``). What was selected
    of a recording keeps its times and the numbers of its trials and neurons.

    Parameters
    ----------
    recording
        Of `neurosim.simulate`, or of a run.
    path
        The folder, which must not exist.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    DataError
        It is no recording, or cannot be written.
    ConfigError
        There is something at `path`.

    Examples
    --------
    >>> from neurosim import NeuronModel, simulate
    >>> leak = NeuronModel("dv/dt = (i_ext - v)/tau : 1", parameters={"tau": "10 ms", "i_ext": 1})
    >>> [path.name for path in to_csv(simulate(leak, "5 ms"), "tables").iterdir()]
    ['v.csv']
    """
    given = recording
    recording = in_order(recording, timeless=True)
    apart = list(sampled_of(given, timing_of(recording))) if "time" in recording.coords else []
    time = recording.time.values if "time" in recording.coords else np.zeros(0)

    def write(folder: Path) -> None:
        folder.mkdir()
        if columns := trial_columns(recording):
            _write_trials(folder, numbers_along(recording, "trial"), columns)
        for name in synapses_of(recording):
            _write_synapses(folder, name, recording[name])
        for sampled in apart:
            _write_sampled(folder, sampled)
        for name in traces_of(recording):
            variable = recording[name]
            unit = unit_name(unit_said(name, variable))
            trials, neurons = (numbers_along(variable, str(dim)) for dim in variable.dims[1:])
            with _table(folder, name) as stream:
                writer = csv.writer(stream)
                shown = "" if unit == "1" else f" ({unit})"
                writer.writerow(["time (second)", "trial", *(f"neuron {n}{shown}" for n in neurons)])
                for begin, block in blocks_of(variable):
                    for step, trial in np.ndindex(block.shape[:2]):
                        values = map(repr, block[step, trial].tolist())
                        writer.writerow([repr(float(time[begin + step])), trials[trial], *values])
        for name in spikes_of(recording):
            with _table(folder, name) as stream:
                writer = csv.writer(stream)
                writer.writerow(["trial", "neuron", "time (second)"])
                spikes = spikes_in(recording, name, time)
                for trial, row in zip(spikes.trials.tolist(), spikes.times(), strict=True):
                    for neuron, times in zip(spikes.neurons.tolist(), row, strict=True):
                        writer.writerows([trial, neuron, repr(float(each))] for each in times)

    return written(Path(path), write)


@public(path=PATH)
def metrics_to_csv(metrics: xarray.Dataset, path: str | Path) -> Path:
    """Write the measurements of a run as tables, one for each set of dimensions, such as ``epoch_layer.csv``.

    Raises
    ------
    DataError
        There is nothing in it, or it cannot be written.
    ConfigError
        There is something at `path`.
    """
    if not metrics.data_vars:
        raise DataError("nothing was measured, so there is nothing to export")
    groups: dict[tuple[str, ...], list[Any]] = {}
    for name, variable in metrics.data_vars.items():
        groups.setdefault(tuple(map(str, variable.dims)), []).append(name)

    def write(folder: Path) -> None:
        folder.mkdir()
        for dims, names in groups.items():
            frame = metrics[names].to_dataframe() if dims else metrics[names].expand_dims("run").to_dataframe()
            frame.to_csv(folder / f"{_file_name('_'.join(dims) or 'numbers')}.csv")

    return written(Path(path), write)


def _write_trials(folder: Path, numbers: Sequence[int], columns: Mapping[str, np.ndarray]) -> None:
    with _table(folder, "trials") as stream:
        writer = csv.writer(stream)
        writer.writerow(["trial", *columns])
        writer.writerows(zip(numbers, *(column.tolist() for column in columns.values()), strict=True))


def _write_synapses(folder: Path, name: str, variable: xarray.DataArray) -> None:
    with _table(folder, name) as stream:
        writer = csv.writer(stream)
        writer.writerow(["epoch", "post", *(f"pre {n}" for n in numbers_along(variable, str(variable.dims[-1])))])
        # Weights of synapses in a list have one row.
        rows = numbers_along(variable, str(variable.dims[1])) if variable.ndim > 2 else [0]
        for number, epoch in enumerate(variable[SNAPSHOT].values.tolist()):
            # One at a time: there may be very many.
            for post, row in zip(rows, np.atleast_2d(variable[number].values).tolist(), strict=True):
                writer.writerow([epoch, post, *map(repr, row)])


def _write_sampled(folder: Path, sampled: Sampled) -> None:
    *outer, last = sampled.places.items() or [("", [0])]
    shown = "" if sampled.unit == "1" else f" ({sampled.unit})"
    trials = numbers_along(sampled.values, "trial")
    with _table(folder, sampled.name) as stream:
        writer = csv.writer(stream)
        heads = [f"{last[0]} {n}{shown}" for n in last[1]] if sampled.places else [f"{sampled.name}{shown}"]
        writer.writerow(["time (second)", "trial", *(dim for dim, _ in outer), *heads])
        for begin, block in blocks_of(sampled.values):
            for place in np.ndindex(block.shape[: 2 + len(outer)]):
                inner = [numbers[at] for (_, numbers), at in zip(outer, place[2:], strict=True)]
                row = np.atleast_1d(block[place]).tolist()
                writer.writerow(
                    [repr(float(sampled.time[begin + place[0]])), trials[place[1]], *inner, *map(repr, row)]
                )


def _table(folder: Path, name: str) -> Any:
    return (folder / f"{_file_name(name)}.csv").open("w", newline="", encoding="utf-8")


def _file_name(name: str) -> str:
    """A safe file name: the variable's name may come from a stranger's file."""
    return "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name).lstrip(".") or "_"
