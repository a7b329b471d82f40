"""Measures of spike trains are Elephant's; at the edges they are right or say what is wrong."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import xarray

from neurosim.metrics import (
    cross_correlation,
    instantaneous_rate,
    interspike_intervals,
    interval_cv,
    interval_cv2,
    interval_lv,
    psth,
    rate_histogram,
    spike_triggered_average,
    weight_histogram,
)
from neurosim.recording.events import spike_events

# A step that floating point holds exactly: what Elephant truncates is then not decided by rounding.
DT = 2.0**-10
STEPS, TRIALS, NEURONS = 600, 3, 4


def recording(*, seed: int = 0, chance: float = 0.05) -> xarray.Dataset:
    """Random spikes; the last neuron never spikes, the one before it once a trial."""
    generator = np.random.default_rng(seed)
    spikes = generator.random((STEPS, TRIALS, NEURONS)) < chance
    spikes[..., 2:] = False
    spikes[300, :, 2] = True
    return xarray.Dataset(
        {
            "spikes": (("time", "trial", "neuron"), spikes),
            "v": (("time", "trial", "neuron"), generator.standard_normal(spikes.shape), {"units": "volt"}),
        },
        coords={"time": ("time", DT * np.arange(STEPS), {"units": "second"})},
        attrs={"dt": DT},
    )


RECORDING = recording()
EVENTS = spike_events(RECORDING)
SILENT = spike_events(([], []), duration=STEPS * DT, n=2)
ONE = spike_events(([8 * DT], [0]), duration=STEPS * DT, n=1)


@pytest.fixture(scope="module")
def elephant():
    """Elephant, with spike trains as it takes them: ``[trial][neuron]``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        conversion = pytest.importorskip("elephant.conversion")
        from elephant import kernels, spike_train_correlation, sta, statistics
    import neo
    import quantities as pq

    class Elephant:
        s = pq.s

        def train(self, times: np.ndarray) -> Any:
            return neo.SpikeTrain(times * pq.s, t_start=0 * pq.s, t_stop=STEPS * DT * pq.s)

        def signal(self, values: np.ndarray) -> Any:
            return neo.AnalogSignal(values * pq.V, sampling_period=DT * pq.s)

    found: Any = Elephant()
    found.statistics, found.correlation, found.sta = statistics, spike_train_correlation, sta
    found.kernels, found.Binned = kernels, conversion.BinnedSpikeTrain
    trains = [found.train(times) for times in EVENTS.trains()]
    found.trains = [trains[trial * NEURONS : (trial + 1) * NEURONS] for trial in range(TRIALS)]
    return found


