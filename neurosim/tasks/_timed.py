"""Trials over time: inputs, targets and a mask on a grid of steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.border import TIME, check_fields, set_fields
from neurosim.errors import DataError
from neurosim.tasks._input_spikes import InputSpikes
from neurosim.tasks._read_only import read_only, single_numbers
from neurosim.units import format_quantity

#: The population, where a circuit has one, whose neurons say by ``r`` of which type a trial is: one for each type.
TRIAL_TYPE = "trial_type"
_ONE_LENGTH = "bring all trials to one length, and give what is added a mask of zero"


@dataclass(frozen=True, eq=False)
class TimedSplit:
    """Trials over time with their targets; the arrays are copied if need be and made read-only.

    The target of a grid step is compared with the state after the input of that step has acted.

    Parameters
    ----------
    inputs
        ``(n, T, d)`` float32, or the spikes of ``d`` neurons as `InputSpikes`.
    targets
        ``(n, T, k)`` float32; ``(T, k)`` for all trials alike.
    dt
        Time between two grid steps, in seconds or as text with a unit.
    mask
        How much each step counts in the trial's loss, ``(n, T)``, not negative; ``(T,)`` for all trials alike. Every
        step counts the same if there is none.
    trial_type
        ``(n,)`` whole numbers from 0: trials of one type share what is expected of them. All are of type 0 by default.
    labels
        ``(n,)`` whole numbers, the right decisions; ``None`` where nothing is decided.

    Raises
    ------
    DataError
        Naming the array and the trial: lengths that do not fit together, numbers that are not finite, a mask that is
        negative or zero throughout.

    Examples
    --------
    >>> inputs, targets = np.zeros((4, 10, 2)), np.ones((4, 10, 1))
    >>> TimedSplit(inputs, targets, dt="10 ms", mask=np.arange(10) >= 5)
    TimedSplit(4 trials of 10 steps of 10 ms, 2 inputs, 1 output)
    """

    inputs: Any
    targets: np.ndarray
    dt: float
    mask: Any = None
    trial_type: Any = None
    labels: np.ndarray | None = None

    def __post_init__(self) -> None:
        check_fields(self, dt=TIME)
        given = self.inputs
        inputs = given if isinstance(given, InputSpikes) else _course("inputs", given, None, self.dt)
        trials, steps = inputs.shape[:2]
        targets = _course("targets", self.targets, (trials, steps), self.dt)
        set_fields(self, inputs=inputs, targets=targets, mask=_mask(self.mask, trials, steps))
        set_fields(self, trial_type=_types(self.trial_type, trials), labels=_labels(self.labels, trials))

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def steps(self) -> int:
        """Grid steps in a trial."""
        return self.targets.shape[1]

    @property
    def n_inputs(self) -> int:
        """Number of inputs, or of the neurons whose spikes are the input."""
        return self.inputs.shape[2]

    @property
    def n_outputs(self) -> int:
        """Number of target values at a time."""
        return self.targets.shape[2]

    @property
    def events(self) -> bool:
        """Whether the inputs are spikes."""
        return isinstance(self.inputs, InputSpikes)

    def of_trials(self, rows: np.ndarray) -> TimedSplit:
        """Some of the trials, in that order."""
        inputs = self.inputs.of_trials(rows) if isinstance(self.inputs, InputSpikes) else self.inputs[rows]
        labels = None if self.labels is None else self.labels[rows]
        return TimedSplit(inputs, self.targets[rows], self.dt, self.mask[rows], self.trial_type[rows], labels)

    def density(self, rows: Any = slice(None)) -> np.ndarray:
        """The mask of some trials as a density in Hz, ``(trial, T)``: its integral over the grid is one."""
        mask = np.asarray(self.mask[rows], np.float64)
        return mask / (mask.sum(axis=1, keepdims=True) * self.dt)

    def wanted(self, rows: Any = slice(None)) -> np.ndarray:
        """The mean target of some trials over the mask, ``(trial, k)``."""
        weights = self.density(rows) * self.dt
        return np.einsum("nt,ntk->nk", weights, self.targets[rows])

    def __repr__(self) -> str:
        outputs = f"{self.n_outputs} output{'s' if self.n_outputs > 1 else ''}"
        length = f"{self.steps} steps of {format_quantity(self.dt, 'second')}"
        kind = "spiking inputs" if self.events else "inputs"
        return f"TimedSplit({len(self)} trials of {length}, {self.n_inputs} {kind}, {outputs})"


def _course(name: str, given: Any, fits: tuple[int, int] | None, dt: float) -> np.ndarray:
    """An array ``(trials, steps, features)`` of finite numbers."""
    alike = fits is not None and np.ndim(_stacked(name, given)) == 2
    array = single_numbers(name, _stacked(name, given))
    if alike and fits is not None:
        array = np.broadcast_to(array, (fits[0], *array.shape))
    if array.ndim != 3 or 0 in array.shape[1:]:
        raise DataError(f"{name}: got shape {array.shape}, expected (trials, steps, features)")
    if fits is not None:
        _same_length(name, array, fits)
    _finite(name, array, dt)
    return array


def _stacked(name: str, given: Any) -> np.ndarray:
    """One array of all trials, which may be given as a list of arrays of one shape each."""
    if isinstance(given, list | tuple):
        shapes = [np.shape(np.asarray(each)) for each in given]
        odd = next((trial for trial, shape in enumerate(shapes) if shape != shapes[0]), None)
        if odd is not None:
            raise DataError(
                f"{name}: trial {odd} has shape {shapes[odd]}, expected {shapes[0]} as trial 0; {_ONE_LENGTH}"
            )
    return np.asarray(given)


def _same_length(name: str, array: np.ndarray, fits: tuple[int, int]) -> None:
    if len(array) != fits[0]:
        raise DataError(
            f"{name}: got {len(array)} trials, expected {fits[0]} as in inputs; give one entry a trial, or leave out "
            "the axis of trials if all are alike"
        )
    if array.shape[1] != fits[1]:
        raise DataError(
            f"{name}: got {array.shape[1]} steps in each trial, expected {fits[1]} as in inputs; {_ONE_LENGTH}"
        )


def _finite(name: str, array: np.ndarray, dt: float) -> None:
    broken = np.asarray(~np.isfinite(array).all(axis=2))
    if not broken.any():
        return
    trial = int(np.flatnonzero(broken.any(axis=1))[0])
    step = int(np.flatnonzero(broken[trial])[0])
    more = int(broken.any(axis=1).sum()) - 1
    others = f" (and {more} more trial{'s' if more > 1 else ''})" if more else ""
    unknown = "give a mask of zero where targets are unknown" if name == "targets" else "fill what is missing"
    raise DataError(
        f"{name}: trial {trial} is not finite in {int(broken[trial].sum())} of {array.shape[1]} steps, the first at "
        f"{format_quantity(step * dt, 'second')}{others}; expected finite numbers: {unknown}, or leave the trial out"
    )


def _mask(given: Any, trials: int, steps: int) -> np.ndarray:
    if given is None:
        return np.broadcast_to(read_only(np.ones(steps), np.float32), (trials, steps))
    array = single_numbers("mask", _stacked("mask", given))
    if array.ndim == 1:
        array = np.broadcast_to(array, (trials, *array.shape))
    if array.ndim != 2:
        raise DataError(f"mask: got shape {array.shape}, expected (trials, steps), or (steps,) for all trials alike")
    _same_length("mask", array, (trials, steps))
    if not np.isfinite(array).all():
        trial = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise DataError(f"mask: trial {trial} is not finite; expected weights from 0, which is what does not count")
    if (array < 0).any():
        trial, step = (int(each[0]) for each in np.nonzero(array < 0))
        raise DataError(
            f"mask: trial {trial} has {array[trial, step]:g} at step {step}, expected weights from 0, which is what "
            "does not count"
        )
    empty = np.flatnonzero(~array.any(axis=1))
    if len(empty):
        raise DataError(
            f"mask: trial {empty[0]} is zero at all steps, so that it has no loss; expected a weight above zero at "
            "some step, or leave the trial out"
        )
    return array


def _types(given: Any, trials: int) -> np.ndarray:
    if given is None:
        return read_only(np.zeros(trials), np.int64)
    types = _integers("trial_type", given, trials)
    if len(types) and types.min() < 0:
        trial = int(np.argmin(types))
        raise DataError(f"trial_type: trial {trial} has {types[trial]}, expected whole numbers from 0")
    return types


def _labels(given: Any, trials: int) -> np.ndarray | None:
    return None if given is None else _integers("labels", given, trials)


def _integers(name: str, given: Any, trials: int) -> np.ndarray:
    array = np.asarray(given)
    if array.shape != (trials,) or not np.issubdtype(array.dtype, np.integer):
        raise DataError(f"{name}: got {array.dtype} of shape {array.shape}, expected integers of shape ({trials},)")
    return read_only(array, np.int64)
