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
from neurosim.cli import app
from neurosim.errors import ConfigError
from neurosim.model_files.circuits import parts
from neurosim.model_files.circuits.circuit_file import CircuitFile, load_circuit, settled

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
            Pathway("AB", "A.v", "B.drive", connectivity=Where("i != j"), initial="0.5*rand()", role="lateral"),
        ),
        (Phase("run", "5 ms", learn=("AA",), hold=(hold("B.kept = v"),), restart=True),),
    )


def loaded(text: str, *overrides: str) -> CircuitFile:
    return load_circuit(tomllib.loads(text), overrides)


def test_a_file_is_the_circuit_of_python():
    found = loaded(TEXT).circuit
    assert found == same()
    assert str(found) == str(same())


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
    elsewhere = {"model", "n", "method", "inputs", "state", "out", "store", "restore"}
    assert set(taken) - elsewhere <= set(parts.Simulation.model_fields)
    for name in set(taken) & set(parts.Simulation.model_fields) - {"every"}:
        assert taken[name].default == parts.Simulation.model_fields[name].default, name


@pytest.fixture(scope="module")
def cuba():
    return load_circuit("classics/cuba+small")


def test_both_engines_have_the_same_spikes(cuba):
    start = {f"{name}.v": np.linspace(-0.060, -0.0501, size) for name, size in (("E", 64), ("I", 16))}
    one, other = (cuba.simulate(duration="60 ms", state=start, engine=engine) for engine in ("batched", "brian"))
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


LIGHT = {
    "populations.E.siz=3": "populations.E.siz: unknown key, got 3; did you mean 'size'?",
    "populations.E.neuron=cel": "populations.E.neuron: got 'cel', expected .*did you mean 'cell'",
    "populations.E.threshold=v > vt": "populations.E.threshold: got it beside a neuron",
    "populations.E.size=1000000000": "populations.E.size: got 1000000000, expected at most",
    "populations.E.size=3.5": "populations.E.size: got 3.5, expected a valid integer",
    "populations.E.neuron={kind='lif',tau_m='3 mV'}": "populations.E.neuron.tau_m: '3 mV' has the wrong unit",
    "neurons.cell.parameters.vt={}": "neurons.cell.parameters.vt: got neither a file nor values",
    "pathways.EE.connectivity.kind=spars": "pathways.EE.connectivity.kind: got 'spars', .*did you mean 'sparse'",
    "pathways.EE.connectivity=sparse": "pathways.EE.connectivity: got 'sparse', .*'sparse' has settings",
    "pathways.EE.connectivity.probabilty=1": "pathways.EE.connectivity.probabilty: unknown key, .*mean 'probability'",
    "pathways.EE.initial={law='norml'}": "pathways.EE.initial.law: got 'norml', expected 'normal'",
    "pathways.EE.initial={file='weights.txt'}": r"pathways.EE.initial.file: got .*expected a file .npy or .npz",
    "pathways.EE.rule=stdp": r"pathways.EE.rule: got 'stdp', expected a table \[rules.stdp\]",
    "pathways.EE.rule=[]": "pathways.EE.rule: got no rule",
    "pathways.EE.rule={kind='delta',learning_rat=1}": "pathways.EE.rule.learning_rat: unknown key, got 1; did you mean",
    "pathways.EX.source=E.spikes": "pathways.EX.target: missing",
    "pathways=3": "expected section.key=value",
    "pathway.EE.delay=1 ms": "pathway: unknown section; did you mean 'pathways'",
    "circuit.readout=x": "circuit.readout: got 'x', expected a name",
    "simulation.engine=brain": "simulation.engine: got 'brain', .*did you mean 'brian'",
    "simulation.trials=0": "simulation.trials: got 0, expected",
    "simulation.dt=1 mV": "simulation.dt: '1 mV' has the wrong unit",
    "simulation.duration=1e9 second": r"simulation.duration: got 1e\+13 time steps",
    "simulation.every.EE.w=3 mV": "simulation.every.EE.w: '3 mV' has the wrong unit",
    "inputs.E.el=[1,'a']": "inputs.E.el: got .*expected an array of finite numbers",
    "state.E.v={values=[1],unit='foo'}": "state.E.v.unit: got 'foo', expected a unit",
    "variants.small.population=3": "variants are applied before overrides",
}
HEAVY = {
    "neurons.cell.equations=dv/dt = -v/tauu : 1": "neurons.cell.equations: line 1, column 12: unknown name 'tauu'",
    "neurons.cell.reset=v = vx": "neurons.cell.reset: line 1, column 5: unknown name 'vx'",
    "neurons.cell.initial.v=20 ms": "neurons.cell.initial.v: .*wrong unit",
    "neurons.cell.method=exac": "neurons.cell.method: unknown integration method",
    "neurons.other={equations='v'}": "neurons.other.equations: line 1, column 1: expected",
    "populations.E.equations=dx/dt = -x/foo : 1": "populations.E.equations: line 1, column 12: unknown name 'foo'",
    "populations.E.bind={el='foo'}": "populations.E.bind.el: .*unknown name 'foo'",
    "populations.E.shape=[2,2,2]": "populations.E.shape: .*has the shape",
    "populations.E.size=90000000": "pathways.EE.connectivity: .*expected at most",
    "rules.stdp={update='w = 3'}": r"rules.stdp.update: line 1, column 5: expected \+= or -=",
    "pathways.EE.connectivity.probability=2": "pathways.EE.connectivity: .*a synapse with probability 2",
    "pathways.EE.connectivity={kind='where',condition='i !='}": "pathways.EE.connectivity.condition: .*cannot be read",
    "pathways.EE.initial=1.6 nS": "pathways.EE.initial: .*expected V",
    "pathways.EE.initial={values=[1,2]}": r"pathways.EE.initial: .*shape \(2,\)",
    "pathways.EE.initial={file='nope.npz'}": "pathways.EE.initial.file: .*cannot be read",
    "pathways.EE.delay=1 mV": "pathways.EE.delay: got 1 mV, which is in V, expected s",
    "pathways.EE.target=E.gee": "pathways.EE.target: .*did you mean 'ge'",
    "pathways.EE.parameters={a=3}": "pathways.EE.parameters: 'a', which is no parameter of the rule",
    "pathways.EE.bounds=[0,'w_max']": "pathways.EE.bounds: .*'w_max'",
    "pathways.EE.rule=delta": "pathways.EE.rule: .*needs a value for 'learning_rate'",
    "pathways.EE.tie=foo": "pathways.EE.tie: tied to 'foo', which is no pathway here",
    "phases.a={duration='0 ms'}": "phases.a.duration: .*expected a time above zero",
    "phases.a={duration='1 ms',hold=['x']}": "phases.a.hold.0: line 1, column 1: expected 'name = expression'",
    "phases.a={duration='1 ms',learn=['EE']}": "phases.a.learn: .*cannot learn by its rule",
    "phases.a={duration='1 ms',switches={foo=1}}": "phases.a.switches: .*'foo'",
    "circuit.output=E.v": "circuit.output: a readout needs an output variable",
    "simulation.dt=0.3 ms": "simulation.dt: .*not a whole number of time steps",
    "simulation.record=['E.x']": "simulation.record.0: .*did you mean 'E.v'",
    "inputs.E.foo=3": "inputs.E.foo: 'foo' is no parameter",
    "inputs.E.el=3 ms": "inputs.E.el: .*wrong unit",
    "state.E.v={file='x.npz'}": "state.E.v: .*cannot be read",
}


