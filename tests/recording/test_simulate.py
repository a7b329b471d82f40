"""Simulating from Python: inputs, outputs, and error messages."""

from __future__ import annotations

from typing import Any

import brian2
import numpy as np
import pytest

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.engines.state import initial_state
from neurosim.errors import ArgumentError, CircuitError, EquationError, NumericalError, UnitError
from neurosim.model_files.model_file import load
from neurosim.neurons._model import NeuronModel
from neurosim.recording.courses import OverTime, over_time
from neurosim.recording.simulate import simulate

ENGINES = ["batched", "brian"]
LEAKY = NeuronModel(
    "dv/dt = (e_leak - v + r_m*i_ext)/tau_m : volt\nabove = (v - e_leak)/mV : 1\ni_ext : amp",
    parameters={"tau_m": "10 ms", "e_leak": "-70 mV", "r_m": "100 Mohm"},
    initial={"v": "-70 mV"},
    name="leaky",
)
LIF = NeuronModel(
    "dv/dt = (i_ext - v)/tau_m : 1 (unless refractory)\ni_ext : 1",
    threshold="v > 1",
    reset="v = 0",
    refractory="2 ms",
    parameters={"tau_m": "10 ms"},
)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Any:
    return request.param


# What comes out


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        (0.25, np.full((4, 3, 2), 0.25)),
        (np.array([0.5, -0.5]), np.broadcast_to([0.5, -0.5], (4, 3, 2))),
        (np.arange(6.0).reshape(3, 2), np.broadcast_to(np.arange(6.0).reshape(3, 2), (4, 3, 2))),
        (over_time(np.arange(4.0)), np.broadcast_to(np.arange(4.0)[:, None, None], (4, 3, 2))),
    ],
)
def test_the_target_of_a_readout_is_an_input(engine: Any, target: Any, wanted: np.ndarray) -> None:
    unit = NeuronModel("dv/dt = (1 - v)/tau : 1", parameters={"tau": "5 ms"})
    readout = registry.load("readouts", "squared_error").READOUT
    circuit = Circuit("read", (Population("output", 2, unit),), readout=readout, output="output.v")
    record = ["output.v", "output.error"]
    found = simulate(
        circuit, "4 ms", inputs={"output.target": target}, trials=3, dt="1 ms", engine=engine, record=record
    )
    np.testing.assert_allclose(found["output.v"] - found["output.error"], wanted, atol=1e-12)


def test_a_target_is_for_what_is_read_out() -> None:
    alone = Circuit("alone", (Population("output", 2, LIF),))
    with pytest.raises(CircuitError, match="'target' is no parameter of 'output'"):
        simulate(alone, "4 ms", inputs={"output.target": 1.0})


def test_dims_coordinates_units_and_attributes(engine: Any) -> None:
    found = simulate(LEAKY, "5 ms", n=3, trials=2, engine=engine, dt="0.5 ms", record=["v", "above", "i_ext"])
    assert list(found) == ["v", "above", "i_ext"]
    for name, unit in {"v": "volt", "above": "1", "i_ext": "amp"}.items():
        assert found[name].dims == ("time", "trial", "neuron")
        assert found[name].shape == (10, 2, 3)
        assert found[name].attrs["units"] == unit
    assert found.time.attrs["units"] == "second"
    np.testing.assert_allclose(found.time, np.arange(10) * 0.5e-3)
    assert found.attrs["model"] == "leaky"
    assert found.attrs["dt"] == 0.5e-3


def test_the_first_sample_is_the_start_and_the_course_is_exact(engine: Any) -> None:
    found = simulate(LEAKY, "20 ms", inputs={"i_ext": "0.2 nA"}, engine=engine)
    expected = -70e-3 + 20e-3 * (1 - np.exp(-found.time.values / 10e-3))
    np.testing.assert_allclose(found.v.values[:, 0, 0], expected, rtol=1e-10)


