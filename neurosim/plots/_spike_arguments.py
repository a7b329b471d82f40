"""Checks of the arguments of figures of spike trains; they are those of the measures, and where the spikes are."""

from __future__ import annotations

from typing import Any

from neurosim.border import COUNT, FLAG, MOMENT, NAMES, TIME, one_of, optional, whole
from neurosim.border.arguments import AXES, NAME, by_table, several
from neurosim.errors import ArgumentError
from neurosim.metrics._spike_arguments import check_window
from neurosim.metrics._spike_events import SpikeEvents
from neurosim.recording.events import spike_events
from neurosim.untyped import UserValue


def _recording(name: str, value: UserValue) -> Any:
    if not (isinstance(value, SpikeEvents) or hasattr(value, "data_vars")):
        expected = "a recording of neurosim.simulate with spikes, or spikes of neurosim.spike_events"
        raise ArgumentError(name, value, expected)
    return value


spike_drawing = by_table(
    {
        "recording": _recording,
        "ax": optional(AXES),
        "population": optional(NAME),
        "populations": optional(NAMES),
        "target_population": optional(NAME),
        "neurons": optional(several(whole(0))),
        "bin": TIME,
        "max_lag": TIME,
        "sigma": optional(TIME),
        "onset": MOMENT,
        "window": check_window,
        "kernel": one_of("gaussian", "rectangular", "exponential"),
        "normalise": one_of("counts", "coefficient"),
        "border_correction": FLAG,
        "bins": COUNT,
        "variable": NAME,
    }
)


def chosen_spikes(recording: UserValue, population: str | None, neurons: tuple[int, ...] | None = None) -> SpikeEvents:
    """The events of a population of a recording, of some of its neurons if they are named."""
    events = spike_events(recording, population)
    return events if neurons is None else events.of(neurons=neurons)
