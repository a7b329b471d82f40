"""Recordings as Neo objects, and as a file that Neo reads."""

from __future__ import annotations

import functools
import operator
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.border import PATH, public
from neurosim.errors import ConfigError, NeurosimWarning
from neurosim.recording.exchange import (
    SNAPSHOT,
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
from neurosim.recording.sampled import Sampled, sampled_of
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


@public(recording=check_recording)
def to_neo(recording: xarray.Dataset) -> Any:
    """A recording as a ``neo.Block``: one Segment a trial.

    Each variable over time is an AnalogSignal ``(time, neuron)`` with unit, sampling rate and start; each neuron's
    spikes are a SpikeTrain, annotated with its population and number. The block holds the recording in memory.
    Of what was recorded while a model was trained, segments have the annotations ``epoch`` and ``row``, and weights are
    an IrregularlySampledSignal in the first of them: a row for each recorded epoch, all synapses in it, and as times
    when its trials begin if all follow one another; epochs and shape are annotations. Weights within a simulation or
    at its end, and variables at times of their own, are IrregularlySampledSignals of each trial with all places in a
    row; their dimensions and shape are annotations. What was selected of a recording
    keeps its times and the numbers of its trials and neurons; at irregular times it is an IrregularlySampledSignal.

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
    given, recording = recording, in_order(recording)
    timing = timing_of(recording)
    apart = list(sampled_of(given, timing))
    block = neo.Block(name=str(recording.attrs.get("model", "")), description="simulated with neurosim")
    spikes = {name: spikes_in(recording, name, timing.time) for name in spikes_of(recording)}
    trains = {name: spikes_in_time.times() for name, spikes_in_time in spikes.items()}
    known = trial_columns(recording)
    for trial, number in enumerate(numbers_along(recording, "trial") if "trial" in recording.dims else []):
        more = {column: int(values[trial]) for column, values in known.items()}
        segment = neo.Segment(name=f"trial {number}", index=number, **more)
        for name in synapses_of(recording) if not trial else ():
            segment.irregularlysampledsignals.append(_synapses(recording, name, timing))
        for name in traces_of(recording):
            kept = segment.analogsignals if timing.step is not None else segment.irregularlysampledsignals
            kept.append(_signal(recording, name, trial, timing))
        segment.irregularlysampledsignals.extend([_sampled(each, trial) for each in apart])
        for name, spikes_in_time in trains.items():
            for neuron, times in zip(spikes[name].neurons.tolist(), spikes_in_time[trial], strict=True):
                segment.spiketrains.append(
                    neo.SpikeTrain(
                        np.asarray(times),
                        units="s",
                        t_start=timing.begin * quantities.s,
                        t_stop=(timing.begin + timing.length) * quantities.s,
                        name=f"{population_of(recording, name)} {neuron}",
                        population=population_of(recording, name),
                        neuron=neuron,
                    )
                )
        block.segments.append(segment)
    block.check_relationships()
    return block


def _signal(recording: xarray.Dataset, name: str, trial: int, timing: Timing) -> Any:
    import neo
    import quantities

    variable = recording[name]
    settings: dict[str, Any] = {
        "units": _quantity(unit_name(unit_said(name, variable)), quantities),
        "name": name,
        "population": population_of(recording, name),
        "array_annotations": {"neuron": np.asarray(numbers_along(variable, str(variable.dims[2])))},
    }
    values = variable.isel(trial=trial).values
    if timing.step is None:
        return neo.IrregularlySampledSignal(timing.time * quantities.s, values, **settings)
    rate = 1 / timing.step * quantities.Hz
    return neo.AnalogSignal(values, sampling_rate=rate, t_start=timing.begin * quantities.s, **settings)


def _sampled(sampled: Sampled, trial: int) -> Any:
    """One trial of what has times of its own; Neo's signals have one axis of places."""
    import neo
    import quantities

    values = sampled.values.isel(trial=trial).values
    return neo.IrregularlySampledSignal(
        sampled.time * quantities.s,
        values.reshape(len(sampled.time), -1),
        units=_quantity(sampled.unit, quantities),
        name=sampled.name,
        description=sampled.description,
        dimensions=list(sampled.places),
        shape=list(values.shape[1:]),
    )


def _synapses(recording: xarray.Dataset, name: str, timing: Timing) -> Any:
    import neo
    import quantities

    weights, epochs = recording[name].values, recording[SNAPSHOT].values
    return neo.IrregularlySampledSignal(
        (timing.begin + timing.length * snapshot_places(recording)) * quantities.s,
        weights.reshape(len(epochs), -1),
        units=quantities.dimensionless,
        name=name,
        epochs=epochs.tolist(),
        shape=list(weights.shape[1:]),
    )


@public(recording=check_recording, path=PATH)
def save_neo(recording: xarray.Dataset, path: str | Path) -> Path:
    """Write a recording with Neo, as a ``.mat`` file (``neo.io.NeoMatlabIO``), which MATLAB opens, too.

    What has one sample, such as weights at the end, is left out with a warning: Neo cannot read it back.

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
    _leave_out_single(block)
    from neo.io import NeoMatlabIO

    return written(file, lambda temporary: NeoMatlabIO(str(temporary)).write_block(block))


def _leave_out_single(block: Any) -> None:
    """Leave out signals of one sample, whose axes the file does not keep."""
    left: dict[str, None] = {}
    for segment in block.segments:
        kept = [signal for signal in segment.irregularlysampledsignals if len(signal) > 1]
        left |= {signal.name: None for signal in segment.irregularlysampledsignals if len(signal) == 1}
        segment.irregularlysampledsignals = kept
    if left:
        warnings.warn(
            f"{', '.join(left)}: left out, because Neo cannot read signals of one sample from its MATLAB files; export "
            "to NWB or CSV, or take neurosim.to_neo",
            NeurosimWarning,
            stacklevel=4,
        )


def _quantity(name: str, quantities: Any) -> Any:
    """A unit of `quantities`, of the names that `unit_name` gives; nothing is evaluated."""
    if name == "1":
        return quantities.dimensionless
    factors = []
    for part in name.replace("**", "^").split("*"):
        base, _, power = part.partition("^")
        factors.append(getattr(quantities, base) ** (float(power) if power else 1))
    return functools.reduce(operator.mul, factors)
