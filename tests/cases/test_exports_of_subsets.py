"""Exports of selections keep their times, trials and neurons."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas
import pytest
import xarray

from neurosim.errors import ArgumentError, DataError, NeurosimError, NeurosimWarning
from neurosim.neurons._model import NeuronModel
from neurosim.recording.nwb import to_nwb
from neurosim.recording.selection import in_order, timing_of
from neurosim.recording.simulate import simulate
from neurosim.recording.store import open_recording
from neurosim.recording.to_csv import to_csv
from neurosim.recording.to_neo import save_neo, to_neo

NEURON = NeuronModel(
    "dv/dt = (i_ext - v)/(5*ms) : volt\ni_ext : volt", threshold="v > 10*mV", reset="v = 0*volt", name="cell"
)
CURRENTS = 1e-3 * np.array([[15.0, 30.0, 60.0, 12.0], [20.0, 40.0, 80.0, 16.0], [0.0, 25.0, 50.0, 100.0]])


@pytest.fixture(scope="module", params=["memory", "disk"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> xarray.Dataset:
    """Three trials of four neurons, 40 ms at 0.1 ms."""
    settings: dict[str, Any] = {"n": 4, "trials": 3, "inputs": {"i_ext": CURRENTS}}
    if request.param == "disk":
        return simulate(NEURON, "40 ms", **settings, out=tmp_path_factory.mktemp("whole") / "whole.zarr")
    return simulate(NEURON, "40 ms", **settings)


def _signals(block: Any) -> list[Any]:
    return [(segment.index, segment.analogsignals[0]) for segment in block.segments]


def _nwb(recording: Any, path: Path) -> Any:
    import pynwb

    opened = cast("Any", pynwb.NWBHDF5IO)(str(to_nwb(recording, path)), "r")
    return opened.read()


def test_recordings_number_their_trials_and_neurons(whole: xarray.Dataset) -> None:
    assert whole.trial.values.tolist() == [0, 1, 2]
    assert whole.neuron.values.tolist() == [0, 1, 2, 3]


def test_every_tenth_step_has_a_tenth_of_the_rate(whole: xarray.Dataset, tmp_path: Path) -> None:
    part = whole.isel(time=slice(5, None, 10))
    _, signal = _signals(to_neo(part))[0]
    assert float(signal.sampling_rate.rescale("Hz")) == pytest.approx(1000, rel=1e-12)
    np.testing.assert_allclose(signal.times.rescale("s").magnitude, part.time.values, rtol=0, atol=1e-12)
    assert float(signal.t_stop) == pytest.approx(40.5e-3)
    session = _nwb(part, tmp_path / "part.nwb")
    series = session.acquisition["v trial 1"]
    assert series.rate == pytest.approx(1000, rel=1e-12)
    assert series.starting_time == pytest.approx(0.5e-3 + 40e-3)
    np.testing.assert_allclose(session.trials["start_time"][:], 0.5e-3 + np.array([0, 40e-3, 80e-3]))
    table = pandas.read_csv(to_csv(part, tmp_path / "part") / "v.csv")
    np.testing.assert_array_equal(table[table.trial == 0]["time (second)"], part.time.values)


def test_a_window_begins_where_it_was_cut(whole: xarray.Dataset) -> None:
    part = whole.sel(time=slice(10e-3, 20e-3))
    _, signal = _signals(to_neo(part))[0]
    assert float(signal.sampling_rate.rescale("Hz")) == pytest.approx(10_000, rel=1e-12)
    assert float(signal.t_start) == pytest.approx(10e-3) and float(signal.t_stop) == pytest.approx(20.1e-3)


def test_trials_and_neurons_keep_their_numbers(whole: xarray.Dataset, tmp_path: Path) -> None:
    part = whole.isel(trial=[0, 2], neuron=[3, 1])
    block = to_neo(part)
    assert [segment.index for segment in block.segments] == [0, 2]
    assert [segment.name for segment in block.segments] == ["trial 0", "trial 2"]
    for segment, trial in zip(block.segments, (0, 2), strict=True):
        signal = segment.analogsignals[0]
        assert signal.array_annotations["neuron"].tolist() == [3, 1]
        np.testing.assert_array_equal(signal.magnitude, whole.v.values[:, trial, [3, 1]])
        assert [train.annotations["neuron"] for train in segment.spiketrains] == [3, 1]
        for train in segment.spiketrains:
            spikes = whole.spikes.values[:, trial, train.annotations["neuron"]]
            np.testing.assert_array_equal(train.magnitude, whole.time.values[spikes])
    folder = to_csv(part, tmp_path / "part")
    table = pandas.read_csv(folder / "v.csv")
    assert list(table)[2:] == ["neuron 3 (volt)", "neuron 1 (volt)"]
    assert sorted(set(table.trial)) == [0, 2]
    rows = table[table.trial == 2]
    np.testing.assert_array_equal(rows["neuron 3 (volt)"], whole.v.values[:, 2, 3])
    spikes = pandas.read_csv(folder / "spikes.csv")
    counts = spikes.groupby(["trial", "neuron"]).size().to_dict()
    expected = whole.spikes.values.sum(axis=0)
    assert counts == {(t, n): expected[t, n] for t in (0, 2) for n in (1, 3) if expected[t, n]}
    session = _nwb(part, tmp_path / "part.nwb")
    assert session.trials.id[:].tolist() == [0, 2]
    assert set(session.acquisition) == {"v trial 0", "v trial 2"}
    assert "neurons 3, 1" in session.acquisition["v trial 2"].description
    units = session.units.to_dataframe()
    assert units.neuron.tolist() == [3, 1]
    times = [40e-3 * place + whole.time.values[whole.spikes.values[:, t, 3]] for place, t in enumerate((0, 2))]
    np.testing.assert_allclose(units.spike_times.iloc[0], np.concatenate(times), rtol=0, atol=1e-12)


def test_the_only_trial_of_a_selection_is_named(whole: xarray.Dataset, tmp_path: Path) -> None:
    assert set(_nwb(whole.isel(trial=[2]), tmp_path / "two.nwb").acquisition) == {"v trial 2"}
    assert set(_nwb(whole.isel(trial=[0]), tmp_path / "none.nwb").acquisition) == {"v"}


def test_time_that_runs_backwards_is_put_in_order(whole: xarray.Dataset) -> None:
    for part in (whole.isel(time=slice(None, None, -1)), whole.isel(time=slice(None, None, -4))):
        _, signal = _signals(to_neo(part))[0]
        ordered = part.sortby("time")
        np.testing.assert_allclose(signal.times.rescale("s").magnitude, ordered.time.values, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(signal.magnitude, ordered.v.values[:, 0])


def test_irregular_times_stay_irregular(whole: xarray.Dataset, tmp_path: Path) -> None:
    part = whole.isel(time=[0, 1, 2, 10, 50, 399])
    (signal,) = to_neo(part).segments[1].irregularlysampledsignals
    np.testing.assert_array_equal(signal.times.rescale("s").magnitude, part.time.values)
    np.testing.assert_array_equal(signal.magnitude, part.v.values[:, 1])
    series = _nwb(part, tmp_path / "part.nwb").acquisition["v trial 1"]
    assert series.rate is None
    np.testing.assert_allclose(series.timestamps[:], 40e-3 + part.time.values, rtol=0, atol=1e-12)
    table = pandas.read_csv(to_csv(part, tmp_path / "part") / "v.csv")
    np.testing.assert_array_equal(table[table.trial == 1]["time (second)"], part.time.values)


def test_without_attributes_times_tell_the_rate_and_units_are_missed(whole: xarray.Dataset) -> None:
    bare = whole.isel(time=slice(None, None, 2)).drop_attrs()
    with pytest.warns(NeurosimWarning, match="'v' has no attribute 'units'"):
        _, signal = _signals(to_neo(bare))[0]
    assert float(signal.sampling_rate.rescale("Hz")) == pytest.approx(5000, rel=1e-8)
    np.testing.assert_allclose(signal.times.rescale("s").magnitude, bare.time.values, rtol=0, atol=1e-9)


def test_one_sample_is_enough(whole: xarray.Dataset) -> None:
    part = whole.isel(time=[7])
    _, signal = _signals(to_neo(part))[0]
    assert signal.shape == (1, 4) and float(signal.t_start) == pytest.approx(0.7e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NeurosimWarning)
        assert len(to_neo(part.drop_attrs()).segments[0].irregularlysampledsignals) == 1


def test_axes_in_another_order_and_single_variables_are_taken(whole: xarray.Dataset) -> None:
    for given in (whole.transpose("neuron", "trial", "time"), whole.v, whole[["v"]]):
        _, signal = _signals(to_neo(given))[1]
        np.testing.assert_array_equal(signal.magnitude, whole.v.values[:, 1])


def test_times_in_milliseconds_and_in_single_precision_are_read(whole: xarray.Dataset) -> None:
    ms = whole.assign_coords(time=("time", 1e3 * whole.time.values, {"units": "ms"}))
    single = whole.assign_coords(time=("time", whole.time.values.astype("float32"), {"units": "second"}))
    for given in (ms, single):
        found = timing_of(in_order(given))
        assert found.step == 1e-4
        np.testing.assert_allclose(found.time, whole.time.values, rtol=1e-6, atol=1e-12)


def test_a_subset_on_disk_keeps_its_numbers(whole: xarray.Dataset, tmp_path: Path) -> None:
    part = whole.isel(time=slice(None, None, 10), trial=[1], neuron=[2, 3])
    part.to_zarr(tmp_path / "part.zarr", zarr_format=2)
    again = open_recording(tmp_path / "part.zarr")
    assert again.trial.values.tolist() == [1] and again.neuron.values.tolist() == [2, 3]
    (segment,) = to_neo(again).segments
    assert segment.index == 1 and float(segment.analogsignals[0].sampling_rate) == pytest.approx(1000)


_REFUSED: dict[str, tuple[Callable[[xarray.Dataset], Any], type[NeurosimError], str]] = {
    "one trial": (lambda w: w.isel(trial=0), DataError, r"isel\(trial=\[0\]\)"),
    "one neuron": (lambda w: w.isel(neuron=0), DataError, r"expected \(time, trial, neuron\)"),
    "other names": (lambda w: w.rename(time="t"), DataError, "it has no time"),
    "no trials called so": (lambda w: w.rename(trial="repeat"), DataError, "'v' has the dimensions"),
    "no times": (lambda w: w.drop_vars("time"), DataError, "it has no time"),
    "nothing left": (lambda w: w.isel(time=slice(0, 0)), DataError, "'v' is empty"),
    "no neurons left": (lambda w: w.isel(neuron=[]), DataError, "'v' is empty"),
    "trials of two": (
        lambda w: xarray.concat([w, w], "trial"),
        DataError,
        r"of 'trial' are not all different.*assign_coords\(trial=range\(6\)\)",
    ),
    "times of two": (lambda w: xarray.concat([w, w], "time"), DataError, "several samples of one time"),
    "words": (lambda w: w.assign_coords(trial=["a", "b", "c"]), DataError, "of 'trial' are no whole numbers"),
    "not numbers": (lambda w: w.assign_coords(time=w.time.values * np.nan), DataError, "'time' holds"),
    "volts": (
        lambda w: w.assign_coords(time=("time", w.time.values, {"units": "volt"})),
        DataError,
        "expected a unit of time",
    ),
    "objects": (lambda w: w.assign(v=w.v.astype(object)), DataError, "'v' holds object"),
    "a path": (lambda w: "recording.zarr", ArgumentError, "recording: got 'recording.zarr'.*open_recording"),
    "an array": (lambda w: w.v.values, ArgumentError, "recording: got"),
}


@pytest.mark.parametrize("name", _REFUSED)
def test_what_is_no_recording_is_refused_by_all(name: str, whole: xarray.Dataset, tmp_path: Path) -> None:
    select, error, message = _REFUSED[name]
    given = select(whole)
    for export in (to_neo, lambda r: to_nwb(r, tmp_path / "x.nwb"), lambda r: to_csv(r, tmp_path / "x")):
        with pytest.raises(error, match=message):
            export(given)
    with pytest.raises(error, match=message):
        save_neo(given, tmp_path / "x.mat")
    assert not list(tmp_path.iterdir())
