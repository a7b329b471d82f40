"""Weights within a simulation, and what has times of its own, as other tools read them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import xarray

from neurosim import simulate
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import Explicit
from neurosim.circuit.description import Pathway, Population
from neurosim.errors import DataError, NeurosimWarning
from neurosim.neurons._model import NeuronModel
from neurosim.recording.nwb import to_nwb
from neurosim.recording.to_csv import to_csv
from neurosim.recording.to_neo import save_neo, to_neo
from neurosim.rules._rule import Rule

NEURON = NeuronModel(
    "dv/dt = (v_in - v + g*v_in*r)/tau : volt\ndg/dt = -g/tau : siemens",
    threshold="v > 1*mV",
    reset="v = 0*mV",
    parameters={"tau": "5 ms", "v_in": "2 mV", "r": "1 Mohm"},
    initial={"v": "0.9*rand()*mV - 1*mV"},
)
STDP = Rule(on_pre="w += 1e6*nS*v_post/volt", on_post="w -= 3*nS*int(v_pre > 0*mV) + 1*nS")
TRIALS = 2


@pytest.fixture(scope="module")
def recording() -> xarray.Dataset:
    dense = Pathway("ab", "a.spikes", "b.g", initial="200 nS", rule=STDP)
    listed = Pathway("ba", "b.spikes", "a.g", initial="2 nS", rule=STDP, connectivity=Explicit((0, 1, 1), (0, 0, 1)))
    circuit = Circuit("net", (Population("a", 3, NEURON), Population("b", 2, NEURON)), (dense, listed), ())
    record = ["a.v", "a.v[:2]", "a.spikes", "ab.w", "ba.w[:2]", "mean(ab.w)", "b.v", "mean(b.v)"]
    every = {"ab.w": "4 ms", "ba.w": "5 ms", "b.v": "3 ms", "mean(b.v)": "2 ms", "mean(ab.w)": "2 ms"}
    return simulate(circuit, "20 ms", trials=TRIALS, dt="1 ms", record=record, every=every)


def expected(recording: xarray.Dataset, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Times, and values of a trial and sample, with one axis of places."""
    variable = recording[name]
    own = [dim for dim in variable.dims if str(dim).startswith("time")]
    times = recording[own[0]].values if own else np.array([20e-3])
    values = variable.transpose("trial", *own, ...).values
    return times, values.reshape(TRIALS, len(times), -1)


APART = ["ab.w", "ba.w[:2]", "mean(ab.w)", "b.v", "mean(b.v)", "end(ab.w)", "ba.w"]


def test_everything_is_there(recording: xarray.Dataset) -> None:
    assert set(recording.data_vars) == {"a.v", "a.v[:2]", "a.spikes", *APART}
    assert recording["ab.w"].dims == ("time_ab.w", "trial", "post_ab", "pre_ab")
    assert np.ptp(recording["end(ab.w)"].values) > 0


def test_neo(recording: xarray.Dataset, tmp_path: Path) -> None:
    from neo.io import NeoMatlabIO

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        block = to_neo(recording)
    with pytest.warns(NeurosimWarning, match=r"end\(ab\.w\), ba\.w: left out, because Neo cannot read signals of one"):
        path = save_neo(recording, tmp_path / "net.mat")
    (again,) = cast("list[Any]", NeoMatlabIO(str(path)).read())
    for found in (block, again):
        for trial, segment in enumerate(found.segments):
            signals = {signal.name: signal for signal in segment.irregularlysampledsignals}
            assert set(signals) == (set(APART) if found is block else set(APART) - {"end(ab.w)", "ba.w"})
            for name, signal in signals.items():
                times, values = expected(recording, name)
                np.testing.assert_allclose(signal.times.rescale("s").magnitude, times, rtol=0, atol=1e-15)
                np.testing.assert_array_equal(np.asarray(signal.magnitude).reshape(values[trial].shape), values[trial])
            weights = signals["ab.w"]
            assert str(weights.units.dimensionality) in ("S", "siemens")
    annotations = block.segments[0].irregularlysampledsignals[0].annotations
    assert annotations == {"dimensions": ["post_ab", "pre_ab"], "shape": [2, 3]}


def test_nwb(recording: xarray.Dataset, tmp_path: Path) -> None:
    import pynwb
    from nwbinspector import Importance, inspect_nwbfile

    path = to_nwb(recording, tmp_path / "net.nwb")
    assert not pynwb.validate(path=str(path))
    assert not list(inspect_nwbfile(nwbfile_path=str(path), importance_threshold=Importance.CRITICAL))
    with cast("Any", pynwb.NWBHDF5IO)(str(path), "r") as stream:
        session = stream.read()
        tables = session.processing["weights"].data_interfaces
        assert {name.rpartition(" trial")[0] for name in tables} == {"ab.w", "ba.w[_2]", "end(ab.w)", "ba.w"}
        for name in APART:
            times, values = expected(recording, name)
            for trial in range(TRIALS):
                safe = name.replace(":", "_")
                if f"{safe} trial {trial}" in tables:
                    table = tables[f"{safe} trial {trial}"]
                    when, what, data = table["time"][:], table[safe].description, table[safe][:]
                    assert "siemens" in what and name in what
                else:
                    series = session.acquisition[f"{name} trial {trial}"]
                    when, data = series.timestamps[:], series.data[:]
                    assert series.unit == ("siemens" if "ab.w" in name else "volts")
                np.testing.assert_allclose(when, trial * 20e-3 + times, rtol=0, atol=1e-15)
                np.testing.assert_array_equal(data.reshape(values[trial].shape), values[trial])


def test_csv(recording: xarray.Dataset, tmp_path: Path) -> None:
    import pandas

    folder = to_csv(recording, tmp_path / "net")
    assert len(list(folder.iterdir())) == len(recording.data_vars)
    dense = pandas.read_csv(folder / "ab.w.csv")
    assert list(dense)[:4] == ["time (second)", "trial", "post_ab", "pre_ab 0 (siemens)"]
    for name, file, first in (("ab.w", "ab.w", 3), ("end(ab.w)", "end_ab.w_", 3), ("ba.w[:2]", "ba.w__2_", 2)):
        table = pandas.read_csv(folder / f"{file}.csv")
        times, values = expected(recording, name)
        for trial in range(TRIALS):
            rows: Any = table[table.trial == trial]
            np.testing.assert_array_equal(rows["time (second)"].unique(), times)
            np.testing.assert_array_equal(rows.iloc[:, first:].to_numpy().reshape(values[trial].shape), values[trial])
    assert list(pandas.read_csv(folder / "mean_ab.w_.csv")) == ["time (second)", "trial", "mean(ab.w) (siemens)"]
    assert list(pandas.read_csv(folder / "ba.w__2_.csv"))[2] == "synapse_ba[:2] 0 (siemens)"


def test_weights_alone_and_selections_are_exported(recording: xarray.Dataset, tmp_path: Path) -> None:
    alone = recording[["ab.w"]].isel(trial=[1], pre_ab=[2])
    (segment,) = to_neo(alone).segments
    (signal,) = segment.irregularlysampledsignals
    np.testing.assert_array_equal(signal.magnitude, recording["ab.w"].values[:, 1, :, 2])
    assert segment.index == 1
    assert "pre_ab 2 (siemens)" in (to_csv(alone, tmp_path / "alone") / "ab.w.csv").read_text()
    with pytest.raises(DataError, match=r"'ab\.w' has the dimensions .* expected trials"):
        to_neo(recording[["a.v"]].assign({"ab.w": recording["ab.w"].isel(trial=0)}))
