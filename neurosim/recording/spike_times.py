"""Spikes that are given: times and neurons, sorted into time steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.engines.stimuli import Stimulus
from neurosim.errors import CircuitError
from neurosim.recording.courses import InputSize, numbers_in

#: How much of a step a time may lie before it and count as in it, for rounding; as in Brian2.
_MARGIN = 1e-3
_EXPECTED = "expected (times, indices), two arrays of one length, or a list with such a pair for each trial"


def spikes_given(name: str, value: Any, extent: InputSize) -> Stimulus:
    """Spikes as events.

    Parameters
    ----------
    name
        Of the input, for messages.
    value
        ``(times, indices)`` in any order: times with units or in seconds, from the beginning of this call on, and which
        neuron spikes. For all trials alike, or a list with one pair for each trial.
    extent
        The size that it has to have.

    Raises
    ------
    CircuitError, UnitError
        Arrays that do not fit each other, times outside the run, neurons that the population does not have, two spikes
        of a neuron within one step; with the number of the spike in its array, and the remedy.
    """
    if extent.steps is None:
        raise CircuitError(f"the input '{name}' has times, and there is no time here")
    pairs = [value] if _is_pair(value) else list(value) if isinstance(value, list | tuple) else []
    if len(pairs) not in {1, extent.trials} or not all(map(_is_pair, pairs)):
        got = f"{len(value)} things" if isinstance(value, list | tuple) else f"a {type(value).__name__}"
        raise CircuitError(f"the input '{name}': got {got}; {_EXPECTED} ({extent.trials})")
    several = len(pairs) > 1
    spike_steps = [
        _in_steps(f"{name}{f' of trial {number}' if several else ''}", pair[0], pair[1], extent)
        for number, pair in enumerate(pairs)
    ]
    most = max((int(np.bincount(steps).max(initial=0)) for steps, _ in spike_steps), default=0)
    # One place at least: an axis of length zero is no array to a compiler.
    events = np.full((len(spike_steps), extent.steps, max(1, most)), extent.size, dtype=np.int32)
    for row, (steps, neurons) in zip(events, spike_steps, strict=True):
        first = np.searchsorted(steps, steps)
        row[steps, np.arange(len(steps)) - first] = neurons
    return Stimulus(np.broadcast_to(events, (extent.trials, *events.shape[1:])), "events")


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(_is_flat(each) for each in value)


def _is_flat(value: Any) -> bool:
    try:
        return np.ndim(value) == 1
    except ValueError:  # lists of unequal lengths
        return False


def _in_steps(name: str, times: Any, indices: Any, extent: InputSize) -> tuple[np.ndarray, np.ndarray]:
    """The step of each spike and its neuron, sorted by both."""
    seconds, neurons = numbers_in(name, times, "second"), numbers_in(name, indices, "1")
    if len(seconds) != len(neurons):
        raise CircuitError(f"the input '{name}': got {len(seconds)} times and {len(neurons)} indices; {_EXPECTED}")
    fits = (neurons % 1 == 0) & (neurons >= 0) & (neurons < extent.size)
    if not fits.all():
        wrong = int(np.flatnonzero(~fits)[0])
        raise CircuitError(
            f"the input '{name}': spike {wrong} is of neuron {neurons[wrong]:g}; expected whole numbers from 0 to "
            f"{extent.size - 1}, the neurons there are"
        )
    assert extent.steps is not None
    steps = np.floor((seconds + _MARGIN * extent.dt) / extent.dt)
    if (outside := np.flatnonzero((steps < 0) | (steps >= extent.steps))).size:
        wrong = int(outside[0])
        raise CircuitError(
            f"the input '{name}': spike {wrong} is at {_shown(seconds[wrong])}; expected times from 0 ms to before "
            f"{_shown(extent.steps * extent.dt)}, the end of the run: leave it out, or simulate longer"
        )
    order = np.lexsort((neurons, steps))
    steps, neurons = steps[order].astype(np.int64), neurons[order].astype(np.int64)
    twice = np.flatnonzero((np.diff(steps) == 0) & (np.diff(neurons) == 0))
    if twice.size:
        one, other = sorted(int(spike) for spike in order[twice[0] : twice[0] + 2])
        raise CircuitError(
            f"the input '{name}': spikes {one} and {other}, at {_shown(seconds[one])} and {_shown(seconds[other])}, "
            f"are both of neuron {neurons[twice[0]]} and within one time step of {_shown(extent.dt)}; a neuron spikes "
            "once a step: leave one out, or give a shorter dt"
        )
    return steps, neurons


def _shown(seconds: float) -> str:
    return f"{1e3 * float(seconds):g} ms"
