"""Recordings as files of Neurodata Without Borders (NWB 2), read by PyNWB, Neo, MatNWB and archives such as DANDI.

Trials follow one another in the session's time; the table of trials has the start of each. Values are copied in
pieces, so that a recording on disk need not fit into memory.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.border import PATH, instance, optional, public
from neurosim.recording.exchange import (
    SNAPSHOT,
    TRIAL_COLUMNS,
    needs,
    population_of,
    spikes_in,
    spikes_of,
    synapses_of,
    traces_of,
    trial_columns,
    unit_name,
    written,
)
from neurosim.recording.nwb_samples import UNITS, add_series, add_table, pieces, safe_name, weights_module
from neurosim.recording.sampled import sampled_of
from neurosim.recording.selection import (
    Timing,
    check_recording,
    in_order,
    numbers_along,
    snapshot_places,
    timing_of,
    unit_said,
)

if TYPE_CHECKING:
    import xarray


@public(
    recording=check_recording,
    path=PATH,
    description=instance(str, expected="text"),
    session_start=optional(instance(datetime, expected="a datetime with a time zone")),
)
def to_nwb(
    recording: xarray.Dataset,
    path: str | Path,
    *,
    description: str = "",
    session_start: datetime | None = None,
) -> Path:
    """Write a recording as an NWB file.

    Each variable over time is a TimeSeries ``(time, neuron)`` with unit and sampling rate under ``acquisition``, one
    for each trial; each neuron that spikes is a row of ``units``, with its population and number. Of what was
    recorded while a model was trained, the table of trials has the epochs, and weights are a table of the module
    ``weights`` with a row for each recorded epoch. Weights within a simulation or at its end are tables there, one
    for each trial, with a row for each sample; a variable of neurons at times of its own is a TimeSeries with
    timestamps. What was selected of a recording keeps its times, as timestamps
    where they are irregular, and the numbers of its trials and neurons.

    Parameters
    ----------
    recording
        A recording of `neurosim.simulate`, in memory or opened from a store.
    path
        The ``.nwb`` file, which must not exist.
    description
        Of the session.
    session_start
        Start of the session, with a time zone; now by default.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    DataError
        It is no recording, or cannot be written.
    ConfigError
        PyNWB is not installed, or there is something at `path`.

    Examples
    --------
    >>> from neurosim import NeuronModel, simulate
    >>> leak = NeuronModel("dv/dt = (i_ext - v)/tau : 1", parameters={"tau": "10 ms", "i_ext": 1})
    >>> to_nwb(simulate(leak, "5 ms"), "recording.nwb").name
    'recording.nwb'
    """
    try:
        import pynwb
    except ImportError:
        raise needs("pynwb", "NWB") from None
    given, recording = recording, in_order(recording)
    timing = timing_of(recording)
    model = str(recording.attrs.get("model", "a circuit"))
    session = pynwb.NWBFile(
        session_description=description or f"Simulation of {model} with neurosim",
        identifier=str(uuid.uuid4()),
        session_start_time=session_start or datetime.now(UTC),
        # Archives require a subject, though there is no animal.
        subject=pynwb.file.Subject(
            subject_id="simulation", description=f"no animal: the model {model}", sex="U", age="P0D"
        ),
    )
    known = trial_columns(recording)
    for column in known:
        session.add_trial_column(name=column, description=TRIAL_COLUMNS[column])
    numbers = numbers_along(recording, "trial")
    for place, number in enumerate(numbers):
        more = {column: int(values[place]) for column, values in known.items()}
        start = timing.begin + place * timing.length
        session.add_trial(start_time=start, stop_time=start + timing.length, id=number, **more)
    for name in traces_of(recording):
        unit = unit_name(unit_said(name, recording[name]))
        for place, number in enumerate(numbers):
            _add_trace(session, recording, name, (place, number), unit, timing)
    _add_synapses(session, recording, timing)
    for sampled in sampled_of(given, timing):
        for trial in enumerate(numbers):
            (add_table if sampled.synaptic else add_series)(session, sampled, trial, timing)
    _add_units(session, recording, timing)

    def write(temporary: Path) -> None:
        opened: Any = pynwb.NWBHDF5IO
        with opened(str(temporary), "w") as stream:
            stream.write(session)

    return written(Path(path), write)


def _add_trace(
    session: Any, recording: xarray.Dataset, name: str, trial: tuple[int, int], unit: str, timing: Timing
) -> None:
    """One trial, by its place in the recording and its number."""
    from hdmf.backends.hdf5.h5_utils import H5DataIO
    from pynwb import TimeSeries

    variable, (place, number) = recording[name], trial
    # hdmf creates constructors at run time, which type checkers do not see.
    data_io: Any = H5DataIO
    series: Any = TimeSeries
    # The only trial of a selection keeps its number, too.
    several = recording.sizes["trial"] > 1 or number > 0
    neurons = numbers_along(variable, str(variable.dims[2]))
    chosen = "" if neurons == list(range(len(neurons))) else f": neurons {', '.join(map(str, neurons))}"
    start = timing.begin + place * timing.length
    when: dict[str, Any] = {"starting_time": start, "rate": 1 / timing.step} if timing.step is not None else {}
    session.add_acquisition(
        series(
            name=safe_name(f"{name} trial {number}" if several else name),
            description=f"'{name}' of {population_of(recording, name)}, one column a neuron{chosen}; simulated",
            data=data_io(pieces(variable.isel(trial=place)), compression="gzip", compression_opts=1),
            unit=UNITS.get(unit, unit),
            **(when or {"timestamps": start + (timing.time - timing.begin)}),
        )
    )


def _add_synapses(session: Any, recording: xarray.Dataset, timing: Timing) -> None:
    """Weights as a table with a row for each snapshot: no TimeSeries, because they have few rows and many columns."""
    from hdmf.backends.hdf5.h5_utils import H5DataIO
    from hdmf.common import DynamicTable, VectorData

    names = synapses_of(recording)
    if not names:
        return
    data_io: Any = H5DataIO
    column: Any = VectorData
    table: Any = DynamicTable
    epochs = recording[SNAPSHOT].values
    starts = timing.begin + timing.length * snapshot_places(recording)
    columns = [
        column(name="epoch", description=TRIAL_COLUMNS["epoch"], data=epochs),
        column(name="start_time", description="when the trials of the row begin, in seconds", data=starts),
    ]
    for name in names:
        data = data_io(pieces(recording[name]), compression="gzip", compression_opts=1)
        what = f"'{name}', with the axes {', '.join(map(str, recording[name].dims))}; simulated"
        columns.append(column(name=safe_name(name), description=what, data=data))
    weights_module(session, "synapses while the model was trained").add(
        table(name="weights", description="a row for each recorded epoch", columns=columns)
    )


def _add_units(session: Any, recording: xarray.Dataset, timing: Timing) -> None:
    names = spikes_of(recording)
    if not names:
        return
    session.add_unit_column("population", "the population the neuron belongs to")
    session.add_unit_column("neuron", "the number of the neuron in its population")
    # Trials follow one another without a gap.
    length = timing.length
    observed = [[timing.begin, timing.begin + recording.sizes["trial"] * length]]
    for name in names:
        spikes = spikes_in(recording, name, timing.time)
        spike_times = spikes.times()
        for place, neuron in enumerate(spikes.neurons.tolist()):
            times = np.concatenate([trial * length + row[place] for trial, row in enumerate(spike_times)])
            population = population_of(recording, name)
            session.add_unit(spike_times=times, obs_intervals=observed, population=population, neuron=neuron)
