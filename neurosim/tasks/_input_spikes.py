"""Spiking inputs of trials as events: which neuron fires in which step of which trial."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.border import TIME, check_fields, set_fields, whole
from neurosim.errors import DataError
from neurosim.tasks._read_only import read_only
from neurosim.units import array_in_si, format_quantity

_SIZE = whole(1, 2**31 - 2)
_FINER = "give a smaller dt, or leave out all but one of them"


@dataclass(frozen=True, eq=False)
class InputSpikes:
    """Spikes of input neurons on a grid of steps, one number each; memory grows with the spikes alone.

    Parameters
    ----------
    trial, step, neuron
        ``(m,)`` whole numbers of each spike, in any order; a neuron fires once in a step.
    trials, steps, n
        How many trials, steps in a trial, and neurons there are; silent ones count.

    Raises
    ------
    DataError
        Numbers out of range, with the spike's trial, or two spikes of a neuron in one step.

    Examples
    --------
    >>> times = ["1 ms", "2.5 ms", "0 ms"]
    >>> spikes = InputSpikes.at_times([0, 0, 1], times, [0, 1, 1], trials=2, steps=4, n=2, dt="1 ms")
    >>> spikes.dense()[0].T.tolist()
    [[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]
    """

    trial: Any
    step: Any
    neuron: Any
    trials: int
    steps: int
    n: int
    #: The number of each spike among those of its trial and step, and where each trial begins.
    _place: np.ndarray = field(init=False, repr=False)
    _begin: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_fields(self, trials=whole(0), steps=_SIZE, n=_SIZE)
        each = {name: _integers(name, getattr(self, name)) for name in ("trial", "step", "neuron")}
        if len({len(array) for array in each.values()}) > 1:
            listed = ", ".join(f"{name} {len(array)}" for name, array in each.items())
            raise DataError(f"spikes: got arrays of different length ({listed}), expected one entry a spike in each")
        for name, most in (("trial", self.trials), ("step", self.steps), ("neuron", self.n)):
            self._refuse_outside(name, each, most)
        order = np.lexsort((each["neuron"], each["step"], each["trial"]))
        trial, step, neuron = (array[order] for array in each.values())
        together = (np.diff(trial) == 0) & (np.diff(step) == 0)
        self._refuse_twice(trial, step, neuron, together)
        # Where a step begins, counted up to the last one that did.
        firsts = np.flatnonzero(np.concatenate([[True], ~together])) if len(trial) else np.zeros(0, int)
        place = np.arange(len(trial)) - np.repeat(firsts, np.diff([*firsts, len(trial)]))
        kept = {"trial": trial, "step": step, "neuron": neuron, "_place": place}
        set_fields(self, **{name: read_only(array, np.int64) for name, array in kept.items()})
        set_fields(self, _begin=read_only(np.searchsorted(trial, np.arange(self.trials + 1)), np.int64))

    @classmethod
    def at_times(
        cls, trial: Any, time: Any, neuron: Any, *, trials: int, steps: int, n: int, dt: str | float
    ) -> InputSpikes:
        """Spikes at times from the beginning of their trial; one at *t* is in the step in which *t* lies.

        Parameters
        ----------
        trial, time, neuron
            ``(m,)`` of each spike. Times are seconds, or text with a unit, and do not fall within a trial.
        trials, steps, n
            As for the class.
        dt
            The grid step: seconds, or text with a unit.

        Raises
        ------
        DataError
            Times that fall within a trial, or lie outside of it, with the trial.
        """
        seconds = TIME("dt", dt)
        which = _integers("trial", trial)
        plain = np.asarray(time)
        if plain.dtype.kind == "f" and plain.shape == which.shape:
            refuse_unsorted("spikes", which, plain)
        times = np.atleast_1d(np.asarray(array_in_si(time, "second"), float))
        if len(which) != len(times):
            raise DataError(f"spikes: got {len(times)} times and {len(which)} trials, expected one of each a spike")
        refuse_unsorted("spikes", which, times)
        # A time that was rounded in its last digits is in the step where it was meant, as in Brian2.
        step = np.floor(times / seconds + 1e-3)
        outside = ~((step >= 0) & (step < steps))
        if outside.any():
            first = int(np.flatnonzero(outside)[0])
            length = format_quantity(steps * seconds, "second")
            raise DataError(
                f"spikes: trial {which[first]} has one at {times[first]:g} s, expected times from 0 to below {length}, "
                "the length of a trial; count them from the trial's beginning, and leave out those beyond it"
            )
        return cls(which, step.astype(np.int64), neuron, trials, steps, n)

    @classmethod
    def of_dense(cls, fires: Any) -> InputSpikes:
        """From truth values ``(trial, step, neuron)``."""
        trial, step, neuron = np.nonzero(np.asarray(fires))
        return cls(trial, step, neuron, *np.shape(fires))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Trials, steps and neurons, as of an array of inputs."""
        return (self.trials, self.steps, self.n)

    @property
    def most(self) -> int:
        """The greatest number of neurons that fire in one step of a trial, at least one."""
        return int(self._place.max(initial=0)) + 1

    def __len__(self) -> int:
        return self.trials

    def firing(self, rows: Any = slice(None)) -> np.ndarray:
        """The neurons that fire in each step of some trials, ``(trial, step, most)``, filled up with `n`."""
        chosen = np.arange(self.trials)[rows]
        neurons = np.full((len(chosen), self.steps, self.most), self.n, np.int32)
        for place, own in enumerate(self._spans(chosen)):
            neurons[place, self.step[own], self._place[own]] = self.neuron[own]
        return neurons

    def dense(self, rows: Any = slice(None)) -> np.ndarray:
        """The same as ``(trial, step, neuron)``: one where a neuron fires, else zero."""
        chosen = np.arange(self.trials)[rows]
        fires = np.zeros((len(chosen), self.steps, self.n), np.float32)
        for place, own in enumerate(self._spans(chosen)):
            fires[place, self.step[own], self.neuron[own]] = 1
        return fires

    def of_trials(self, rows: Any) -> InputSpikes:
        """Those of some trials, in that order."""
        chosen = np.arange(self.trials)[rows]
        spans = self._spans(chosen)
        trial = np.repeat(np.arange(len(chosen)), [own.stop - own.start for own in spans])
        own = np.concatenate([np.arange(each.start, each.stop) for each in spans]) if spans else np.zeros(0, np.int64)
        return InputSpikes(trial, self.step[own], self.neuron[own], len(chosen), self.steps, self.n)

    def _spans(self, chosen: np.ndarray) -> list[slice]:
        return [slice(int(self._begin[row]), int(self._begin[row + 1])) for row in chosen]

    def _refuse_outside(self, name: str, each: dict[str, np.ndarray], most: int) -> None:
        outside = (each[name] < 0) | (each[name] >= most)
        if outside.any():
            first = int(np.flatnonzero(outside)[0])
            where = "" if name == "trial" else f" of trial {each['trial'][first]}"
            raise DataError(
                f"spikes: a spike{where} has the {name} {each[name][first]}, expected numbers from 0 to {most - 1}"
            )

    def _refuse_twice(self, trial: np.ndarray, step: np.ndarray, neuron: np.ndarray, together: np.ndarray) -> None:
        twice = np.flatnonzero(together & (np.diff(neuron) == 0))
        if len(twice):
            first = int(twice[0])
            raise DataError(
                f"spikes: neuron {neuron[first]} has two in step {step[first]} of trial {trial[first]}, expected at "
                f"most one in a step; {_FINER}"
            )


def refuse_unsorted(what: str, trial: np.ndarray, time: np.ndarray) -> None:
    """Refuse times that are not finite, or fall within a trial.

    Raises
    ------
    DataError
        Naming the trial.
    """
    broken = np.flatnonzero(~np.isfinite(time))
    if len(broken):
        raise DataError(f"{what}: trial {trial[broken[0]]} has a time that is not finite; leave it out")
    for number in np.unique(trial):
        own = time[trial == number]
        falls = np.flatnonzero(np.diff(own) < 0)
        if len(falls):
            raise DataError(
                f"{what}: times of trial {number} are not sorted, {own[falls[0] + 1]:g} s follows "
                f"{own[falls[0]]:g} s; expected times that do not fall within a trial: sort them, with what belongs "
                "to them"
            )


def _integers(name: str, given: Any) -> np.ndarray:
    array = np.atleast_1d(np.asarray(given))
    if not array.size:
        return np.zeros(0, np.int64)
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer):
        raise DataError(f"spikes: {name} is {array.dtype} of shape {array.shape}, expected whole numbers, one a spike")
    return array.astype(np.int64)
