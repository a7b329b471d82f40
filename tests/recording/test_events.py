"""Spikes as events are the same whichever way they were recorded; what is missing is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray

import neurosim
from neurosim.errors import ArgumentError, DataError, UnitError
from neurosim.recording.events import spike_events

DT = 1e-3
TEXT: Any = "recording"
#: Step, trial and neuron of each spike, in no order.
SPIKES = [(30, 0, 1), (10, 0, 0), (20, 1, 1), (99, 1, 2), (0, 1, 0)]


def booleans() -> xarray.Dataset:
    spikes = np.zeros((100, 2, 4), dtype=bool)
    for place in SPIKES:
        spikes[place] = True
    return xarray.Dataset(
        {
            "E.spikes": (("time", "trial", "neuron_E"), spikes),
            "E.v": (("time", "trial", "neuron_E"), np.zeros((100, 2, 4))),
        },
        coords={"time": ("time", DT * np.arange(100), {"units": "second"}), "trial": [0, 1], "neuron_E": range(4)},
        attrs={"model": "two", "dt": DT},
    )


def variables() -> xarray.Dataset:
    step, trial, neuron = np.array(SPIKES).T
    return (
        booleans()
        .drop_vars("E.spikes")
        .assign(
            {
                "E.spike_time": ("spike_E", DT * step, {"units": "second"}),
                "E.spike_trial": ("spike_E", trial),
                "E.spike_neuron": ("spike_E", neuron),
            }
        )
    )


@pytest.mark.parametrize("recording", [booleans(), variables(), booleans()["E.spikes"]])
def test_every_form_gives_the_same_events(recording):
    events = spike_events(recording, None if isinstance(recording, xarray.DataArray) else "E")
    np.testing.assert_allclose(events.time, [0.01, 0.03, 0.0, 0.02, 0.099])
    np.testing.assert_array_equal(events.trial, [0, 0, 1, 1, 1])
    np.testing.assert_array_equal(events.neuron, [0, 1, 0, 1, 2])
    assert (events.begin, events.end) == (0, pytest.approx(0.1)) and events.population == "E"
    assert events.trials.tolist() == [0, 1] and events.neurons.tolist() == [0, 1, 2, 3]
    assert [len(train) for train in events.trains()] == [1, 1, 0, 0, 1, 1, 1, 0]


@pytest.mark.parametrize("recording", [booleans(), variables()])
def test_a_selection_keeps_numbers_and_times(recording):
    cut = recording.isel(trial=[1], neuron_E=[2, 1], time=slice(20, 100))
    events = spike_events(cut)
    np.testing.assert_allclose(events.time, [0.02, 0.099])
    assert events.neuron.tolist() == [1, 2] and events.trials.tolist() == [1] and events.begin == pytest.approx(0.02)
    one = spike_events(recording).of(neurons=[1])
    np.testing.assert_allclose(one.time, [0.03, 0.02])
    assert one.neurons.tolist() == [1] and one.trials.tolist() == [0, 1]


def test_times_and_indices():
    events = spike_events((["20 ms", "10 ms"], [1, 0]), duration="50 ms", n=3)
    np.testing.assert_allclose(events.time, [0.01, 0.02])
    assert events.duration == 0.05 and events.neurons.tolist() == [0, 1, 2] and events.trials.tolist() == [0]
    assert not len(spike_events(([], []), duration=1.0, n=2))


def test_a_simulation_of_a_bare_neuron():
    neuron = neurosim.NeuronModel("dv/dt = 100*Hz : 1", threshold="v > 0.95", reset="v = 0")
    recording = neurosim.simulate(neuron, "25 ms", dt="1 ms", n=2, record=["spikes"])
    events = spike_events(recording)
    step, _, neuron_number = np.nonzero(recording.spikes.values)
    assert len(events) == len(step) == 4 and sorted(events.neuron) == sorted(neuron_number)
    np.testing.assert_allclose(np.sort(events.time), np.sort(DT * step))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: spike_events(booleans()[["E.v"]]), DataError, r"need recorded spikes, got E\.v"),
        (lambda: spike_events(booleans(), "I"), ArgumentError, r"^population: got 'I'.*with spikes: E"),
        (lambda: spike_events(TEXT), ArgumentError, r"^dataset: .*a pair \(times, indices\)"),
        (lambda: spike_events(([0.1], [0]), n=1), ArgumentError, r"^duration: .*silence counts"),
        (lambda: spike_events(([0.1], [0]), duration=1), ArgumentError, r"^n: .*silence counts"),
        (lambda: spike_events(([0.1], [0.5]), duration=1, n=1), ArgumentError, "whole numbers as indices"),
        (lambda: spike_events(([0.1], [3]), duration=1, n=3), DataError, "no neuron 3, but 0 to 2"),
        (lambda: spike_events(([1.0], [0]), duration=1, n=1), DataError, "one at 1 s, expected from 0 s to before 1 s"),
        (lambda: spike_events(([0.1, 0.1], [0, 0]), duration=1, n=1), DataError, "spikes twice at 0.1 s in trial 0"),
        (lambda: spike_events(([0.1, 0.2], [0]), duration=1, n=1), DataError, "got 2 times, 2 trials and 1 neurons"),
        (lambda: spike_events((["1 mV"], [0]), duration=1, n=1), UnitError, "expected a quantity in second"),
        (lambda: spike_events(booleans().isel(time=slice(None, None, 10))), DataError, "before it is thinned"),
        (lambda: spike_events(booleans().isel(time=[0, 1, 5])), DataError, "gaps in time"),
        (lambda: spike_events(variables().drop_vars("neuron_E")), DataError, "give spike_events n="),
        (lambda: spike_events(booleans()).of(neurons=[9]), ArgumentError, "^neurons: .*among 0 to 3"),
    ],
)
def test_what_is_missing_or_wrong_is_said(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_which_population_is_asked_if_there_are_several():
    two = booleans().assign({"I.spikes": (("time", "trial", "neuron_I"), np.zeros((100, 2, 1), dtype=bool))})
    with pytest.raises(ArgumentError, match=r"^population: got None, expected one of those with spikes: E, I"):
        spike_events(two)
    assert not len(spike_events(two, "I")) and len(spike_events(two, "E")) == 5
