"""Circuits in files: the same circuit as in Python, the same spikes on both engines, and every slip with its key."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import tomllib
import typing
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import neurosim
from neurosim import Circuit, Initial, NeuronModel, Pathway, Phase, Population, Rule, hold, registry
from neurosim.circuit.connectivity import KINDS, Sparse, Where
from neurosim.circuit.description import Role
from neurosim.cli import app
from neurosim.errors import ConfigError
from neurosim.model_files.circuits import parts
from neurosim.model_files.circuits.circuit_file import CircuitFile, load_circuit

TEXT = """
[neurons.leak]
equations = "dv/dt = (i_in - v)/tau : 1 (unless refractory)\\ndg/dt = -g/tau : 1\\ni_in = g + i_ext : 1\\ni_ext : 1"
threshold = "v > 1"
reset = "v = 0"
refractory = "1 ms"
parameters = { tau = "10 ms" }
initial = { v = 0.2 }

[populations.A]
size = 3
neuron = "leak"

[populations.B]
size = 2
equations = "dv/dt = (drive - v)/tau : 1\\ndg/dt = -g/tau : 1\\ndrive : 1"
parameters = { tau = "5 ms" }
method = "exact"

[rules.stdp]
traces = "dx/dt = -x/tau_x : 1"
on_pre = "x += 1"
on_post = "w += rate*x"
parameters = { tau_x = "20 ms", rate = 0.01 }
initial = { x = 0.5 }

[pathways.AA]
source = "A.spikes"
target = "A.g"
connectivity = { kind = "sparse", probability = 0.5, draw = 3, autapses = false }
initial = { law = "uniform", scale = 0.25, fan = "out" }
delay = "1 ms"
delivers = "0.5*w"
bounds = [0, "w_max"]
rule = ["stdp", { update = "w -= w_max*w", timing = "step", parameters = { w_max = 0.9 } }]
parameters = { rate = 0.02 }

[pathways.AB]
source = "A.v"
target = "B.drive"
connectivity = { kind = "where", condition = "i != j" }
initial = "0.5*rand()"
role = "lateral"

