"""Spikes as events, which all measures of spike trains take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from neurosim.border import set_fields
from neurosim.errors import ArgumentError, DataError

# A time this close below the edge of a bin, in bins, is on it (Elephant's tolerance).
_TOLERANCE = 1e-8


@dataclass(frozen=True, eq=False)
class SpikeEvents:
    """The spikes of one population, sorted by trial, neuron and time.

    Attributes
    ----------
    time
        Time of each spike, in seconds, shape (spike,).
    trial, neuron
        Numbers of the trial and of the neuron of each spike, shape (spike,).
    trials, neurons
        Numbers of all trials and of all neurons, those without a spike included, increasing.
    begin, end
        When the recording begins and ends, in seconds. A spike lies at `begin` or later, and before `end`.
    population
        Name of the population, for figures.
    """

    time: np.ndarray
    trial: np.ndarray
    neuron: np.ndarray
    trials: np.ndarray
    neurons: np.ndarray
    begin: float
    end: float
    population: str = "neurons"

    def __post_init__(self) -> None:
        time = np.asarray(self.time, dtype=float)
        trial, neuron = np.asarray(self.trial, dtype=np.int64), np.asarray(self.neuron, dtype=np.int64)
        if not time.shape == trial.shape == neuron.shape or time.ndim != 1:
            raise DataError(
                f"spikes of '{self.population}': got {time.size} times, {trial.size} trials and {neuron.size} neurons, "
                "expected three lists of one length"
            )
        order = np.lexsort((time, neuron, trial))
        time, trial, neuron = time[order], trial[order], neuron[order]
        trials, neurons = (np.unique(np.asarray(numbers, dtype=np.int64)) for numbers in (self.trials, self.neurons))
        values = {"time": time, "trial": trial, "neuron": neuron, "trials": trials, "neurons": neurons}
        for name, value in values.items():
            set_fields(self, **{name: value})
        if wrong := self._fault():
            raise DataError(f"spikes of '{self.population}': {wrong}")

    def _fault(self) -> str:
        """The fault in the spikes; empty if there is none."""
        for what, numbers, known in (("trial", self.trial, self.trials), ("neuron", self.neuron, self.neurons)):
            if (unknown := numbers[~np.isin(numbers, known)]).size:
                return f"there is no {what} {unknown[0]}, but {_shown(known)}"
        twice = (np.diff(self.train) == 0) & (np.diff(self.time) == 0)
        if twice.any():
            at = int(np.flatnonzero(twice)[0])
            return f"neuron {self.neuron[at]} spikes twice at {self.time[at]:g} s in trial {self.trial[at]}"
        outside = self.time[~((self.time >= self.begin) & (self.time < self.end))]
        if outside.size:
            return f"one at {outside[0]:g} s, expected from {self.begin:g} s to before {self.end:g} s"
        return ""

    def __len__(self) -> int:
        return len(self.time)

    def __repr__(self) -> str:
        sizes = {"spike": len(self), "neuron": len(self.neurons), "trial": len(self.trials)}
        spikes, neurons, trials = (f"{size} {what}" + "s" * (size != 1) for what, size in sizes.items())
        return f"SpikeEvents({self.population}: {spikes} of {neurons} in {trials}, {self.begin:g} to {self.end:g} s)"

    @property
    def duration(self) -> float:
        """Length of the recording in seconds."""
        return self.end - self.begin

    @property
    def trial_place(self) -> np.ndarray:
        """Position of each spike's trial in `trials`."""
        return np.searchsorted(self.trials, self.trial)

    @property
    def neuron_place(self) -> np.ndarray:
        """Position of each spike's neuron in `neurons`."""
        return np.searchsorted(self.neurons, self.neuron)

    @property
    def train(self) -> np.ndarray:
        """Number of each spike's train: trials first, then neurons, from 0."""
        return self.trial_place * len(self.neurons) + self.neuron_place

    def of(self, *, neurons: Sequence[int] | None = None, trials: Sequence[int] | None = None) -> SpikeEvents:
        """The spikes of some neurons and trials.

        Parameters
        ----------
        neurons, trials
            Their numbers; all by default.

        Raises
        ------
        ArgumentError
            There is no such number.
        """
        kept = np.ones(len(self), dtype=bool)
        chosen = {"neurons": self.neurons, "trials": self.trials}
        for name, wanted, own in (("neurons", neurons, self.neuron), ("trials", trials, self.trial)):
            if wanted is None:
                continue
            numbers = np.unique(np.asarray(wanted, dtype=np.int64))
            if not numbers.size or not np.isin(numbers, chosen[name]).all():
                raise ArgumentError(name, wanted, f"numbers among {_shown(chosen[name])}")
            chosen[name] = numbers
            kept &= np.isin(own, numbers)
        return replace(self, time=self.time[kept], trial=self.trial[kept], neuron=self.neuron[kept], **chosen)

    def between(self, begin: float, end: float) -> SpikeEvents:
        """The spikes of a window of time, cut to the recording; all from `begin` to before `end`, in seconds."""
        begin, end = max(begin, self.begin), min(end, self.end)
        # Times are whole steps, whose last digits are inexact.
        near = 1e-9 * max(1.0, abs(end))
        kept = (self.time >= begin - near) & (self.time < end - near)
        cut = {name: getattr(self, name)[kept] for name in ("trial", "neuron")}
        return replace(self, time=np.maximum(self.time[kept], begin), begin=begin, end=end, **cut)

    def trains(self) -> Iterator[np.ndarray]:
        """The times of each spike train: of each trial in turn all neurons."""
        ends = np.searchsorted(self.train, np.arange(1, len(self.trials) * len(self.neurons)))
        yield from np.split(self.time, ends)


def bin_count(spikes: SpikeEvents, width: float, *, name: str = "bin") -> int:
    """The number of whole bins in the recording; what is left at its end is no bin.

    Raises
    ------
    ArgumentError
        A bin is longer than the recording.
    """
    count = whole_bins(spikes.duration, width)
    if count < 1:
        raise ArgumentError(name, f"{width:g} s", f"at most the length of the recording, {spikes.duration:g} s")
    return count


def whole_bins(length: float, width: float) -> int:
    """How many bins fit into a length of time."""
    return int(_floor(np.asarray(length / width)))


def counts(spikes: SpikeEvents, width: float, count: int, *, begin: float, per: str) -> np.ndarray:
    """Spikes in `count` bins from the time `begin`: ``(bin, trial)``, or ``(bin, trial, neuron)`` per neuron.

    A bin holds its left edge and not its right one.
    """
    place = _floor((spikes.time - begin) / width)
    inside = (place >= 0) & (place < count)
    if per == "population":
        train, shape = spikes.trial_place[inside], (len(spikes.trials),)
    else:
        train, shape = spikes.train[inside], (len(spikes.trials), len(spikes.neurons))
    number = int(np.prod(shape))
    return np.bincount(place[inside] * number + train, minlength=count * number).reshape(count, *shape)


def bins_of(spikes: SpikeEvents, width: float) -> np.ndarray:
    """The number of each spike's bin, counted from the beginning of the recording."""
    return _floor((spikes.time - spikes.begin) / width)


def _floor(bins: np.ndarray) -> np.ndarray:
    # Times are sums of decimal steps, whose last digits are inexact; in late bins more of them.
    return np.floor(bins + np.maximum(_TOLERANCE, 8 * np.finfo(float).eps * np.abs(bins))).astype(np.int64)


def _shown(numbers: np.ndarray) -> str:
    if not numbers.size:
        return "none"
    if np.array_equal(numbers, np.arange(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(map(str, numbers[:8])) + (" ..." if numbers.size > 8 else "")
