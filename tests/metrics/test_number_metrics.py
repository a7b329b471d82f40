"""Metrics that make a number of a recording: closed forms, and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray

from neurosim import registry
from neurosim.errors import ArgumentError, UnitError
from neurosim.metrics import (
    active_share,
    mean_rate,
    mean_value,
    oscillation_frequency,
    response_ratio,
    share_between,
    spike_spread,
    synchrony,
)
from neurosim.recording.events import spike_events


def regular(neurons: int, frequency: float = 20.0, *, duration: float = 1.0):
    """Neurons that all fire in the middle of each period."""
    times = np.tile((np.arange(round(frequency * duration)) + 0.5) / frequency, neurons)
    indices = np.repeat(np.arange(neurons), round(frequency * duration))
    return spike_events((times, indices), duration=duration, n=neurons)


def trace(values, unit: str = "volt") -> xarray.DataArray:
    values = np.asarray(values, dtype=float)[:, None, None]
    time = 0.001 * np.arange(len(values))
    return xarray.DataArray(values, {"time": time}, ["time", "trial", "neuron"], attrs={"units": unit})


def test_metrics_of_recordings_say_what_they_take():
    kinds = {getattr(registry.load("metrics", name), "OF", "spikes") for name in registry.names("metrics")}
    assert kinds == {"spikes", "variable"}


def test_neurons_that_fire_together():
    spikes = regular(10)
    assert mean_rate.measure(spikes).item() == pytest.approx(20)
    # Of 1,000 bins 20 hold 10 spikes: mean 0.2, variance 20*100/1000 - 0.04.
    assert synchrony.measure(spikes, bin="1 ms").item() == pytest.approx((2 - 0.04) / 0.2)
    assert active_share.measure(spikes).item() == 1


def test_the_frequency_of_a_modulated_rate():
    generator = np.random.default_rng(0)
    times = generator.uniform(0, 10, 40_000)
    times = times[generator.uniform(0, 2, len(times)) < 1 + np.sin(2 * np.pi * 30 * times)]
    spikes = spike_events((times, np.arange(len(times))), duration=10, n=len(times))
    assert oscillation_frequency.measure(spikes, segment="500 ms").item() == pytest.approx(30)


def test_independent_neurons_are_not_synchronous():
    generator = np.random.default_rng(0)
    times, indices = generator.uniform(0, 50, 50_000), generator.integers(0, 100, 50_000)
    assert synchrony.measure(spike_events((times, indices), duration=50, n=100)).item() == pytest.approx(1, abs=0.02)


def test_a_volley():
    spikes = spike_events(([0.010, 0.012, 0.014], [0, 1, 3]), duration=0.1, n=4)
    assert active_share.measure(spikes).item() == pytest.approx(3 / 4)
    assert spike_spread.measure(spikes).item() == pytest.approx(0.002 * math.sqrt(2 / 3))
    late = spikes.between(0.011, 0.013)
    assert (late.begin, late.end, len(late)) == (0.011, 0.013, 1)
    assert math.isnan(spike_spread.measure(late).item())
    assert mean_rate.measure(late).item() == pytest.approx(1 / (4 * 0.002))


def test_silence_has_a_rate_and_nothing_else():
    silent = spike_events(([], []), duration=1, n=3)
    assert mean_rate.measure(silent).item() == 0
    assert active_share.measure(silent).item() == 0
    for metric in (synchrony, oscillation_frequency, spike_spread):
        assert math.isnan(metric.measure(silent).item())


def test_shares_and_means_of_a_variable():
    values = trace([0.0, 0.001, 0.002, 0.003])
    assert share_between.measure(values, low="1 mV", high=0.002) == 0.5
    assert share_between.measure(values, low="1 mV") == 0.75
    assert mean_value.measure(values) == pytest.approx(0.0015)
    assert math.isnan(mean_value.measure(values[:0]))
    assert math.isnan(share_between.measure(values[:0]))
    with pytest.raises(UnitError, match="expected"):
        share_between.measure(values, high="1 nS")


def test_responses_are_counted_from_what_is_left_of_earlier_ones():
    values = trace([0, 0, 4, 2, 1, 1, 3, 2, 1])
    assert response_ratio.measure(values, earlier="1 ms", later="5 ms", window="3 ms").item() == pytest.approx(0.5)
    falling = trace([0, -2, -1, 0, 0, -5, 0])
    assert response_ratio.measure(falling, earlier=0, later="4 ms", window="2 ms").item() == pytest.approx(2.5)
    with pytest.raises(ArgumentError, match=r"later: got .0\.5 s"):
        response_ratio.measure(values, earlier=0, later=0.5)


def test_a_segment_longer_than_the_recording_is_refused():
    with pytest.raises(ArgumentError, match="segment"):
        oscillation_frequency.measure(regular(2), segment="2 second")
