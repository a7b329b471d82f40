"""Figures of spike trains draw what the measures say, with units; silence draws, too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from neurosim import NeuronModel
from neurosim.errors import ArgumentError, DataError, UnitError
from neurosim.metrics import cross_correlation, rate_histogram
from neurosim.metrics import psth as over_trials
from neurosim.plots.cross_correlogram import cross_correlogram
from neurosim.plots.fi_curve import fi_curve, frequencies
from neurosim.plots.firing_rates import firing_rates
from neurosim.plots.interval_histogram import interval_histogram
from neurosim.plots.psth import psth
from neurosim.plots.spike_triggered_average import spike_triggered_average
from neurosim.plots.weight_distribution import weight_distribution
from neurosim.recording.events import spike_events

TEXT: Any = "text"
PERFECT = NeuronModel(
    "dv/dt = i_ext/c : volt",
    threshold="v > 9.5*mV",
    reset="v = 0*mV",
    parameters={"c": "1 pF", "i_ext": "1 pA"},
)


def recording(chance: float = 0.1, *, trials: int = 3) -> xarray.Dataset:
    generator = np.random.default_rng(1)
    arrays = {}
    for name, size in (("E", 4), ("I", 2)):
        dims = ("time", "trial", f"neuron_{name}")
        arrays[f"{name}.spikes"] = (dims, generator.random((200, trials, size)) < chance)
        arrays[f"{name}.v"] = (dims, -0.06 + 1e-3 * generator.standard_normal((200, trials, size)), {"units": "volt"})
    time = ("time", 1e-3 * np.arange(200), {"units": "second"})
    return xarray.Dataset(arrays, coords={"time": time}, attrs={"dt": 1e-3})


def heights(ax: Axes) -> list[np.ndarray]:
    return [patch.get_data()[0] for patch in ax.patches if isinstance(patch, StepPatch)]


def test_rates_of_all_populations():
    ax = firing_rates(recording(), bin="20 ms")
    for name, drawn in zip(("E", "I"), heights(ax), strict=True):
        rate = rate_histogram.measure(spike_events(recording(), name), bin="20 ms").mean("trial")
        np.testing.assert_allclose(drawn, rate)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (ms)", "firing rate (Hz)")
    assert ax.get_legend_handles_labels()[1] == ["E", "I"]
    own = Figure().subplots()
    assert firing_rates(recording(), own, populations=["I"], sigma="5 ms") is own
    assert len(own.lines) == 1 and own.get_legend() is None
    assert float(np.mean(np.asarray(own.lines[0].get_ydata()))) == pytest.approx(100, rel=0.2)


def test_psth_with_its_error():
    window = ("-50 ms", "50 ms")
    ax = psth(recording(), population="E", bin="10 ms", onset="100 ms", window=window)
    expected = over_trials.measure(spike_events(recording(), "E"), bin="10 ms", onset="100 ms", window=window)
    np.testing.assert_allclose(heights(ax)[0], expected)
    assert len(ax.collections) == 1 and ax.get_xlabel() == "time after onset (ms)" and ax.get_title() == "E: 3 trials"
    single = psth(recording(trials=1), population="E")
    assert not single.collections and single.get_title() == "E: 1 trial" and single.get_xlabel() == "time (ms)"


def test_intervals():
    ax = interval_histogram(recording(), population="E", bins=10)
    spikes = recording()["E.spikes"].values
    assert heights(ax)[0].sum() == spikes.sum() - 12 and ax.get_xlabel() == "interspike interval (ms)"
    assert "of 12 spike trains" in ax.get_title()
    assert "no spike train with two intervals" in interval_histogram(recording(0.0), population="E").get_title()


def test_correlogram():
    ax = cross_correlogram(recording(), population="E", target_population="I", max_lag="20 ms")
    events = [spike_events(recording(), name) for name in ("E", "I")]
    np.testing.assert_allclose(heights(ax)[0], cross_correlation.measure(*events, max_lag="20 ms"))
    assert ax.get_title() == "E and I" and ax.get_xlabel() == "lag of the target (ms)"
    pair = cross_correlogram(recording(), population="E", pair=(0, 2), normalise="coefficient")
    assert pair.get_title() == "E 0 and E 2" and pair.get_ylabel() == "correlation coefficient"
    with pytest.raises(ArgumentError, match=r"^pair: .*two neurons"):
        cross_correlogram(recording(), population="E", pair=(0, 1, 2))  # pyright: ignore[reportArgumentType]


def test_averages_around_spikes():
    ax = spike_triggered_average(recording(), variable="E.v", window=("-5 ms", "10 ms"))
    assert ax.get_ylabel() == "E.v (mV)" and ax.get_xlabel() == "time after a spike (ms)"
    assert len(ax.lines) == 4 + 2
    one = spike_triggered_average(recording(), variable="E.v", neurons=[2])
    other = spike_triggered_average(recording(), variable="E.v", population="I", neurons=[0])
    assert len(one.lines) == 2 and len(other.lines) == 4 + 2
    assert spike_triggered_average(recording(0.0), variable="E.v").get_title() == "E: 0 spikes"
    with pytest.raises(DataError, match=r"'E\.w' was not recorded"):
        spike_triggered_average(recording(), variable="E.w")


def test_weights_over_time_and_of_one_time():
    values = np.linspace(0, 1e-9, 30).reshape(3, 10)
    time = ("time_EE", [0.0, 0.1, 0.2], {"units": "second"})
    weights = xarray.Dataset({"EE.w": (("time_EE", "synapse"), values, {"units": "siemens"})}, coords={"time_EE": time})
    ax = weight_distribution(weights, variable="EE.w", bins=5)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (ms)", "EE.w (nS)")
    assert ax.get_xlim() == (-50, 250) and ax.get_ylim() == pytest.approx((0, 1))
    last = weight_distribution(weights.isel(time_EE=[2]), variable="EE.w", bins=5, limits=(0, 1e-9))
    assert last.get_xlabel() == "EE.w (nS)" and heights(last)[0].sum() == pytest.approx(1)


def test_f_i_curve_of_a_perfect_integrator():
    # 1 pA into 1 pF is 1 V/s, so 9.5 mV are passed every 10 steps of 1 ms, and every 5 steps by 2 pA.
    curve = frequencies(PERFECT, ["0 pA", "1 pA", "2 pA"], duration="202 ms", settle="0 ms", dt="1 ms")
    np.testing.assert_allclose(curve.sel(trial=0), [0, 20 / 0.202, 40 / 0.202], rtol=1e-12)
    later = frequencies(PERFECT, ["1 pA"], duration="202 ms", settle="100 ms", dt="1 ms")
    np.testing.assert_allclose(later, [[10 / 0.102]], rtol=1e-12)
    assert curve.current.attrs["units"] == "amp"
    ax = fi_curve(curve, name="perfect")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("i_ext (pA)", "firing rate (Hz)")
    np.testing.assert_allclose(np.asarray(ax.lines[0].get_xdata()), [0, 1, 2])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: frequencies(PERFECT, ["1 mV"]), UnitError, "expected a quantity in amp"),
        (lambda: frequencies(PERFECT, [1e-12], variable="i_exp"), ArgumentError, "^variable: .*'i_ext'"),
        (lambda: frequencies(PERFECT, [1e-12], settle="2 second"), ArgumentError, "^settle: .*before the end"),
        (lambda: frequencies(PERFECT, [1e-12], inputs={"i_ext": 0}), ArgumentError, "^inputs: .*currents set"),
        (lambda: frequencies(NeuronModel("dv/dt = -v/ms : 1"), [0]), ArgumentError, "^neuron: .*threshold"),
        (lambda: firing_rates(recording(), populations=["X"]), ArgumentError, "^population: got 'X'.*E, I"),
        (lambda: interval_histogram(recording()), ArgumentError, "^population: got None"),
        (lambda: psth(recording()[["E.v"]]), DataError, "need recorded spikes"),
        (lambda: psth(TEXT), ArgumentError, "^recording: "),
        (lambda: firing_rates(recording(), ax=TEXT), ArgumentError, "^ax: "),
    ],
)
def test_what_does_not_fit_is_said(make, error, message):
    with pytest.raises(error, match=message):
        make()
