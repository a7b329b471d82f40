"""Recordings in pieces: the same bits however a simulation is cut, in this process or another, in memory or on disk."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Initial, Pathway, Phase, Population
from neurosim.errors import CircuitError, ConfigError, DataError, EngineError, NumericalError
from neurosim.neurons._model import NeuronModel
from neurosim.recording import simulate as module
from neurosim.recording.courses import over_time
from neurosim.recording.simulate import simulate
from neurosim.recording.store import open_recording

ENGINES = ["batched", "brian"]
NOISY = NeuronModel(
    "dv/dt = (i_ext + g - v)/tau_m + sigma*xi*tau_m**-0.5 : 1 (unless refractory)\ndg/dt = -g/tau_s : 1\ni_ext : 1",
    threshold="v > 1",
    reset="v = 0",
    refractory="1.7 ms",
    parameters={"tau_m": "10 ms", "tau_s": "5 ms", "sigma": 0.4},
    name="noisy",
)

#: Follows the time itself, which has to go on where it was.
WAVE = NeuronModel("dv/dt = (phase - v)/(5*ms) : 1\nphase = sin(2*pi*50*Hz*t) : 1", name="wave")


def _network() -> Circuit:
    populations = (Population("a", 6, NOISY), Population("b", 4, NOISY))
    pathways = (
        Pathway("W", "a.spikes", "b.g", initial=Initial(scale=2.0)),
        Pathway("V", "b.spikes", "a.g", initial=Initial(scale=2.0)),
    )
    return Circuit("pair", populations, pathways)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Any:
    return request.param


def _same(got: xarray.Dataset, expected: xarray.Dataset) -> None:
    assert list(got) == list(expected)
    for name in [*expected, "time"]:
        assert got[name].dtype == expected[name].dtype
        assert got[name].dims == expected[name].dims
        assert got[name].attrs == expected[name].attrs
        np.testing.assert_array_equal(got[name].values, expected[name].values, err_msg=str(name))
    assert got.attrs == expected.attrs


def test_stored_and_restored_in_another_process(engine: Any, tmp_path: Path) -> None:
    course = np.linspace(0.5, 2.0, 200)
    settings: dict[str, Any] = {"engine": engine, "seed": 3, "trials": 2, "record": ["a.v", "b.g", "b.spikes"]}
    whole = simulate(_network(), "20 ms", inputs={"a.i_ext": over_time(course), "b.i_ext": 1.8}, **settings)
    assert 5 < int(whole["b.spikes"].sum()) < 300
    store = tmp_path / "end.safetensors"
    inputs = {"a.i_ext": over_time(course[:100]), "b.i_ext": 1.8}
    first = simulate(_network(), "10 ms", inputs=inputs, store=store, **settings)
    _same(first, whole.isel(time=slice(100)))
    script = f"""
        import sys
        import numpy as np
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_pieces import _network, over_time, simulate
        course = np.linspace(0.5, 2.0, 200)
        found = simulate(_network(), "10 ms", inputs={{"a.i_ext": over_time(course[100:]), "b.i_ext": 1.8}},
                         restore={str(store)!r}, out={str(tmp_path / "second.zarr")!r}, **{settings!r})
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True)
    _same(open_recording(tmp_path / "second.zarr"), whole.isel(time=slice(100, None)))


