"""What texts of neurons mean, and what is refused of them, alike on both engines."""

from __future__ import annotations

import brian2
import numpy as np
import pytest
from brian2 import ms, second

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Phase, Population, hold
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.errors import CircuitError, ConfigError, EquationError, NeurosimError, UnitError
from neurosim.model_files.model_file import load
from neurosim.neurons._model import NeuronModel
from neurosim.recording.simulate import simulate
from tests.cases.both_engines import learned, simulated

CONSTANT = "I0 = sin(2*pi*200*Hz*t) + 0.1*v : 1 (constant over dt)"


def test_what_is_constant_over_a_step_is_that_in_plain_brian2() -> None:
    text = f"dv/dt = (I0 - v)/(1*ms) : 1\n{CONSTANT}"
    neuron = NeuronModel(text, threshold="v > 0.5*I0 + 0.2", reset="v = 0.1*I0", method="rk4")
    found = simulated(neuron, "10 ms", dt="0.5 ms", record=["v", "I0", "spikes"])
    clock = brian2.Clock(0.5 * ms)
    group = brian2.NeuronGroup(1, text, threshold="v > 0.5*I0 + 0.2", reset="v = 0.1*I0", method="rk4", clock=clock)
    monitor = brian2.StateMonitor(group, "v", record=True, when="start", clock=clock)
    brian2.Network(group, monitor).run(10 * ms)
    np.testing.assert_allclose(found["v"][:, 0, 0], monitor.v[0], atol=1e-12)
    assert found["spikes"].sum() > 0


def test_the_time_is_exact_in_single_precision() -> None:
    neuron = NeuronModel("y = sin(2*pi*40*Hz*t) : 1\ndv/dt = (y - v)/(10*ms) : 1", method="euler")
    found = simulate(neuron, "200 second", dt="1 ms", dtype="float32", record=["y"])
    assert found.y.dtype == np.float32
    np.testing.assert_allclose(found.y[:, 0, 0], np.sin(2 * np.pi * 40 * found.time), atol=1e-6)


def test_the_last_spike_is_known_where_there_is_a_refractory_period() -> None:
    neuron = NeuronModel(
        "dv/dt = 1/ms : 1\nsince = clip((t - lastspike)/ms, 0, 100) : 1\nready = int(not_refractory) : 1",
        threshold="v > 1.5 + 0.1*clip((t - lastspike)/ms, 0, 1)",
        reset="v = 0.01*int(lastspike == t)",
        refractory="1*ms + 0.1*clip(t - lastspike, 0*ms, 1*ms)",
    )
    found = simulated(neuron, "8 ms", dt="0.25 ms", record=["v", "since", "ready", "spikes"])
    spikes = np.flatnonzero(found["spikes"][:, 0, 0])
    assert len(spikes) >= 3
    assert found["since"][spikes[1], 0, 0] == pytest.approx(0.25 * (spikes[1] - spikes[0]))


def test_a_phase_that_holds_the_time_holds_that_of_its_last_step() -> None:
    neuron = NeuronModel("dv/dt = 1/second : 1\ny = 2*t : second\nheld : second")
    phases = (Phase("one", "3 ms", hold=(hold("a.held = t + y"),)), Phase("two", "2 ms"))
    circuit = Circuit("timed", (Population("a", 1, neuron),), phases=phases)
    found = learned(circuit, report=["a.held", "a.y"])
    assert found["two:a.held"].item() == pytest.approx(0.006)
    assert found["two:a.y"].item() == pytest.approx(0.008)
    with pytest.raises(CircuitError, match=r"'a\.y' depends on the time t, and the level 'steady' has none"):
        BatchedEngine(circuit, Setting("steady", dtype="float64")).run(initial_state(circuit, 0), {}, trials=1)


def test_names_of_algebra_are_free() -> None:
    names = ["I", "E", "S", "O", "Q", "C", "zoo", "oo", "nan", "beta", "gamma", "zeta", "Symbol", "Add", "factor"]
    names += ["name", "clock", "when", "order", "state", "size", "source", "record", "value", "print", "list", "sum"]
    total = " + ".join(names)
    neuron = NeuronModel(
        f"dv/dt = ({total} - {'*'.join(names[:9])}*v)/(10*ms) : 1\ny = v + {total} : 1",
        threshold=f"v > 3*({names[0]} + {names[6]})",
        reset="v = oo*nan - I",
        parameters={name: 0.5 + 0.01 * number for number, name in enumerate(names)},
    )
    assert simulated(neuron, record=["v", "y", "spikes"])["spikes"].sum() > 0
    noisy = NeuronModel("dI/dt = (1 - I)/(5*ms) : 1\ndzoo/dt = (I - zoo)/ms : 1")
    np.testing.assert_allclose(simulated(noisy)["I"][-1], 1 - np.exp(-2.9 / 5), rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("ms", "the unit millisecond"), ("cm", "the unit centimetre"), ("e", "Euler's number"), ("j", "the number of"),
        ("N", "the number of neurons"), ("xi_2", "white noise"), ("poisson", "the function"),
        ("timestep", "Brian2's function"),
        ("lambda", "a word of Python"), ("double", r"a word of C\+\+"), ("where", "a word of the code"),
    ],
)  # fmt: skip
def test_a_reserved_name_is_refused_by_its_meaning(name: str, meaning: str) -> None:
    for make in (
        lambda: NeuronModel(f"dv/dt = -v/second : 1\n{name} : 1"),
        lambda: NeuronModel(f"{name} = 1 : 1"),
        lambda: NeuronModel(f"d{name}/dt = 1/second : 1"),
        lambda: NeuronModel("dv/dt = -v/second : 1", parameters={name: 5}),
    ):
        with pytest.raises(EquationError, match=f"'{name}' is {meaning}.* rename it"):
            make()


