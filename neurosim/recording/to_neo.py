"""Recordings as Neo objects, and as a file that Neo reads."""

from __future__ import annotations

import functools
import operator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import ConfigError
from neurosim.recording.exchange import (
    SNAPSHOT,
    check_recording,
    needs,
    population_of,
    spike_times,
    spikes_of,
    synapses_of,
    traces_of,
    trial_columns,
    trials_a_snapshot,
    unit_name,
    written,
)

if TYPE_CHECKING:
    import xarray


def to_neo(recording: xarray.Dataset) -> Any:
    """A recording as a ``neo.Block``: one Segment a trial.

    Each variable over time is an AnalogSignal ``(time, neuron)`` with unit, sampling rate and start; each neuron's
    spikes are a SpikeTrain, annotated with its population and number. The block holds the recording in memory.
    Of what was recorded while a model was trained, segments have the annotations ``epoch`` and ``row``, and weights are
    an IrregularlySampledSignal in the first of them: a row for each recorded epoch, all synapses in it, and as times
    when its trials begin if all follow one another; epochs and shape are annotations.

    Parameters
    ----------
    recording
        Of `neurosim.simulate`.

    Returns
    -------
    neo.Block
        One Segment a trial.

    Raises
    ------
    DataError
        It is no recording.
    ConfigError
        Neo is not installed.

    Examples
    --------
    >>> from neurosim import NeuronModel, simulate
    >>> leak = NeuronModel("dv/dt = (i_ext - v)/tau : 1", parameters={"tau": "10 ms", "i_ext": 1})
    >>> len(to_neo(simulate(leak, "5 ms", trials=3)).segments)
    3
    """
    try:
        import neo
        import quantities
    except ImportError:
        raise needs("neo", "Neo") from None
    check_recording(recording)
    step = float(recording.attrs["dt"])
    time = recording.time.values
    start, stop = float(time[0]), float(time[0]) + len(time) * step
    block = neo.Block(name=str(recording.attrs.get("model", "")), description="simulated with neurosim")
    trains = {name: spike_times(recording[name], time) for name in spikes_of(recording)}
    known = trial_columns(recording)
    count = next((size for name, size in recording.sizes.items() if name == "trial"), 0)
    for trial in range(count):
        more = {column: int(values[trial]) for column, values in known.items()}
        segment = neo.Segment(name=f"trial {trial}", index=trial, **more)
        for name in synapses_of(recording) if not trial else ():
            segment.irregularlysampledsignals.append(_synapses(recording, name, start, len(time) * step))
        for name in traces_of(recording):
            variable = recording[name]
            segment.analogsignals.append(
                neo.AnalogSignal(
                    variable.isel(trial=trial).values,
                    units=_quantity(unit_name(str(variable.attrs.get("units", "1"))), quantities),
                    sampling_rate=1 / step * quantities.Hz,
                    t_start=start * quantities.s,
                    name=name,
                    population=population_of(recording, name),
                )
            )
        for name, found in trains.items():
            for neuron, times in enumerate(found[trial]):
                segment.spiketrains.append(
                    neo.SpikeTrain(
                        np.asarray(times),
                        units="s",
                        t_start=start * quantities.s,
                        t_stop=stop * quantities.s,
                        name=f"{population_of(recording, name)} {neuron}",
                        population=population_of(recording, name),
                        neuron=neuron,
                    )
                )
        block.segments.append(segment)
    block.check_relationships()
    return block


def _synapses(recording: xarray.Dataset, name: str, start: float, length: float) -> Any:
    import neo
    import quantities

    weights, epochs = recording[name].values, recording[SNAPSHOT].values
    return neo.IrregularlySampledSignal(
        (start + length * trials_a_snapshot(recording) * np.arange(len(epochs))) * quantities.s,
        weights.reshape(len(epochs), -1),
        units=quantities.dimensionless,
        name=name,
        epochs=epochs.tolist(),
        shape=list(weights.shape[1:]),
    )


def save_neo(recording: xarray.Dataset, path: str | Path) -> Path:
    """Write a recording with Neo, as a ``.mat`` file (``neo.io.NeoMatlabIO``), which MATLAB opens, too.

    Raises
    ------
    DataError
        It is no recording, or cannot be written.
    ConfigError
        Neo is not installed, there is something at `path`, or its suffix is another.
    """
    file = Path(path)
    if file.suffix != ".mat":
        raise ConfigError(f"{file}: got the suffix '{file.suffix}', expected .mat")
    block = to_neo(recording)
    from neo.io import NeoMatlabIO

    return written(file, lambda temporary: NeoMatlabIO(str(temporary)).write_block(block))


def _quantity(name: str, quantities: Any) -> Any:
    """A unit of `quantities`, of the names that `unit_name` gives; nothing is evaluated."""
    if name == "1":
        return quantities.dimensionless
    factors = []
    for part in name.replace("**", "^").split("*"):
        base, _, power = part.partition("^")
        factors.append(getattr(quantities, base) ** (float(power) if power else 1))
    return functools.reduce(operator.mul, factors)