@pytest.mark.parametrize("steps", [1, 7, *(pytest.param(steps, marks=pytest.mark.slow) for steps in (2, 64))])
def test_a_store_has_the_same_bits_whatever_the_size_of_its_pieces(
    engine: Any, steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = 30 if engine == "brian" and steps == 1 else 150
    settings: dict[str, Any] = {"engine": engine, "inputs": {"a.i_ext": 1.5}, "seed": 1}
    expected = simulate(_network(), f"{total / 10} ms", **settings)
    per_step = (6 + 6 + 4 + 4) * 8 + 6 + 4
    monkeypatch.setattr(module, "PIECE", steps * per_step)
    found = simulate(_network(), f"{total / 10} ms", out=tmp_path / "long.zarr", **settings)
    _same(found, expected)
    assert not [path for path in tmp_path.iterdir() if path.name != "long.zarr"]


def test_explicit_time_goes_on(engine: Any, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"engine": engine, "record": ["phase", "v"]}
    whole = simulate(WAVE, "4 ms", **settings)
    store = tmp_path / "end"
    simulate(WAVE, "1 ms", store=store, **settings)
    simulate(WAVE, "2 ms", store=store, restore=store, **settings)
    _same(simulate(WAVE, "1 ms", restore=store, **settings), whole.isel(time=slice(30, None)))


def test_a_state_goes_over_to_the_other_engine(tmp_path: Path) -> None:
    quiet: dict[str, Any] = {"inputs": {"a.i_ext": 1.5, "b.i_ext": 0.9, "a.sigma": 0.0, "b.sigma": 0.0}}
    whole = simulate(_network(), "20 ms", engine="brian", **quiet)
    simulate(_network(), "10 ms", engine="batched", store=tmp_path / "end", **quiet)
    rest = simulate(_network(), "10 ms", engine="brian", restore=tmp_path / "end", **quiet)
    assert bool(whole["a.spikes"].any())
    for name in whole:
        np.testing.assert_allclose(rest[name], whole[name][100:], rtol=1e-9, atol=1e-12)


def test_phases_are_recorded_as_a_whole(engine: Any, tmp_path: Path) -> None:
    circuit = Circuit("two", (Population("a", 2, NOISY),), (), (Phase("one", "2 ms"), Phase("two", "3 ms")))
    _same(simulate(circuit, engine=engine, out=tmp_path / "two.zarr"), simulate(circuit, engine=engine))
    with pytest.raises(CircuitError, match="give a duration to store where it ends"):
        simulate(circuit, store=tmp_path / "end")


def test_what_does_not_go_on(tmp_path: Path) -> None:
    store = tmp_path / "end"
    simulate(_network(), "1 ms", store=store)
    with pytest.raises(CircuitError, match=r"dt: got 0.0002, but .*end was stored with 0.0001"):
        simulate(_network(), "1 ms", restore=store, dt="0.2 ms")
    with pytest.raises(CircuitError, match=r"seed: got 1, but .* with 0"):
        simulate(_network(), "1 ms", restore=store, seed=1)
    with pytest.raises(CircuitError, match=r"trials: got 2, but .* with 1"):
        simulate(_network(), "1 ms", restore=store, trials=2)
    with pytest.raises(CircuitError, match=r"another circuit: 'a.g' has there shape \(1, 6\), here no place"):
        simulate(NOISY, "1 ms", restore=store)
    with pytest.raises(EngineError, match="standalone code runs a presentation as a whole"):
        simulate(NOISY, "1 ms", engine="brian", target="cpp_standalone", store=store)


def test_files_that_are_damaged_or_something_else(tmp_path: Path) -> None:
    store = tmp_path / "end"
    with pytest.raises(DataError, match="cannot be read as the end of a simulation"):
        simulate(NOISY, "1 ms", restore=store)
    simulate(NOISY, "1 ms", store=store)
    whole = store.read_bytes()
    generator = np.random.default_rng(0)
    for place in generator.integers(0, len(whole), 40):
        broken = bytearray(whole)
        broken[place] ^= 1 << int(generator.integers(8))
        store.write_bytes(bytes(broken))
        with pytest.raises((DataError, CircuitError)):
            simulate(NOISY, "1 ms", restore=store)
    store.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError):
        simulate(NOISY, "1 ms", restore=store)


def test_a_store_is_there_wholly_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unstable = NeuronModel("dv/dt = v**3*Hz*1e4 : 1", initial={"v": 1.0}, method="euler")
    monkeypatch.setattr(module, "PIECE", 5 * 8)
    with pytest.raises(NumericalError, match=r"stopped being finite at [0-9.]+ ms"):
        simulate(unstable, "20 ms", out=tmp_path / "long.zarr")
    assert not list(tmp_path.iterdir())
    simulate(NOISY, "1 ms", out=tmp_path / "long.zarr")
    with pytest.raises(ConfigError, match="exists already"):
        simulate(NOISY, "1 ms", out=tmp_path / "long.zarr")
    with pytest.raises(DataError, match="no recording here"):
        open_recording(tmp_path)


LONG = """
import sys
from neurosim.neurons._model import NeuronModel
from neurosim.recording.courses import over_time
from neurosim.recording.simulate import simulate
import numpy as np
neuron = NeuronModel(
    "dv/dt = (i_ext - v)/tau_m + sigma*xi*tau_m**-0.5 : 1 (unless refractory)\\ni_ext : 1",
    threshold="v > 1", reset="v = 0", refractory="2 ms", parameters={"tau_m": "10 ms", "sigma": 0.2},
)
found = simulate(neuron, sys.argv[2], n=1000, inputs={"i_ext": np.linspace(0.5, 1.5, 1000)}, dt="1 ms",
                 dtype="float32", engine=sys.argv[1], out=sys.argv[3])
assert found.v.dtype == "float32"
last = found.isel(time=slice(-1000, None))
assert np.isfinite(last.v.values).all() and last.spikes.values.any()
# Not getrusage: its maximum survives exec, and so has that of the process that runs the tests.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(found.v.size, int(peak.split()[1]) / 2**10)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "minutes"), [("batched", 10), ("brian", 10)])
def test_ten_minutes_of_a_thousand_neurons_stay_under_a_gibibyte(engine: str, minutes: int, tmp_path: Path) -> None:
    """Potentials and spikes at 1 ms, 2.2 GiB of numbers as float32: 30 s of one core batched, 80 s on Brian2.

    Measured at most 591 and 463 MiB.
    """
    out = str(tmp_path / "long.zarr")
    command = [sys.executable, "-c", LONG, engine, f"{60 * minutes} second", out]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert int(said[0]) == minutes * 60 * 1000 * 1000
    assert float(said[1]) < 1024