@pytest.mark.parametrize("steps", [1, 7, 64, STEPS])
def test_rates_in_bins(elephant, steps):
    width = steps * DT
    pooled = rate_histogram.measure(EVENTS, bin=width)
    single = rate_histogram.measure(EVENTS, bin=width, per="neuron")
    assert pooled.dims == ("time", "trial") and single.dims == ("time", "trial", "neuron")
    np.testing.assert_allclose(pooled.time, width * np.arange(STEPS // steps))
    for trial, trains in enumerate(elephant.trains):
        expected = elephant.statistics.time_histogram(trains, bin_size=width * elephant.s, output="rate")
        np.testing.assert_allclose(pooled[:, trial], expected.magnitude[:, 0], rtol=1e-12)
        for neuron, train in enumerate(trains):
            expected = elephant.statistics.time_histogram([train], bin_size=width * elephant.s, output="rate")
            np.testing.assert_allclose(single[:, trial, neuron], expected.magnitude[:, 0], rtol=1e-12)


@pytest.mark.parametrize("kernel", ["gaussian", "rectangular", "exponential"])
def test_smoothed_rates(elephant, kernel):
    sigma = 8 * DT
    rate = instantaneous_rate.measure(EVENTS, sigma=sigma, sampling=DT, kernel=kernel, per="neuron")
    form = getattr(elephant.kernels, f"{kernel.capitalize()}Kernel")(sigma=sigma * elephant.s)
    # The sum of Elephant's values, which differs from one spike by the error of sampling.
    area = float(form(DT * np.arange(-40, 41) * elephant.s).rescale("Hz").magnitude.sum()) * DT
    assert abs(area - 1) < {"gaussian": 1e-6, "rectangular": 0.03, "exponential": 0.07}[kernel]
    for trial, trains in enumerate(elephant.trains):
        expected = elephant.statistics.instantaneous_rate(
            trains, sampling_period=DT * elephant.s, kernel=form, cutoff=5.0, center_kernel=False
        ).magnitude
        np.testing.assert_allclose(rate[:, trial], expected / area, rtol=1e-10, atol=1e-9)
    pooled = instantaneous_rate.measure(EVENTS, sigma=sigma, sampling=DT, kernel=kernel)
    np.testing.assert_allclose(pooled, rate.mean("neuron"), rtol=1e-10, atol=1e-9)


def test_a_smoothed_spike_counts_once():
    for kernel in ("gaussian", "rectangular", "exponential"):
        middle = spike_events(([0.5], [0]), duration="1 second", n=1)
        rate = instantaneous_rate.measure(middle, sigma="10 ms", sampling="1 ms", kernel=kernel)
        assert float(rate.sum()) * 1e-3 == pytest.approx(1, rel=1e-9)
        assert kernel != "exponential" or not rate.sel(time=slice(0, 0.4985)).round(9).any()
    assert not instantaneous_rate.measure(SILENT).any()


def test_psth_over_trials(elephant):
    width = 16 * DT
    for neuron in range(NEURONS):
        trains = [trains[neuron] for trains in elephant.trains]
        expected = elephant.statistics.time_histogram(trains, bin_size=width * elephant.s, output="rate")
        found = psth.measure(EVENTS, bin=width, per="neuron").sel(neuron=neuron)
        np.testing.assert_allclose(found, expected.magnitude[:, 0], rtol=1e-12)
    start, stop = 100 * DT, 196 * DT
    flat = [train for trains in elephant.trains for train in trains]
    expected = elephant.statistics.time_histogram(
        flat, bin_size=width * elephant.s, t_start=start * elephant.s, t_stop=stop * elephant.s, output="rate"
    )
    found = psth.measure(EVENTS, bin=width, onset=132 * DT, window=(start - 132 * DT, stop - 132 * DT))
    np.testing.assert_allclose(found, expected.magnitude[:, 0], rtol=1e-12)
    np.testing.assert_allclose(found.time, -32 * DT + width * np.arange(6))


def test_intervals_and_their_variation(elephant):
    lengths = interspike_intervals.measure(EVENTS)
    variation, local, shinomoto = (each.measure(EVENTS) for each in (interval_cv, interval_cv2, interval_lv))
    for trial, trains in enumerate(elephant.trains):
        for neuron, train in enumerate(trains):
            expected = elephant.statistics.isi(train.magnitude)
            own = lengths[(lengths.trial == trial).values & (lengths.neuron == neuron).values]
            np.testing.assert_allclose(own, expected, rtol=1e-12)
            if len(expected) < 2:
                assert np.isnan(variation[trial, neuron]) and np.isnan(local[trial, neuron])
                continue
            assert float(variation[trial, neuron]) == pytest.approx(elephant.statistics.cv(expected), rel=1e-12)
            assert float(local[trial, neuron]) == pytest.approx(elephant.statistics.cv2(expected), rel=1e-12)
            assert float(shinomoto[trial, neuron]) == pytest.approx(elephant.statistics.lv(expected), rel=1e-12)
    assert np.isfinite(variation[:, :2]).all() and "three spikes" in variation.attrs["comment"]


def test_variation_of_known_trains():
    regular = spike_events(([0.1, 0.2, 0.3, 0.4], [0, 0, 0, 0]), duration=1.0, n=1)
    assert all(float(each.measure(regular)[0, 0]) == pytest.approx(0, abs=1e-12) for each in (interval_cv, interval_lv))
    two = spike_events(([0.1, 0.2, 0.1, 0.2, 0.5], [0, 0, 1, 1, 1]), duration=1.0, n=3)
    # Of one interval there is no variation, of 0.1 s and 0.3 s it is a half.
    np.testing.assert_allclose(interval_cv.measure(two), [[np.nan, 0.5, np.nan]])
    np.testing.assert_allclose(interval_cv2.measure(two), [[np.nan, 1.0, np.nan]])
    np.testing.assert_allclose(interval_lv.measure(two), [[np.nan, 0.75, np.nan]])
    for quiet in (SILENT, ONE):
        assert interspike_intervals.measure(quiet).size == 0
        assert all(np.isnan(each.measure(quiet)).all() for each in (interval_cv, interval_cv2, interval_lv))


@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("normalise", ["counts", "coefficient"])
def test_cross_correlation_of_two_neurons(elephant, normalise, corrected):
    width, most = 4 * DT, 20
    whole = np.zeros(2 * most + 1)
    for trial, trains in enumerate(elephant.trains):
        binned = [elephant.Binned(train, bin_size=width * elephant.s) for train in trains[:2]]
        expected, lags = elephant.correlation.cross_correlation_histogram(
            *binned,
            window=[-most, most],
            border_correction=corrected,
            cross_correlation_coefficient=normalise == "coefficient",
        )
        one, other = (EVENTS.of(neurons=[neuron], trials=[trial]) for neuron in (0, 1))
        found = cross_correlation.measure(
            one, other, bin=width, max_lag=most * width, normalise=normalise, border_correction=corrected
        )
        np.testing.assert_allclose(found, expected.magnitude[:, 0], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(found.lag, width * lags)
        whole += expected.magnitude[:, 0]
    if normalise == "counts":
        one, other = (EVENTS.of(neurons=[neuron]) for neuron in (0, 1))
        found = cross_correlation.measure(one, other, bin=width, max_lag=most * width, border_correction=corrected)
        np.testing.assert_allclose(found, whole, rtol=1e-12)


def test_cross_correlation_within_a_population_leaves_out_each_neuron_with_itself():
    width, max_lag = 4 * DT, 80 * DT
    singles = [EVENTS.of(neurons=[number]) for number in range(NEURONS)]
    expected = sum(
        cross_correlation.measure(a, b, bin=width, max_lag=max_lag) for a in singles for b in singles if a is not b
    )
    found = cross_correlation.measure(EVENTS, bin=width, max_lag=max_lag)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(found, found[::-1])


def test_the_sign_of_a_lag():
    early, late = (spike_events(([at], [0]), duration="100 ms", n=1) for at in ("20 ms", "23 ms"))
    found = cross_correlation.measure(early, late, max_lag="5 ms")
    assert found.sum() == 1 and float(found.lag[int(found.values.argmax())]) == pytest.approx(3e-3)
    assert not cross_correlation.measure(SILENT, max_lag="5 ms").any()
    assert np.isnan(cross_correlation.measure(SILENT, SILENT, max_lag="5 ms", normalise="coefficient")).all()


def test_spike_triggered_average(elephant):
    window = (-8 * DT, 12 * DT)
    found = spike_triggered_average.measure(EVENTS.of(trials=[1]), RECORDING.v, window=window)
    expected = elephant.sta.spike_triggered_average(
        elephant.signal(RECORDING.v.values[:, 1]), elephant.trains[1], tuple(each * elephant.s for each in window)
    )
    np.testing.assert_allclose(found, expected.magnitude, rtol=1e-12)
    np.testing.assert_array_equal(found.used, expected.annotations["used_spikes"])
    np.testing.assert_allclose(found.lag, window[0] + DT * np.arange(20))
    assert np.isnan(found.sel(neuron=3)).all() and found.attrs["units"] == "volt"
    # Of one neuron: its spikes, and the variable of all.
    one = spike_triggered_average.measure(EVENTS.of(trials=[1], neurons=[0]), RECORDING.v, window=window)
    expected = elephant.sta.spike_triggered_average(
        elephant.signal(RECORDING.v.values[:, 1]), elephant.trains[1][0], tuple(each * elephant.s for each in window)
    )
    np.testing.assert_allclose(one, expected.magnitude, rtol=1e-12)
    # Of all trials: the mean over all spikes.
    pooled = spike_triggered_average.measure(EVENTS, RECORDING.v, window=window)
    parts = [spike_triggered_average.measure(EVENTS.of(trials=[t]), RECORDING.v, window=window) for t in range(TRIALS)]
    mean = sum((part * part.used for part in parts), 0 * parts[0]) / sum(
        (part.used for part in parts), 0 * parts[0].used
    )
    np.testing.assert_allclose(pooled[:, :3], mean[:, :3], rtol=1e-12)


def test_spike_triggered_average_of_a_selection_in_another_order():
    window = (-8 * DT, 12 * DT)
    chosen = RECORDING.assign_coords(trial=range(TRIALS), neuron=range(NEURONS)).isel(trial=[2, 0], neuron=[1, 0])
    found = spike_triggered_average.measure(spike_events(chosen), chosen.v, window=window)
    expected = spike_triggered_average.measure(EVENTS.of(trials=[0, 2]), RECORDING.v, window=window)
    np.testing.assert_allclose(found, expected[:, [1, 0]], rtol=1e-12)


def test_distribution_of_weights():
    weights = xarray.DataArray(
        np.array([[[0.0, 1.0], [2.0, np.nan]], [[4.0, 4.0], [4.0, 4.0]]]),
        {"snapshot": [0, 5]},
        ["snapshot", "post", "pre"],
        "EE.w",
        {"units": "siemens"},
    )
    found = weight_histogram.measure(weights, bins=4)
    np.testing.assert_allclose(found, [[1 / 3, 1 / 3, 1 / 3, 0], [0, 0, 0, 1]])
    np.testing.assert_allclose(found.weight, [0.5, 1.5, 2.5, 3.5])
    assert found.dims == ("snapshot", "weight") and found.weight.attrs["units"] == "siemens"
    np.testing.assert_allclose(weight_histogram.measure(weights, bins=2, limits=(0, 2)).sum("weight"), [1, 0])
    alike = weight_histogram.measure(weights[1] * 1e-9, bins=5)
    assert alike.shape == (1, 5) and float(alike[0, 2]) == 1 and float(alike.weight[2]) == pytest.approx(4e-9)
