"""Exports of recordings: other tools read the simulated values, with units and sampling rate."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import xarray

import neurosim
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Population
from neurosim.errors import ConfigError, DataError, UnitError
from neurosim.neurons._model import NeuronModel
from neurosim.recording.exchange import unit_name
from neurosim.recording.nwb import to_nwb
from neurosim.recording.simulate import simulate
from neurosim.recording.to_csv import metrics_to_csv, to_csv
from neurosim.recording.to_neo import save_neo, to_neo
from neurosim.recording.weights import load_weights, save_weights

DT, STEPS, TRIALS = 1e-4, 600, 2
NEURON = NeuronModel(
    """
    dv/dt = (e_leak - v + r_m*i_ext)/tau_m : volt (unless refractory)
    i_ext : amp
    above = (v - e_leak)/mV : 1
    density = i_ext/(100*umetre**2) : amp/metre**2
    """,
    threshold="v > -50*mV",
    reset="v = e_leak",
    refractory="2 ms",
    parameters={"tau_m": "10 ms", "e_leak": "-70 mV", "r_m": "100 Mohm"},
    initial={"v": "-70 mV"},
    name="cell",
)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> xarray.Dataset:
    """Two populations, three trials, on disk; the last neuron of each is silent."""
    circuit = Circuit("cells", (Population("a", 4, NEURON), Population("b", 3, NEURON)))
    generator = np.random.default_rng(0)
    inputs = {
        "a.i_ext": np.append(generator.uniform(0.25, 0.5, 3), 0.1) * 1e-9,
        "b.i_ext": np.append(generator.uniform(0.25, 0.5, 2), 0.1) * 1e-9 * np.ones((TRIALS, 1)) * [[1.0], [1.3]],
    }
    record = ["a.v", "a.above", "a.density", "a.spikes", "b.v", "b.spikes"]
    out = tmp_path_factory.mktemp("recording") / "cells.zarr"
    return simulate(circuit, "60 ms", trials=TRIALS, inputs=inputs, record=record, out=out, dt="0.1 ms")


def _times(recording: xarray.Dataset, name: str, trial: int, neuron: int) -> np.ndarray:
    return recording.time.values[recording[name].values[:, trial, neuron]]


def test_there_is_something_to_export(recording: xarray.Dataset) -> None:
    assert recording.sizes["time"] == STEPS
    counts = recording["a.spikes"].values.sum(axis=0)
    assert (counts[:, :3] > 1).all() and not counts[:, 3].any()


def test_nwb_as_pynwb_reads_it(recording: xarray.Dataset, tmp_path: Path) -> None:
    import pynwb

    path = to_nwb(recording, tmp_path / "cells.nwb")
    assert not pynwb.validate(path=str(path))
    with cast("Any", pynwb.NWBHDF5IO)(str(path), "r") as stream:
        session = stream.read()
        assert list(session.trials["start_time"][:]) == pytest.approx([0.0, STEPS * DT])
        for name, unit in {"a.v": "volts", "a.above": "n.a.", "a.density": "metre**-2*ampere", "b.v": "volts"}.items():
            for trial in range(TRIALS):
                series = session.acquisition[f"{name} trial {trial}"]
                assert series.unit == unit
                assert series.rate == pytest.approx(1 / DT)
                assert series.starting_time == pytest.approx(trial * STEPS * DT)
                np.testing.assert_array_equal(series.data[:], recording[name].values[:, trial])
        table = session.units.to_dataframe()
        assert len(table) == 4 + 3
        for _, row in table.iterrows():
            name, neuron = f"{row.population}.spikes", row.neuron
            parts = [trial * STEPS * DT + _times(recording, name, trial, neuron) for trial in range(TRIALS)]
            np.testing.assert_allclose(row.spike_times, np.concatenate(parts), rtol=0, atol=1e-12)


def test_nwbinspector_finds_nothing_critical(recording: xarray.Dataset, tmp_path: Path) -> None:
    from nwbinspector import Importance, inspect_nwbfile

    path = to_nwb(recording, tmp_path / "cells.nwb")
    found = list(inspect_nwbfile(nwbfile_path=str(path), importance_threshold=Importance.CRITICAL))
    assert not found


def test_nwb_as_neo_reads_it(recording: xarray.Dataset, tmp_path: Path) -> None:
    from neo.io import NWBIO

    path = to_nwb(recording.isel(trial=[0]), tmp_path / "cells.nwb")
    reader = NWBIO(str(path), "r")
    (block,) = reader.read_all_blocks()
    (segment,) = block.segments
    signals = {signal.name: signal for signal in segment.analogsignals}
    for name in ("a.v", "b.v"):
        assert signals[name].units.dimensionality.string == "V"
        assert float(signals[name].sampling_rate.rescale("Hz")) == pytest.approx(1 / DT)
        np.testing.assert_array_equal(signals[name].magnitude, recording[name].values[:, 0])
    expected = [_times(recording, f"{p}.spikes", 0, n) for p, size in (("a", 4), ("b", 3)) for n in range(size)]
    assert len(segment.spiketrains) == len(expected)
    for train, times in zip(segment.spiketrains, expected, strict=True):
        np.testing.assert_allclose(train.rescale("s").magnitude, times, rtol=0, atol=1e-12)
    reader.close()


def test_neo_objects_and_the_file_neo_writes(recording: xarray.Dataset, tmp_path: Path) -> None:
    from neo.io import NeoMatlabIO

    block = to_neo(recording)
    path = save_neo(recording, tmp_path / "cells.mat")
    (again,) = cast("list[Any]", NeoMatlabIO(str(path)).read())
    for found in (block, again):
        assert len(found.segments) == TRIALS
        for trial, segment in enumerate(found.segments):
            for signal, name in zip(segment.analogsignals, ("a.v", "a.above", "a.density", "b.v"), strict=True):
                assert signal.name == name
                assert float(signal.sampling_rate.rescale("Hz")) == pytest.approx(1 / DT)
                np.testing.assert_array_equal(np.asarray(signal.magnitude), recording[name].values[:, trial])
            assert str(segment.analogsignals[0].units.dimensionality) in ("V", "volt")
            trains = segment.spiketrains
            for train, (population, neuron) in zip(trains, [("a", n) for n in range(4)], strict=False):
                assert train.name == f"{population} {neuron}"
                np.testing.assert_array_equal(train.magnitude, _times(recording, "a.spikes", trial, neuron))
    density = block.segments[0].analogsignals[2]
    assert density.dimensionality.simplified == (1 * _quantities().A / _quantities().m ** 2).dimensionality.simplified


def _quantities() -> Any:
    import quantities

    return quantities


def test_csv_has_the_same_numbers(recording: xarray.Dataset, tmp_path: Path) -> None:
    import pandas

    folder = to_csv(recording, tmp_path / "cells")
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{name}.csv" for name in recording)
    table = pandas.read_csv(folder / "a.v.csv")
    assert list(table)[:3] == ["time (second)", "trial", "neuron 0 (volt)"]
    for trial in range(TRIALS):
        rows = table[table.trial == trial]
        np.testing.assert_array_equal(rows["time (second)"], recording.time.values)
        np.testing.assert_array_equal(rows.iloc[:, 2:], recording["a.v"].values[:, trial])
    spikes = pandas.read_csv(folder / "b.spikes.csv")
    assert len(spikes) == int(recording["b.spikes"].sum())
    for key, rows in spikes.groupby(["trial", "neuron"]):
        trial, neuron = cast("tuple[int, int]", key)
        np.testing.assert_array_equal(rows["time (second)"], _times(recording, "b.spikes", trial, neuron))


def test_a_restored_recording_keeps_its_time(tmp_path: Path) -> None:
    simulate(NEURON, "5 ms", inputs={"i_ext": "0.5 nA"}, store=tmp_path / "end")
    second = simulate(NEURON, "20 ms", inputs={"i_ext": "0.5 nA"}, restore=tmp_path / "end")
    (segment,) = to_neo(second).segments
    assert float(segment.analogsignals[0].t_start) == pytest.approx(5e-3)
    np.testing.assert_array_equal(segment.spiketrains[0].magnitude, _times(second, "spikes", 0, 0))


def test_units_are_words_that_other_tools_know() -> None:
    expected = {
        "volt": "volt",
        "amp": "ampere",
        "1": "1",
        "mV": "volt",
        "amp/volt": "siemens",
        "second**-1": "hertz",
        "volt/second": "metre**2*kilogram*second**-4*ampere**-1",
    }
    assert {text: unit_name(text) for text in expected} == expected
    with pytest.raises(UnitError):
        unit_name("__import__('os').system('true')")


def test_what_cannot_be_exported(recording: xarray.Dataset, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no recording"):
        to_nwb(xarray.Dataset(), tmp_path / "none.nwb")
    with pytest.raises(DataError, match=r"'a.v' has the dimensions \('time', 'neuron_a'\)"):
        to_neo(recording.isel(trial=0))
    (tmp_path / "there.nwb").touch()
    with pytest.raises(ConfigError, match="exists already"):
        to_nwb(recording, tmp_path / "there.nwb")
    with pytest.raises(ConfigError, match=r"got the suffix '.h5', expected .mat"):
        save_neo(recording, tmp_path / "cells.h5")
    with pytest.raises(DataError, match="nothing was measured"):
        metrics_to_csv(xarray.Dataset(), tmp_path / "metrics")
    assert [path.name for path in tmp_path.iterdir()] == ["there.nwb"]


def test_names_in_a_strangers_recording_stay_inside_the_folder(recording: xarray.Dataset, tmp_path: Path) -> None:
    hostile = recording[["a.spikes"]].rename({"a.spikes": "../../outside"})
    folder = to_csv(hostile, tmp_path / "deep" / "cells")
    assert [path.name for path in folder.iterdir()] == ["_.._outside.csv"]
    assert not (tmp_path / "outside.csv").exists()


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_weights_go_out_and_come_in(suffix: str, tmp_path: Path) -> None:
    state = {"W1.w": np.random.default_rng(0).standard_normal((3, 2)), "W1.learning_rate": np.float32(0.1)}
    path = save_weights(state, tmp_path / f"weights{suffix}")
    found = neurosim.load_weights(path)
    assert set(found) == set(state)
    for name, array in state.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == np.asarray(array).dtype and found[name].shape == np.shape(array)
    if suffix == ".npz":
        np.testing.assert_array_equal(np.load(path)["W1.w"], state["W1.w"])


def test_weights_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        load_weights(tmp_path)
    (tmp_path / "weights.pkl").touch()
    with pytest.raises(DataError, match=r"got a file '.pkl', expected .safetensors or .npz"):
        load_weights(tmp_path / "weights.pkl")
    (tmp_path / "weights.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(DataError, match="no weights, or damaged ones"):
        load_weights(tmp_path / "weights.safetensors")
    np.savez(tmp_path / "objects.npz", a=np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="no weights, or damaged ones"):
        load_weights(tmp_path / "objects.npz")
    np.savez_compressed(tmp_path / "bomb.npz", a=np.zeros(1 << 22))
    with pytest.raises(DataError, match="which no weights do"):
        load_weights(tmp_path / "bomb.npz")
