"""Spikes at edges of bins, silence, and arguments that do not fit measures of spike trains."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray

from neurosim.errors import ArgumentError, UnitError
from neurosim.metrics import (
    cross_correlation,
    instantaneous_rate,
    psth,
    rate_histogram,
    spike_triggered_average,
    weight_histogram,
)
from neurosim.recording.events import spike_events

DT = 2.0**-10
STEPS = 600
WRONG: Any = "50 ms"
RECORDING = xarray.Dataset(
    {
        "spikes": (("time", "trial", "neuron"), np.random.default_rng(0).random((STEPS, 3, 4)) < 0.05),
        "v": (("time", "trial", "neuron"), np.zeros((STEPS, 3, 4)), {"units": "volt"}),
    },
    coords={"time": ("time", DT * np.arange(STEPS), {"units": "second"})},
    attrs={"dt": DT},
)
EVENTS = spike_events(RECORDING)
SILENT = spike_events(([], []), duration=STEPS * DT, n=2)
ONE = spike_events(([8 * DT], [0]), duration=STEPS * DT, n=1)


def test_a_spike_at_an_edge_belongs_to_the_bin_that_begins_there():
    # 0.3 is 2.9999999999999996 bins of 0.1.
    edge = spike_events(([0.3, 0.6, 0.7], [0, 0, 0]), duration=1.0, n=1)
    np.testing.assert_allclose(rate_histogram.measure(edge, bin=0.1)[:, 0], [0, 0, 0, 10, 0, 0, 10, 10, 0, 0])
    late = spike_events((0.1 + 1e-4 * np.arange(0, 10**6, 10**5), [0] * 10), duration=101, n=1)
    found = rate_histogram.measure(late, bin="0.1 ms")
    np.testing.assert_array_equal(np.flatnonzero(found[:, 0]), 1000 + np.arange(0, 10**6, 10**5))
    assert (
        rate_histogram.measure(SILENT).shape == (int(STEPS * DT / 0.01), 1) and not rate_histogram.measure(SILENT).any()
    )
    assert float(rate_histogram.measure(ONE, bin=DT)[8, 0]) == 1 / DT


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: rate_histogram.measure(EVENTS, bin="1 second"),
            ArgumentError,
            "^bin: .*at most the length .* 0.58",
        ),
        (lambda: rate_histogram.measure(EVENTS, bin="5 mV"), UnitError, "^bin: .*second"),
        (lambda: rate_histogram.measure(EVENTS, bin=0), ArgumentError, "^bin: .*above zero"),
        (lambda: rate_histogram.measure(EVENTS, per=WRONG), ArgumentError, "^per: .*'population', 'neuron'"),
        (lambda: rate_histogram.measure(WRONG), ArgumentError, r"(?s)^spikes: .*neurosim\.spike_events"),
        (lambda: instantaneous_rate.measure(EVENTS, sigma="0.1 ms"), ArgumentError, "^sampling: .*at most sigma"),
        (
            lambda: psth.measure(EVENTS, onset="1 second", window=(0, "50 ms")),
            ArgumentError,
            "^window: .*within",
        ),
        (lambda: psth.measure(EVENTS, window=("50 ms", "10 ms")), ArgumentError, "^window: .*first before the second"),
        (lambda: psth.measure(EVENTS, window=WRONG), ArgumentError, "^window: .*two times"),
        (lambda: psth.measure(EVENTS, bin="60 ms", window=(0, "50 ms")), ArgumentError, "^bin: .*length of the window"),
        (
            lambda: cross_correlation.measure(EVENTS, max_lag="1 second"),
            ArgumentError,
            "^max_lag: .*less than",
        ),
        (lambda: cross_correlation.measure(EVENTS, bin="100 ms"), ArgumentError, "^max_lag: .*at least a bin"),
        (lambda: cross_correlation.measure(ONE), ArgumentError, "^spikes: .*several neurons"),
        (lambda: cross_correlation.measure(EVENTS, ONE), ArgumentError, "^target: .*same times and trials"),
        (lambda: cross_correlation.measure(EVENTS, normalise="coefficient"), ArgumentError, "^normalise: .*target"),
        (
            lambda: spike_triggered_average.measure(EVENTS, RECORDING.v, window=("-1 second", "1 second")),
            ArgumentError,
            "^window: .*length of the recording",
        ),
        (
            lambda: spike_triggered_average.measure(EVENTS, RECORDING.v[:, :, :2]),
            ArgumentError,
            r"^signal: got '2 neurons', expected the 4 neurons.*of\(neurons",
        ),
        (lambda: spike_triggered_average.measure(EVENTS, RECORDING.v[:, 0]), ArgumentError, "^signal: .*dimensions"),
        (lambda: weight_histogram.measure(RECORDING.v * np.nan), ArgumentError, "^weights: .*at least one synapse"),
        (lambda: weight_histogram.measure(RECORDING.v, limits=(1, 0)), ArgumentError, "^limits: .*least and the larg"),
        (lambda: weight_histogram.measure(RECORDING.v, over="epoch"), ArgumentError, "^over: .*time, trial, neuron"),
    ],
)
def test_what_does_not_fit_is_said(make, error, message):
    with pytest.raises(error, match=message):
        make()