def test_counts_and_decisions_are_variables() -> None:
    neuron = NeuronModel(
        "dv/dt = 1/ms : 1\nk : integer\nflag : boolean\nboth = v > k and flag : boolean\ny = 2**-k + int(flag)/k : 1\n"
        "other : boolean",
        threshold="v > k and not flag",
        reset="v = 0.5*int(both) + 0.25",
        parameters={"k": 2, "flag": False, "other": True},
    )
    assert "k = 2, flag = False, other = True" in str(neuron)
    found = simulated(neuron, "5 ms", record=["v", "both", "y", "spikes"])
    assert found["spikes"].sum() == 2 and found["y"][0] == 0.25
    found = simulated(neuron, inputs={"k": 3, "flag": np.array([True])}, record=["y"])
    assert found["y"][0] == pytest.approx(1 / 8 + 1 / 3)
    for given, message in (({"k": 2.5}, "a whole number"), ({"flag": 2}, "True or False")):
        with pytest.raises(UnitError, match=message):
            NeuronModel("v = 1 : 1\nk : integer\nflag : boolean", parameters=given)
    with pytest.raises(EquationError, match="changes continuously"):
        NeuronModel("dk/dt = 1/second : integer")


def test_an_equation_goes_on_until_its_unit() -> None:
    text = "\ufeffdv/dt = (1 +   # the input\n    2\n  - v)/tau\n  : 1\nx = v +\n  1 : 1\n"
    text += "tau : second (constant,\n shared)"
    neuron = NeuronModel(text, "v > 1\n and x > 2", "v = (0 +\n 0.5)\nv += \\\n 0.1", parameters={"tau": "5 ms"})
    assert str(neuron.equation_set.by_name["v"]) == "dv/dt = (1 + 2 - v)/tau : 1"
    assert neuron.equation_set.by_name["tau"].flags == ("constant", "shared")
    assert simulated(neuron, record=["v", "x"])["v"].max() > 0.9


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("dv/dt = -v/tau\ntau : second", 1, 1, "expected 'dv/dt = expression : unit'"),
        ("dv/dt = (1 +\n  2 - v)/second +\n  nosuch/second : 1", 3, 3, "unknown name 'nosuch'"),
        ("x = 1 +\n  sin(2, 3) : 1", 2, 3, "takes 1 argument"),
        ("x = 1 +\n  2 : nosuch", 2, 7, "cannot be used as a unit"),
        ("x = 1 +\n  2 : 1 (shared)", 2, 10, "not allowed for a subexpression"),
        ("x = 1 +\n  2*volt : 1", 1, 5, "need one unit"),
    ],
)  # fmt: skip
def test_a_fault_in_a_text_of_several_lines_has_its_place(text: str, line: int, column: int, message: str) -> None:
    with pytest.raises(NeurosimError, match=message) as caught:
        NeuronModel(text)
    assert (caught.value.line, caught.value.column) == (line, column)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"equations": "dv/dt = -v/tau : 1"}, "division by zero: 'tau' is 0"),
        ({"equations": "dv/dt = -v/(tau - second) : 1", "tau": "1 second"}, "'tau - second' is 0, with tau = 1"),
        ({"equations": "dv/dt = -v/s : 1\ns = 2*tau : second"}, "in the equation of 'v': a division by zero"),
        ({"equations": "dv/dt = v**2*log(tau/second)/second : 1"}, "'log.tau / second.' is not a finite real number"),
        ({"equations": "dv/dt = 1/second : 1", "threshold": "v > second/tau"}, "in the threshold: a division by zero"),
        ({"equations": "dv/dt = 1/second : 1", "threshold": "v > 1", "reset": "v = 1 % (tau/ms)"}, "in the reset"),
        ({"equations": "dv/dt = 1/second : 1", "threshold": "v > 1", "refractory": "-2 ms"}, "is negative"),
    ],
)  # fmt: skip
def test_values_that_make_no_number_are_refused_where_they_are_given(arguments: dict, message: str) -> None:
    tau = arguments.pop("tau", "0 ms")
    with pytest.raises(NeurosimError, match=message):
        NeuronModel(**arguments, parameters={"tau": tau})


@pytest.mark.parametrize(
    ("setting", "value"),
    [("tau_m", "0 ms"), ("tau_m", "-10 ms"), ("tau_a", "0 ms"), ("sigma", -1.0), ("activation", "True")],
)
def test_settings_of_neurons_that_make_no_sense_are_refused(setting: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"network\.neuron\.{setting}"):
        load("lansdell2020/digits", [f"network.neuron.{setting}={value!r}".replace("'", '"')])


def test_what_a_neuron_does_not_have_is_not_read() -> None:
    with pytest.raises(EquationError, match=r"reads 'not_refractory'.* has no refractory period"):
        NeuronModel("dv/dt = 1/second : 1", threshold="v > 1 and not not_refractory")
    with pytest.raises(EquationError, match=r"reads 'lastspike'.* never spikes; give a threshold"):
        NeuronModel("dv/dt = (t - lastspike)/second**2 : 1")
    with pytest.raises(EquationError, match="'a', which is constant for all neurons"):
        NeuronModel("dv/dt = a/second : 1\na : 1 (constant)", threshold="v > 1", reset="a += 1")
    assert NeuronModel("dv/dt = 1/second : 1", "v > 1", refractory=2 * ms).refractory_seconds == 0.002  # type: ignore[arg-type]
    assert 2 * ms / second == 0.002
