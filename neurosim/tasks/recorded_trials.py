"""Your own trials over time: arrays in an .npz file or a Zarr store, with inputs as numbers or as spike times.

Inputs are ``(trial, time, n)``, targets ``(trial, time, k)``; in a store with named axes these may lie in any order.
Spikes are three arrays of one entry a spike: the trial, the time from the trial's beginning, and the neuron.
"""

from __future__ import annotations

import operator
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from neurosim.border import PATH
from neurosim.errors import DataError
from neurosim.tasks._input_spikes import InputSpikes, refuse_unsorted
from neurosim.tasks._recorded import arrays_of
from neurosim.tasks._splitting import parted, parted_by_class
from neurosim.tasks._task import Task
from neurosim.tasks._temporal import Duration, constant_floors
from neurosim.tasks._timed import TimedSplit
from neurosim.units import format_quantity, parse_quantity

_SPIKES = ("trial", "time", "neuron")


class Config(BaseModel):
    """Settings of a user's trials.

    Attributes
    ----------
    path
        The file or the store, relative to the folder of the model file that says so, else to the working directory.
    inputs, targets
        Names of the arrays. Targets that are the same in all trials have no axis of trials.
    spikes, n_inputs
        Instead of inputs: the beginning of the names of three arrays, ``<spikes>_trial``, ``<spikes>_time`` and
        ``<spikes>_neuron``, and how many neurons there are, silent ones among them.
    mask, trial_type, labels
        Names of the arrays that say how much each step counts, ``(trial, time)``; to which type each trial belongs; and
        which decision is right, whole numbers ``(trial,)``. Without labels it is a regression.
    time, dt
        Where steps lie in time: the name of an array of evenly spaced times, or the time between two of them.
    time_unit
        Unit of the numbers in arrays of times.
    test_fraction, validation_fraction
        Shares of trials that are held out: of all for the test, of the rest for validation; of trials with each label
        in its share.
    split_seed
        Which trials are held out; apart from the seed of the run.
    stream
        Whether trials are streams: each is one long recording, which training cuts into windows without a reset.
    standardise
        Centre and scale each input by the training split; inputs that are spikes stay as they are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    inputs: str | None = None
    targets: str = "targets"
    spikes: str | None = None
    n_inputs: PositiveInt | None = None
    mask: str | None = None
    trial_type: str | None = None
    labels: str | None = None
    time: str | None = None
    dt: Duration | None = None
    time_unit: Duration = "1 second"
    test_fraction: float = Field(default=0.2, gt=0, lt=1)
    validation_fraction: float = Field(default=0.1, ge=0, lt=1)
    split_seed: int = Field(default=0, ge=0, lt=2**64)
    standardise: bool = False
    stream: bool = Field(default=False, exclude_if=operator.not_)

    @model_validator(mode="after")
    def _says_enough(self) -> Config:
        if (self.inputs is None) == (self.spikes is None):
            got = "neither inputs nor spikes" if self.inputs is None else "both inputs and spikes"
            raise ValueError(f"inputs: got {got}, expected one of them")
        if (self.spikes is None) != (self.n_inputs is None):
            got = "none" if self.n_inputs is None else "a number"
            raise ValueError(f"n_inputs: got {got}, expected it with spikes, and only with them: silent neurons count")
        if (self.time is None) == (self.dt is None):
            got = "neither time nor dt" if self.time is None else "both time and dt"
            raise ValueError(f"dt: got {got}, expected one of them")
        if self.stream and self.labels is not None:
            raise ValueError(f"labels: got '{self.labels}' with stream = true, expected none: a stream decides nothing")
        return self

    @property
    def names(self) -> dict[str, str]:
        """The arrays that are read: setting -> name."""
        given = {key: getattr(self, key) for key in ("inputs", "targets", "mask", "trial_type", "labels", "time")}
        if self.spikes is not None:
            given |= {f"spikes_{each}": f"{self.spikes}_{each}" for each in _SPIKES}
        return {key: name for key, name in given.items() if name is not None}


def look(config: Config) -> None:
    """Refuse a file that is missing or lacks arrays, before anything heavy is imported to read it.

    Raises
    ------
    DataError, ConfigError
        As `load`.
    """
    recorded = arrays_of(PATH("task.path", config.path))
    recorded.read({key: name for key, name in config.names.items() if name not in recorded.names})


def load(config: Config, *, seed: int) -> Task:
    """Read the trials and split them.

    Parameters
    ----------
    config
        The settings.
    seed
        The seed of the run; these data do not depend on it.

    Raises
    ------
    DataError
        A file that is missing, too large or damaged; trials that do not fit together, with the number of the trial in
        the file.
    ConfigError
        Arrays that are not there, or settings that do not fit the data.
    """
    recorded = arrays_of(PATH("task.path", config.path))
    arrays = recorded.read(config.names)
    try:
        whole = _whole(config, arrays)
    except DataError as error:
        raise DataError(f"{recorded.path}: {error}") from error
    shares = (config.test_fraction, config.validation_fraction, config.split_seed)
    if whole.labels is None:
        rows = parted(len(whole), *shares)
    else:
        names, codes = np.unique(whole.labels, return_inverse=True)
        rows = parted_by_class(codes, names.tolist(), *shares)
    if config.standardise and not whole.events:
        whole = _standardised(whole, rows[0])
    splits = [whole.of_trials(each) for each in rows]
    kind = "regression" if whole.labels is None else "classification"
    floors = constant_floors(splits[0])
    return Task("recorded_trials", *splits, kind=kind, files=recorded.files(), floors=floors, stream=config.stream)


def _whole(config: Config, arrays: dict[str, np.ndarray]) -> TimedSplit:
    """All trials in the order of the file."""
    unit = parse_quantity(config.time_unit, "second")
    dt = _grid_step(arrays["time"].astype(float) * unit) if config.dt is None else parse_quantity(config.dt, "second")
    targets = arrays["targets"]
    given: dict[str, Any] = {key: arrays[key] for key in ("mask", "trial_type", "labels") if key in arrays}
    if config.spikes is None:
        inputs: Any = arrays["inputs"]
    else:
        if targets.ndim != 3:
            raise DataError(f"'{config.targets}' has shape {targets.shape}, expected (trial, time, k) with spikes")
        inputs = _spikes(config, arrays, targets.shape[:2], unit, dt)
    if "time" in arrays and len(arrays["time"]) != targets.shape[-2]:
        raise DataError(
            f"'{config.time}' has {len(arrays['time'])} times, expected {targets.shape[-2]} as '{config.targets}' has "
            "steps"
        )
    return TimedSplit(inputs, targets, dt, **given)


def _spikes(config: Config, arrays: dict[str, np.ndarray], shape: Any, unit: float, dt: float) -> InputSpikes:
    trial, time, neuron = (arrays[f"spikes_{each}"] for each in _SPIKES)
    trials, steps = shape
    if len({np.shape(each) for each in (trial, time, neuron)}) > 1 or time.ndim != 1:
        shapes = ", ".join(f"'{config.spikes}_{each}' {arrays[f'spikes_{each}'].shape}" for each in _SPIKES)
        raise DataError(f"spikes: got the shapes {shapes}, expected one entry a spike in each")
    seconds = time.astype(float) * unit
    if "time" in arrays:
        # Both count from wherever the recording does.
        seconds = seconds - float(arrays["time"][0]) * unit
    refuse_unsorted("spikes", trial, seconds)
    assert config.n_inputs is not None
    return InputSpikes.at_times(trial, seconds, neuron, trials=trials, steps=steps, n=config.n_inputs, dt=dt)


def _grid_step(times: np.ndarray) -> float:
    """The time between two steps, in seconds."""
    if times.ndim != 1 or len(times) < 2:
        raise DataError(f"time: got shape {times.shape}, expected at least two times, one for each step of all trials")
    if not np.isfinite(times).all():
        raise DataError(f"time: step {int(np.flatnonzero(~np.isfinite(times))[0])} is not finite")
    steps = np.diff(times)
    falls = np.flatnonzero(steps <= 0)
    if len(falls):
        at = int(falls[0])
        raise DataError(
            f"time: step {at + 1} is at {times[at + 1]:g} s, not after {times[at]:g} s of the step before; expected "
            "times that rise: sort them, with what belongs to them"
        )
    # Without the last digits, which differences of times lose.
    dt = float(f"{(times[-1] - times[0]) / (len(times) - 1):.9g}")
    off = np.abs(times - times[0] - dt * np.arange(len(times)))
    if off.max() > 1e-3 * dt:
        at = int(np.argmax(off > 1e-3 * dt))
        grid = format_quantity(dt, "second")
        raise DataError(
            f"time: step {at} is at {times[at]:g} s, off the grid of {grid} from {times[0]:g} s on; expected evenly "
            "spaced times: interpolate onto a grid"
        )
    return dt


def _standardised(whole: TimedSplit, train: np.ndarray) -> TimedSplit:
    seen = whole.inputs[train].reshape(-1, whole.n_inputs).astype(float)
    mean, scale = seen.mean(axis=0), seen.std(axis=0)
    inputs = (whole.inputs - mean) / np.where(scale > 0, scale, 1.0)
    return TimedSplit(inputs, whole.targets, whole.dt, whole.mask, whole.trial_type, whole.labels)