@pytest.mark.parametrize("override", LIGHT)
def test_slips_are_told_without_equations(override):
    with pytest.raises(ConfigError, match=LIGHT[override]):
        settled("classics/cuba+small", [override])


@pytest.mark.parametrize("override", HEAVY)
def test_slips_in_texts_are_told_with_their_key(override):
    with pytest.raises(ConfigError, match=f"(?s){HEAVY[override]}") as refused:
        load_circuit("classics/cuba+small", [override])
    assert all(key for key, _ in refused.value.faults)


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


TRAINED = """
[task]
kind = "linear_regression"
[circuit]
readout = "squared_error"
output = "output.r"
[populations.input]
size = 30
neuron = "stimulus"
[populations.output]
size = 10
equations = "dv/dt = (drive - v)/tau : 1\\ndrive : 1\\nr = v : 1\\ndelta_held : 1"
parameters = { tau = "10 ms" }
[pathways.W]
source = "input.r"
target = "output.drive"
initial = { scale = 0.1 }
rule = { update = "w -= learning_rate*delta_held_post*r_pre", parameters = { learning_rate = 0.05 } }
[phases.clean]
duration = "50 ms"
hold = ["output.delta_held = error"]
learn = ["W"]
[engine]
level = "steady"
[training]
epochs = 1
measure_every = 0
"""


def test_a_circuit_beside_a_task_is_trained(tmp_path):
    run = neurosim.train(tomllib.loads(TRAINED), out=tmp_path / "run")
    assert run.summary["test_loss"] < 0.1 * float(run.history.validation_loss[0])
    assert neurosim.load(tmp_path / "run" / "config.toml").circuit == neurosim.load(tomllib.loads(TRAINED)).circuit


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("populations.input.size=3", "populations.input.size: got 3, expected 30, the inputs of the task"),
        ("populations.output.size=3", "populations.output.size: got 3, expected 10, the outputs of the task"),
        ("circuit={}", "expected section.key=value"),
        ("circuit.readout=cross_entropy", "circuit.readout: got 'cross_entropy', whose targets"),
        ("scheme.kind=backpropagation", "scheme: unknown section beside populations"),
        ("simulation.trials=3", "simulation: unknown section"),
        ("pathways.W.source=input.x", "pathways.W.source: .*'input.x'"),
    ],
)
def test_a_circuit_that_does_not_fit_a_task_is_refused(override, message):
    with pytest.raises(ConfigError, match=message):
        _ = neurosim.load(tomllib.loads(TRAINED), [override]).circuit


def test_types_of_settings_are_those_of_the_fields():
    hints = typing.get_type_hints(Phase)
    for name in ("duration", "draw_noise", "restart", "learn"):
        assert parts.PHASE.model_fields[name].annotation == hints[name]