[phases.run]
duration = "5 ms"
learn = ["AA"]
hold = ["B.kept = v"]
restart = true
"""


def same() -> Circuit:
    """The circuit of `TEXT`, in Python."""
    leak = NeuronModel(
        "dv/dt = (i_in - v)/tau : 1 (unless refractory)\ndg/dt = -g/tau : 1\ni_in = g + i_ext : 1\ni_ext : 1",
        threshold="v > 1",
        reset="v = 0",
        refractory="1 ms",
        parameters={"tau": "10 ms"},
        initial={"v": 0.2},
        name="leak",
    )
    low_pass = NeuronModel(
        "dv/dt = (drive - v)/tau : 1\ndg/dt = -g/tau : 1\ndrive : 1",
        parameters={"tau": "5 ms"},
        method="exact",
        name="B",
    )
    stdp = Rule(
        traces="dx/dt = -x/tau_x : 1",
        on_pre="x += 1",
        on_post="w += rate*x",
        parameters={"tau_x": "20 ms", "rate": 0.01},
        initial={"x": 0.5},
        name="stdp",
    )
    decay = Rule("w -= w_max*w", timing="step", parameters={"w_max": 0.9})
    return Circuit(
        "circuit",
        (Population("A", 3, leak), Population("B", 2, low_pass)),
        (
            Pathway(
                "AA",
                "A.spikes",
                "A.g",
                connectivity=Sparse(0.5, draw=3, autapses=False),
                initial=Initial("uniform", 0.25, "out"),
                delay="1 ms",
                delivers="0.5*w",
                bounds=(0, "w_max"),
                rule=(stdp, decay),
                parameters={"rate": 0.02},
            ),
            Pathway("AB", "A.v", "B.drive", connectivity=Where("i != j"), initial="0.5*rand()", role=Role.LATERAL),
        ),
        (Phase("run", "5 ms", learn=("AA",), hold=(hold("B.kept = v"),), restart=True),),
    )


def loaded(text: str, *overrides: str) -> CircuitFile:
    return load_circuit(tomllib.loads(text), overrides)


def test_a_file_is_the_circuit_of_python():
    found = loaded(TEXT).circuit
    assert found == same()
    assert str(found) == str(same())
    for told in (
        "begins with v = 0.2",
        "delay 1 ms",
        "bounds 0 to w_max",
        "x starts at 0.5",
        "as lateral",
        "from rest",
    ):
        assert told in str(found)


def test_what_is_written_out_loads_again():
    file = loaded(TEXT, "simulation.duration=2 ms", "inputs.A.i_ext=1.5")
    again = loaded(str(file))
    assert again.circuit == file.circuit and again == file


@pytest.mark.parametrize("table", [parts.NEURON, parts.POPULATION, parts.RULE, parts.PHASE, parts.PATHWAY])
def test_every_field_of_a_part_is_a_key_with_its_documentation(table):
    """A field that no file has is left out on purpose, by name."""
    left_out = {"Population": {"name"}, "Pathway": {"name", "derived"}}.get(table.described.__name__, {"name"})
    fields = set(table.described.__dataclass_fields__)
    assert fields - left_out <= set(table.model_fields)
    assert all(name in (table.__doc__ or "") for name in fields - left_out)


def test_every_connectivity_can_be_written():
    assert parts.connectivities().keys() == KINDS.keys()


def test_the_settings_of_a_simulation_are_arguments_of_simulate():
    import inspect

    taken = inspect.signature(neurosim.simulate).parameters
    elsewhere = {"model", "n", "method", "inputs", "state", "out", "store", "restore", "progress"}
    assert set(taken) - elsewhere <= set(parts.Simulation.model_fields)
    for name in set(taken) & set(parts.Simulation.model_fields) - {"every"}:
        assert taken[name].default == parts.Simulation.model_fields[name].default, name


@pytest.fixture(scope="module")
def cuba():
    return load_circuit("classics/cuba+small")


def test_both_engines_have_the_same_spikes(cuba):
    one, other = (cuba.simulate(duration="60 ms", engine=engine) for engine in ("batched", "brian"))
    for name in ("E.spikes", "I.spikes"):
        assert one[name].sum() >= 10
        assert np.array_equal(one[name], other[name])


SMALL = """
[populations.A]
size = 2
equations = "dv/dt = (i_ext - v)/tau : 1\\ni_ext : 1"
parameters = { tau = "10 ms" }
[inputs]
"A.i_ext" = 1.5
[simulation]
duration = "3 ms"
dt = "1 ms"
"""


def test_spikes_are_given_as_times_and_neurons():
    text = """
    [populations.P]
    size = 2
    neuron = "spike_source"
    [inputs]
    "P.spikes" = { times = { values = [1, 2], unit = "ms" }, indices = [1, 0] }
    [simulation]
    duration = "3 ms"
    dt = "1 ms"
    """
    assert np.argwhere(loaded(text).simulate()["P.spikes"].values[:, 0]).tolist() == [[1, 1], [2, 0]]
    each = text.replace("{ times", "[{ times").replace("[1, 0] }", "[1, 0] }, { times = [0.0], indices = [1] }]")
    assert loaded(each, "simulation.trials=2").simulate()["P.spikes"].values[:, 1].sum() == 1
    with pytest.raises(ConfigError, match=r"inputs.P.spikes.indices: missing"):
        loaded(text.replace(", indices = [1, 0]", ""))


@pytest.mark.parametrize("suffix", ["npy", "npz", "zarr"])
def test_arrays_come_from_files_beside_it(suffix, tmp_path, monkeypatch):
    values = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    path = tmp_path / f"in.{suffix}"
    if suffix == "npy":
        np.save(path, values)
    elif suffix == "npz":
        np.savez(path, a=values, b=1)
    else:
        import xarray

        xarray.Dataset({"a": (("time", "n"), values)}).to_zarr(path, zarr_format=2)
    array = "" if suffix == "npy" else "array = 'a', "
    text = SMALL.replace("1.5", f"{{ file = 'in.{suffix}', {array}over_time = true }}")
    (tmp_path / "circuit.toml").write_text(text)
    monkeypatch.chdir(tmp_path.parent)
    recording = load_circuit(tmp_path / "circuit.toml").simulate(record=["A.i_ext"])
    assert np.array_equal(recording["A.i_ext"][:, 0], values)


def test_a_shipped_circuit_is_no_model_and_the_other_way_round():
    with pytest.raises(ConfigError, match=r"populations: got a circuit without a task.*load_circuit"):
        neurosim.load("classics/cuba")
    with pytest.raises(ConfigError, match=r"populations: missing"):
        load_circuit(registry.model_path("lansdell2020/digits"))


def test_what_would_be_told_at_once_imports_nothing_heavy():
    code = (
        "import sys; from typer.testing import CliRunner; from neurosim import cli\n"
        "assert CliRunner().invoke(cli.app, ['simulate', 'classics/cuba', 'populations.E.siz=3']).exit_code == 2\n"
        "print([name for name in ('jax', 'brian2', 'sympy', 'xarray') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def call(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


def test_the_command_line_simulates_writes_and_draws(tmp_path):
    file, store, figure = (tmp_path / name for name in ("mine.toml", "rec.zarr", "fig.png"))
    file.write_text(textwrap.dedent(TEXT) + "[inputs]\n'A.i_ext' = 5\n")
    result = call("simulate", str(file), "simulation.dt=0.5 ms", "--out", str(store), "--plot", str(figure), "--seed=3")
    assert result.exit_code == 0, result.output
    assert "5 neurons" in result.stdout and "A " in result.stdout and str(figure) in result.stdout
    recording = neurosim.open_recording(store)
    assert recording.sizes["time"] == 10 and "A.spikes" in recording
    assert figure.stat().st_size > 1000
    assert call("simulate", str(file), "--out", str(store)).exit_code == 2


def test_the_command_line_lists_and_checks():
    assert "classics/cuba" in call("list", "circuits").stdout
    assert "classics/cuba" not in call("list", "models").stdout
    shown = call("check", "classics/cuba+small")
    assert shown.exit_code == 0 and "pathway EE (403)" in shown.stdout and "variant small" in shown.stdout
    assert '"EE"' in call("check", "classics/cuba+small", "--json").stdout


def test_types_of_settings_are_those_of_the_fields():
    hints = typing.get_type_hints(Phase)
    for name in ("duration", "draw_noise", "restart", "learn"):
        assert parts.PHASE.model_fields[name].annotation == hints[name]
