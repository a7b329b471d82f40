"""What is recorded: parts, sums and samples are those of whole recordings; spikes as events are the same spikes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray
from matplotlib.figure import Figure

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Initial, Pathway, Phase, Population
from neurosim.engines.records import Record, read_record
from neurosim.errors import CircuitError, UnitError
from neurosim.neurons._model import NeuronModel
from neurosim.plots.recording import raster
from neurosim.recording import simulate as module
from neurosim.recording.exchange import spikes_in, spikes_of
from neurosim.recording.sampled import sampled_of
from neurosim.recording.selection import in_order, timing_of
from neurosim.recording.simulate import simulate
from neurosim.recording.store import open_recording
from neurosim.recording.to_csv import to_csv
from neurosim.rules._rule import Rule

CELL = NeuronModel(
    "dv/dt = (i_ext + g - v)/tau_m : 1\ndg/dt = -g/(5*ms) : 1\ntwice = 2*v : 1\ni_ext : 1",
    threshold="v > 1",
    reset="v = 0",
    parameters={"tau_m": "3 ms", "i_ext": 3.0},
    name="cell",
)
RULE = Rule("w += 0.1*spikes_post + 0.001*v_pre", timing="step")
CIRCUIT = Circuit(
    "one",
    (Population("E", 12, CELL), Population("I", 5, CELL)),
    (
        Pathway("EI", "E.spikes", "I.g", initial=Initial(scale=0.2), rule=RULE),
        Pathway("IE", "I.spikes", "E.g", initial=Initial(scale=0.2)),
    ),
    (Phase("first", "3 ms", learn=("EI",)), Phase("second", "4.1 ms", learn=("EI",))),
)
INPUTS = {"E.i_ext": np.linspace(0.5, 4.0, 24).reshape(2, 12)}
WHOLE = ["E.v", "E.twice", "E.spikes", "EI.w", "IE.w"]
EVERY = {"E.v[3]": 7, "E.v[::5]": 3, "mean(E.twice)": 4, "EI.w[::9]": 6, "EI.w": 10, "sum(EI.w)": 5}


@pytest.fixture(params=["batched", "brian"], scope="module")
def engine(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(scope="module")
def whole(engine: Any) -> xarray.Dataset:
    return simulate(CIRCUIT, trials=2, engine=engine, inputs=INPUTS, record=WHOLE)


def test_parts_sums_and_samples_are_those_of_whole_recordings(engine: Any, whole: xarray.Dataset) -> None:
    texts = ["E.v[:10]", *EVERY, "mean(E.v)", "sum(E.v[2:])", "mean(E.spikes)", "E.spikes[4]", "sum(IE.w[1:3])"]
    every = {text: f"{steps / 10} ms" for text, steps in EVERY.items()}
    found = simulate(CIRCUIT, trials=2, engine=engine, inputs=INPUTS, record=texts, every=every)
    for text in texts:
        one = read_record(text)
        full = whole[one.name].values[:: EVERY.get(text, 1)]
        rows = full.reshape(*full.shape[:2], -1)
        expected = rows[:, :, one.slice]
        if one.over:
            expected = expected.mean(axis=-1) if one.over == "mean" else expected.sum(axis=-1)
        elif text == "EI.w":
            expected = full
        np.testing.assert_allclose(found[text].values, expected, rtol=1e-9, atol=1e-12, err_msg=text)
        assert found[text].dims[0] == (f"time_{text}" if text in EVERY else "time")
        np.testing.assert_allclose(found[found[text].dims[0]], 1e-4 * np.arange(71)[:: EVERY.get(text, 1)])
    assert found["E.v[:10]"].dims == ("time", "trial", "neuron_E[:10]")
    assert found["EI.w[::9]"].dims == ("time_EI.w[::9]", "trial", "synapse_EI[::9]")
    assert found["synapse_EI[::9]"].values.tolist() == list(range(0, 60, 9))
    assert found["mean(E.v)"].dims == ("time", "trial")
    assert found["E.v[3]"].coords["neuron_E[3]"].values.tolist() == [3]
    np.testing.assert_allclose(found["end(EI.w)"], simulate(CIRCUIT, **_given(engine), record=["E.v"])["EI.w"])


def _given(engine: str) -> dict[str, Any]:
    return {"trials": 2, "engine": engine, "inputs": INPUTS}


def test_a_bare_neuron_needs_no_population(engine: Any) -> None:
    found = simulate(CELL, "2 ms", n=4, engine=engine, record=["v[1:]", "mean(spikes)"], every={"v": "0.5 ms"})
    assert list(found) == ["v[1:]", "mean(spikes)"]
    assert found["v[1:]"].dims == ("time_v[1:]", "trial", "neuron[1:]")
    assert simulate(CELL, "2 ms", engine=engine, every={"v": "1 ms"}).sizes["time_v"] == 2
    assert found["time_v[1:]"].values.tolist() == pytest.approx([0, 5e-4, 1e-3, 1.5e-3])


@pytest.mark.parametrize(
    ("record", "every", "message"),
    [
        (["E.w"], {}, "cannot record 'E.w'; .*known: E.v"),
        (["EI.v"], {}, "cannot record 'EI.v'"),
        (["E.v[40]"], {}, r"'E.v\[40\]' has nothing in \[40\]; 'E.v' has 12 neurons, numbered from 0 to 11"),
        (["E.v[12:]"], {}, "has 12 neurons"),
        (["EI.w[60]"], {}, "has 60 synapses"),
        (["E.v[a]"], {}, r"has \[a\]; expected a number or a range"),
        (["E.v[::0]"], {}, r"has \[::0\]"),
        (["E.v[]"], {}, r"has \[\]"),
        (["max(E.v)"], {}, "asks for 'max'; expected 'mean' or 'sum'"),
        (["mean(E.v"], {}, "cannot be read; expected a variable such as"),
        (["E.v + 1"], {}, "cannot be read"),
        (["E.v"], {"E.v": "0.25 ms"}, "every: 'E.v' got 0.25 ms, which is no whole number of time steps"),
        (["E.v"], {"E.v": "0 ms"}, "no whole number"),
        (["E.v"], {"I.v": "1 ms"}, "every: 'I.v' is not recorded"),
        (["E.spikes"], {"E.spikes": "1 ms"}, "'E.spikes' would be lost between samples.*spikes='events'"),
    ],
)
def test_what_cannot_be_recorded_is_refused(record: list[str], every: dict[str, str], message: str) -> None:
    with pytest.raises(CircuitError, match=message):
        simulate(CIRCUIT, record=record, every=every)


def test_a_time_between_samples_is_a_time() -> None:
    with pytest.raises(UnitError, match=r"every: 'E\.v'"):
        simulate(CIRCUIT, record=["E.v"], every={"E.v": "1 mV"})


def test_recordings_that_do_not_fit_into_memory_are_refused() -> None:
    with pytest.raises(CircuitError, match=r"'v' has 1000000000 x 1 x 100000 numbers.*fewer steps \(every=\)"):
        simulate(CELL, "100000 second", n=100_000, record=["v"])


def test_the_number_of_samples() -> None:
    one = Record("E.v", every=7)
    for begin in range(20):
        for steps in range(20):
            numbers = [number for number in range(begin, begin + steps) if number % 7 == 0]
            assert one.samples(begin, steps) == len(numbers)


# Spikes as events


@pytest.fixture
def both(engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[xarray.Dataset, ...]:
    """Spikes as truth values, and as events in memory and on disk, packed piece by piece."""
    circuit = Circuit("one", CIRCUIT.populations, CIRCUIT.pathways)
    settings: dict[str, Any] = {**_given(engine), "record": ["E.spikes", "I.spikes[::2]", "E.v[:2]"], "learn": False}
    dense = simulate(circuit, "7 ms", **settings)
    monkeypatch.setattr(module, "PIECE", 1500)
    events = simulate(circuit, "7 ms", spikes="events", **settings)
    stored = simulate(circuit, "7 ms", spikes="events", out=tmp_path / "events.zarr", **settings)
    return dense, events, stored, open_recording(tmp_path / "events.zarr")


def test_events_are_the_spikes(both: tuple[xarray.Dataset, ...], tmp_path: Path) -> None:
    dense, *others = both
    step, trial, neuron = np.nonzero(dense["E.spikes"].values)
    assert len(step) > 20
    for events in others:
        assert "E.spikes" not in events
        assert events["E.spike_time"].dims == ("spike_E",)
        np.testing.assert_array_equal(events["E.spike_time"].values, dense.time.values[step])
        np.testing.assert_array_equal(events["E.spike_trial"].values, trial)
        np.testing.assert_array_equal(events["E.spike_neuron"].values, neuron)
        assert set(np.unique(events["I.spike_neuron[::2]"].values)) <= {0, 2, 4}
        np.testing.assert_array_equal(events["E.v[:2]"].values, dense["E.v[:2]"].values)
        assert sorted(spikes_of(events)) == sorted(spikes_of(dense))
        for name in spikes_of(dense):
            one, other = spikes_in(dense, name), spikes_in(events, name)
            assert one.trials.tolist() == other.trials.tolist() and one.neurons.tolist() == other.neurons.tolist()
            for row, expected in zip(other.times(), one.times(), strict=True):
                for times, wanted in zip(row, expected, strict=True):
                    np.testing.assert_array_equal(times, wanted)


def test_events_are_exported_and_drawn_like_truth_values(both: tuple[xarray.Dataset, ...], tmp_path: Path) -> None:
    dense, events, *_ = both
    tables = [to_csv(each, tmp_path / str(number)) for number, each in enumerate((dense, events))]
    names = [sorted(path.name for path in folder.iterdir()) for folder in tables]
    assert names[0] == names[1] and "E.spikes.csv" in names[0]
    for name in names[0]:
        assert (tables[0] / name).read_text() == (tables[1] / name).read_text()
    drawn = [raster(each, Figure().subplots(), trial=1) for each in (dense, events)]
    lines = [[len(each.get_paths()) for each in ax.collections] for ax in drawn]
    assert lines[0] == lines[1] and sum(lines[0]) > 10


def test_weights_and_other_times_are_apart_at_export() -> None:
    found = simulate(CIRCUIT, record=["E.v", "mean(E.v)", "EI.w"], every={"EI.w": "1 ms"})
    kept = in_order(found)
    assert list(kept) == ["E.v", "mean(E.v)"]
    assert kept["mean(E.v)"].shape == (71, 1, 1)
    assert [each.name for each in sampled_of(found, timing_of(kept))] == ["EI.w", "end(EI.w)"]