def test_records_states_and_spikes_unless_told(engine: Any) -> None:
    found = simulate(LIF, "30 ms", inputs={"i_ext": 3}, engine=engine)
    assert list(found) == ["v", "spikes"]
    assert found.spikes.dtype == bool
    # From zero to threshold takes tau log(3/2), and 2 ms of refractoriness between spikes.
    interval = 10 * np.log(1.5)
    times = found.time.values[found.spikes.values[:, 0, 0]] * 1e3
    assert times[0] == pytest.approx(interval, abs=0.11)
    np.testing.assert_allclose(np.diff(times), interval + 2, atol=0.11)


def test_variables_of_a_circuit_are_qualified(engine: Any) -> None:
    circuit = Circuit(
        "pair",
        (Population("a", 2, LIF), Population("b", 3, LEAKY)),
        (Pathway("W", "a.v", "b.i_ext"),),
        (Phase("one", "2 ms"), Phase("two", "3 ms")),
    )
    found = simulate(circuit, engine=engine, inputs={"a.i_ext": 0.5}, record=["b.v", "a.spikes", "a.v"])
    assert list(found) == ["b.v", "a.spikes", "a.v"]
    assert found["a.v"].dims == ("time", "trial", "neuron_a")
    assert found["b.v"].dims == ("time", "trial", "neuron_b")
    assert found.sizes == {"time": 50, "trial": 1, "neuron_a": 2, "neuron_b": 3}
    assert simulate(circuit, "1 ms", engine=engine).sizes["time"] == 10


def test_state_replaces_initial_weights() -> None:
    circuit = Circuit("pair", (Population("a", 2, LIF), Population("b", 3, LIF)), (Pathway("W", "a.v", "b.i_ext"),), ())
    weights = initial_state(circuit, 0)["W.w"]
    found = simulate(circuit, "2 ms", state={"W.w": 2 * weights, "a.v": 0.5}, record=["b.i_ext"])
    np.testing.assert_allclose(found["b.i_ext"][0, 0], 2 * weights @ [0.5, 0.5])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_precision(dtype: Any, engine: Any) -> None:
    found = simulate(LEAKY, "2 ms", dtype=dtype, engine=engine)
    assert found.v.dtype == dtype


def test_a_neuron_without_equations_in_time_shows_what_it_computes(engine: Any) -> None:
    module = registry.load("neurons", "constant")
    found = simulate(module.build(module.Config()), "1 ms", engine=engine)
    np.testing.assert_array_equal(found.r, np.ones((10, 1, 1)))


# What goes in


def test_inputs_of_every_shape(engine: Any) -> None:
    steps, trials, n = 20, 3, 2
    generator = np.random.default_rng(0)
    course = generator.standard_normal((steps, trials, n))
    cases = {
        (): np.broadcast_to(course[0, 0, 0], (steps, trials, n)),
        (n,): np.broadcast_to(course[0, 0], (steps, trials, n)),
        (trials, n): np.broadcast_to(course[0], (steps, trials, n)),
        (steps,): np.broadcast_to(course[:, :1, :1], (steps, trials, n)),
        (steps, n): np.broadcast_to(course[:, :1], (steps, trials, n)),
        (steps, trials, n): course,
        (steps, 1, n): np.broadcast_to(course[:, :1], (steps, trials, n)),
        (steps, trials, 1): np.broadcast_to(course[:, :, :1], (steps, trials, n)),
    }
    for shape, full in cases.items():
        given = {
            (): lambda: float(course[0, 0, 0]),
            (n,): lambda: course[0, 0],
            (trials, n): lambda: course[0],
            (steps,): lambda: over_time(course[:, 0, 0]),
            (steps, n): lambda: over_time(course[:, 0]),
            (steps, 1, n): lambda: over_time(course[:, :1]),
            (steps, trials, 1): lambda: over_time(course[:, :, :1]),
        }.get(shape, lambda: over_time(course))()
        assert np.shape(given.values if isinstance(given, OverTime) else given) == shape
        found = simulate(LIF, "2 ms", n=n, trials=trials, inputs={"i_ext": given}, engine=engine, record=["i_ext", "v"])
        np.testing.assert_array_equal(found.i_ext, full, err_msg=str(shape))
        # Each step integrates the value that is shown for it.
        after = full[:-1] + (found.v.values[:-1] - full[:-1]) * np.exp(-0.01)
        unclamped = ~(found.v.values[1:] == 0)
        np.testing.assert_allclose(found.v.values[1:][unclamped], after[unclamped], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(
    "value",
    ["0.2 nA", "200*pA", 0.2 * brian2.nA, np.array([0.2, 0.2]) * brian2.nA, np.array([0.2e-9, 0.2e-9])],
    ids=["text", "product", "quantity", "quantities", "si"],
)
def test_quantities_are_accepted(value: Any, engine: Any) -> None:
    found = simulate(LEAKY, "1 ms", n=2, inputs={"i_ext": value}, engine=engine, record=["i_ext"])
    np.testing.assert_allclose(found.i_ext, 0.2e-9, rtol=1e-12)


def test_quantities_over_time_are_accepted(engine: Any) -> None:
    course = over_time(np.linspace(-0.1, 0.3, 10) * brian2.nA)
    found = simulate(LEAKY, "1 ms", inputs={"i_ext": course}, engine=engine, record=["i_ext"])
    np.testing.assert_allclose(found.i_ext[:, 0, 0], np.linspace(-0.1e-9, 0.3e-9, 10), rtol=1e-12)


def test_parameters_can_differ_between_neurons_and_in_time(engine: Any) -> None:
    time_constants = np.array([5e-3, 10e-3, 40e-3])
    found = simulate(LEAKY, "10 ms", n=3, inputs={"tau_m": time_constants, "i_ext": "0.1 nA"}, engine=engine)
    expected = -70e-3 + 10e-3 * (1 - np.exp(-found.time.values[:, None] / time_constants))
    np.testing.assert_allclose(found.v[:, 0], expected, rtol=1e-10)
    # And a shared one in time.
    resting = over_time(np.where(np.arange(100) < 50, -70e-3, -60e-3))
    found = simulate(LEAKY, "10 ms", inputs={"e_leak": resting}, engine=engine)
    np.testing.assert_allclose(found.v[:51, 0, 0], -70e-3, rtol=1e-12)
    np.testing.assert_allclose(found.v[60, 0, 0], -60e-3 - 10e-3 * np.exp(-0.1), rtol=1e-10)


def test_trials_are_independent(engine: Any) -> None:
    currents = np.array([[0.5], [3.0], [1.5]])
    together = simulate(LIF, "20 ms", trials=3, inputs={"i_ext": currents}, engine=engine)
    for trial in range(3):
        alone = simulate(LIF, "20 ms", inputs={"i_ext": float(currents[trial, 0])}, engine=engine)
        np.testing.assert_allclose(together.v[:, trial], alone.v[:, 0], rtol=1e-12, atol=1e-15)
        np.testing.assert_array_equal(together.spikes[:, trial], alone.spikes[:, 0])


def test_methods_can_be_chosen() -> None:
    exact, euler = (simulate(LEAKY, "5 ms", method=m, inputs={"i_ext": "0.1 nA"}).v.values for m in (None, "euler"))
    difference = np.abs(exact - euler).max()
    assert 1e-6 < difference < 1e-4
    rk4 = simulate(LEAKY, "5 ms", method="rk4", inputs={"i_ext": "0.1 nA"}).v.values
    np.testing.assert_allclose(rk4, exact, rtol=1e-9)


def test_a_neuron_written_on_the_spot(engine: Any) -> None:
    oscillator = NeuronModel(
        "dx/dt = y*omega : 1\ndy/dt = -x*omega : 1", parameters={"omega": "100 Hz"}, initial={"x": 1}
    )
    found = simulate(oscillator, "50 ms", engine=engine)
    np.testing.assert_allclose(found.x[:, 0, 0], np.cos(100 * found.time), atol=1e-9)


def test_seconds_and_quantities_for_time() -> None:
    texts = simulate(LEAKY, "3 ms", dt="0.3 ms")
    numbers = simulate(LEAKY, 3e-3, dt=0.3e-3)
    np.testing.assert_array_equal(texts.v, numbers.v)
    np.testing.assert_allclose(texts.time, numbers.time)


# What does not fit


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"inputs": {"i_ex": 1.0}}, CircuitError, "'i_ex' is no parameter of 'neuron'.*known: .*i_ext"),
        ({"inputs": {"v": 1.0}}, CircuitError, "'v' is no parameter"),
        ({"inputs": {"other.i_ext": 1.0}}, CircuitError, "'other'; known: neuron"),
        ({"inputs": {"i_ext": "1 mV"}}, UnitError, "neuron.i_ext.*expected a quantity in amp"),
        ({"inputs": {"i_ext": 1.0}}, UnitError, "neuron.i_ext.*got a pure number"),
        ({"inputs": {"i_ext": np.ones(2) * brian2.mV}}, UnitError, "neuron.i_ext.*expected amp"),
        (
            {"inputs": {"i_ext": np.ones(3)}},
            CircuitError,
            r"'neuron.i_ext' has shape \(3,\); expected.*\(2,\) for each",
        ),
        ({"inputs": {"i_ext": np.ones((2, 20))}}, CircuitError, r"has shape \(2, 20\)"),
        ({"inputs": {"i_ext": np.ones((20, 4, 2))}}, CircuitError, r"has shape \(20, 4, 2\)"),
        ({"inputs": {"i_ext": np.array([1.0, np.nan])}}, UnitError, "not finite"),
        ({"record": ["u"]}, CircuitError, "cannot record 'u'; known: .*v"),
        ({"record": ["spikes"]}, CircuitError, "cannot record 'spikes'"),
        ({"engine": "neuron"}, ArgumentError, "engine: got 'neuron', expected one of 'batched', 'brian'"),
        ({"method": "rk45"}, EquationError, "unknown integration method 'rk45'"),
        ({"dt": "0.3 ms"}, CircuitError, "lasts 2 ms, which is not a whole number of time steps of 300 us"),
        ({"dt": "0.1 mV"}, UnitError, "wrong unit"),
    ],
)
def test_errors_say_what_was_got_and_what_is_expected(settings: dict[str, Any], error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        simulate(LEAKY, "2 ms", n=2, trials=3, **settings)


def test_a_bare_neuron_needs_a_duration() -> None:
    with pytest.raises(CircuitError, match="needs a duration"):
        simulate(LEAKY)
    with pytest.raises(CircuitError, match="has no phases; give a duration"):
        simulate(Circuit("one", (Population("a", 1, LEAKY),)))


def test_inputs_of_a_circuit_have_to_be_qualified() -> None:
    circuit = Circuit("two", (Population("a", 1, LIF), Population("b", 1, LIF)))
    with pytest.raises(CircuitError, match=r"'i_ext' should be 'population\.i_ext'; populations: a, b"):
        simulate(circuit, "1 ms", inputs={"i_ext": 1})


def test_an_input_that_a_pathway_delivers_cannot_be_set(engine: Any) -> None:
    circuit = Circuit("two", (Population("a", 1, LIF), Population("b", 1, LIF)), (Pathway("W", "a.v", "b.i_ext"),))
    for value in (1.0, over_time(np.ones(10))):
        with pytest.raises(CircuitError, match=r"'b\.i_ext' is what the pathway 'W' delivers"):
            simulate(circuit, "1 ms", inputs={"b.i_ext": value}, engine=engine)


def test_what_stops_being_finite_is_named_with_its_time(engine: Any) -> None:
    growing = NeuronModel("dv/dt = (gain + v**3)/tau : 1\ngain : 1", parameters={"tau": "1 ms"}, method="euler")
    with np.errstate(all="ignore"), pytest.raises(NumericalError) as caught:
        simulate(growing, "5 ms", n=2, trials=2, inputs={"gain": np.array([[0.0, 0.0], [0.0, 2.0]])}, engine=engine)
    assert "'neuron.v' stopped being finite at" in str(caught.value)
    assert "(trial 1, neuron 1)" in str(caught.value)


def test_a_circuit_whose_rules_read_later_phases_runs_for_any_time() -> None:
    circuit = load("lansdell2020/schemes").circuit
    assert [phase.name for phase in circuit.phases] == ["clean", "perturbed"]
    settings: dict[str, Any] = {"inputs": {"input.r": 0.5}, "dt": "1 ms", "learn": False}
    short, whole = (simulate(circuit, time, **settings) for time in ("20 ms", None))
    assert short.sizes["time"] == 20
    for name in short:
        np.testing.assert_array_equal(short[name], whole[name][:20], err_msg=str(name))
