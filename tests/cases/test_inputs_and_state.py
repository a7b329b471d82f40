"""What goes into a simulation: which axis is what is said, and what does not fit is refused by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import brian2
import numpy as np
import pytest
import xarray

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.circuit.weights import Initial, Tie
from neurosim.engines.state import initial_state
from neurosim.errors import ArgumentError, CircuitError, DataError, NeurosimError, UnitError
from neurosim.neurons._model import NeuronModel
from neurosim.recording.courses import over_neurons, over_time
from neurosim.recording.simulate import simulate
from neurosim.rules._rule import Rule

SUM = NeuronModel("dv/dt = i_in/ms : 1\ni_in : 1")
LEAK = NeuronModel("dv/dt = -v/tau : volt", parameters={"tau": "10 ms"}, initial={"v": "1 mV"})
GROWS = Rule("w += learning_rate*r_pre", parameters={"learning_rate": 0.1}, timing="step")
RATE = NeuronModel("dv/dt = (drive - v)/(5*ms) : 1\ndrive : 1\nr = v : 1", initial={"v": 1})


@pytest.fixture(params=["batched", "brian"])
def engine(request: pytest.FixtureRequest) -> Any:
    return request.param


def _pair(**changes: Any) -> Circuit:
    pathway = Pathway("W", "a.r", "b.drive", **{"rule": GROWS, **changes})
    return Circuit("pair", (Population("a", 2, RATE), Population("b", 3, RATE)), (pathway,), ())


# Axes of inputs


@pytest.mark.parametrize(("n", "trials"), [(10, 1), (10, 3), (10, 10), (1, 10), (3, 10)])
def test_arrays_are_of_neurons_and_trials_where_they_say_so(n: int, trials: int, engine: Any) -> None:
    # Ten steps: every axis could be taken for time.
    settings: dict[str, Any] = {"dt": "1 ms", "n": n, "trials": trials, "engine": engine}
    of_neurons, of_trials = np.arange(float(n)), np.arange(float(trials * n)).reshape(trials, n)
    steps = np.arange(10.0)[:, None, None]
    found = simulate(SUM, "10 ms", inputs={"i_in": over_neurons(of_neurons)}, **settings)
    np.testing.assert_allclose(found.v, np.broadcast_to(steps * of_neurons, (10, trials, n)), atol=1e-12)
    found = simulate(SUM, "10 ms", inputs={"i_in": over_neurons(of_trials)}, **settings)
    np.testing.assert_allclose(found.v, steps * of_trials, atol=1e-12)


@pytest.mark.parametrize(
    ("n", "trials", "shape"), [(10, 1, (10,)), (3, 10, (10, 3)), (3, 10, (10, 1)), (1, 10, (10, 1))]
)
def test_an_array_that_could_be_of_time_as_well_is_refused(n: int, trials: int, shape: tuple[int, ...]) -> None:
    with pytest.raises(CircuitError, match=r"could be the 10 (neurons|trials) or the 10 time steps; say which"):
        simulate(SUM, "10 ms", dt="1 ms", n=n, trials=trials, inputs={"i_in": np.ones(shape)})
    with pytest.raises(CircuitError, match=rf"expected a number, \({n + 1},\) for each neuron"):
        simulate(SUM, "10 ms", dt="1 ms", n=n + 1, trials=2, inputs={"i_in": np.ones(10)})
    for given in (1.0, "1", {"a": 1}, over_time([1.0])):
        with pytest.raises(ArgumentError, match="values: got"):
            over_neurons(given)


def test_what_changes_in_time_says_so(engine: Any) -> None:
    course = np.random.default_rng(0).normal(size=(4, 4, 4))
    settings: dict[str, Any] = {"dt": "1 ms", "n": 4, "trials": 4, "engine": engine, "record": ["i_in"]}
    labelled = xarray.DataArray(course, dims=("time", "trial", "neuron"))
    cases = [
        (over_time(course[:, 0, 0]), course[:, :1, :1]),
        (over_time(course[:, 0]), course[:, :1]),
        (over_time(course), course),
        (over_time(course[:, :, :1]), course[:, :, :1]),
        (labelled.transpose("neuron", "time", "trial"), course),
        (over_time(labelled.transpose("trial", "neuron", "time")), course),
        (labelled[:, 0, 0], course[:, :1, :1]),
        (labelled[:, :, 1], course[:, :, 1:2]),
        (labelled[0, :, 1], course[:1, :, 1:2]),
        (labelled[0, 1], course[:1, 1:2]),
        (labelled[0, 1, 2], course[:1, 1:2, 2:3]),
    ]
    for given, expected in cases:
        found = simulate(SUM, "4 ms", inputs={"i_in": given}, **settings)
        np.testing.assert_array_equal(found.i_in, np.broadcast_to(expected, (4, 4, 4)))


def test_a_recording_is_an_input_of_another_simulation(engine: Any) -> None:
    first = simulate(LEAK, "5 ms", n=2, trials=2, state={"v": np.array([[1e-3, 2e-3], [3e-3, 4e-3]])}, engine=engine)
    second = NeuronModel("seen = 2*i_in : volt\ni_in : volt")
    settings: dict[str, Any] = {"n": 2, "trials": 2, "record": ["seen"], "engine": engine}
    found = simulate(second, "5 ms", inputs={"i_in": first.v}, **settings)
    np.testing.assert_allclose(found.seen, 2 * first.v.values, rtol=1e-12)
    millivolts = first.v.copy(data=1e3 * first.v.values).assign_attrs(units="mV")
    np.testing.assert_allclose(simulate(second, "5 ms", inputs={"i_in": millivolts}, **settings).seen, found.seen)
    with pytest.raises(CircuitError, match=r"time steps of 0.1 ms .* of 0.2 ms"):
        simulate(second, "10 ms", dt="0.2 ms", inputs={"i_in": first.v}, **settings)
    with pytest.raises(UnitError, match="i_in"):
        simulate(SUM, "5 ms", n=2, trials=2, inputs={"i_in": first.v}, engine=engine)


def test_lists_of_quantities_keep_their_units(engine: Any) -> None:
    for given in (["1 mV", "2 mV"], [1 * brian2.mV, 2 * brian2.mV], [1e-3, 2e-3], [1, 2] * brian2.mV):
        found = simulate(LEAK, "1 ms", n=2, state={"v": given}, engine=engine)
        np.testing.assert_allclose(found.v[0, 0], [1e-3, 2e-3])
    with pytest.raises(UnitError, match="'v'"):
        simulate(LEAK, "1 ms", n=2, state={"v": [1 * brian2.nA, 2 * brian2.nA]}, engine=engine)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (np.ones(10), CircuitError, r"shape \(10,\).*\(2,\) for each neuron.*over_time\(array\) with 10 time steps"),
        (np.ones((10, 2)), CircuitError, r"\(10, 2\).*over_time"),
        (np.ones((10, 3, 2)), CircuitError, r"\(10, 3, 2\).*over_time"),
        (np.ones((2, 3)), CircuitError, r"\(2, 3\).*\(3, 2\) for each trial"),
        (np.ones((2, 1)), CircuitError, r"shape \(2, 1\)"),
        (np.ones(1), CircuitError, r"shape \(1,\)"),
        (over_time(np.ones(9)), CircuitError, r"shape \(9,\) over time; expected 10 time steps first"),
        (over_time(np.ones((2, 10))), CircuitError, "time is the first axis"),
        (over_time(np.ones((10, 3))), CircuitError, r"give \(10, 3, 1\)"),
        (over_time(np.ones((10, 3, 2, 1))), CircuitError, "over time; expected"),
        (xarray.DataArray(np.ones(10), dims="t"), CircuitError, r"'t',\).*some of time, trial, neuron"),
        (xarray.DataArray(np.ones(9), dims="time"), CircuitError, "9 along 'time'; expected 10"),
        (over_time(xarray.DataArray(np.ones(2), dims="neuron")), CircuitError, "expects one called time"),
        (xarray.Dataset({"v": ("time", np.ones(10))}), CircuitError, "choose one of its variables"),
        ([[1, 2], [3]], CircuitError, "no array of numbers but a list"),
        (object(), UnitError, "neuron.i_in"),
        (brian2.TimedArray([1, 2], dt=1 * brian2.ms), CircuitError, r"over_time\(timed.values\)"),
        (None, UnitError, "neuron.i_in"),
        (np.array(["a", "b"]), UnitError, "expected numbers"),
        (np.array([1j, 2]), UnitError, "expected numbers"),
        ([1.0, np.inf], UnitError, "not finite"),
        (over_time([np.nan] * 10), UnitError, "not finite"),
    ],
)
def test_a_shape_that_fits_nothing_is_refused(given: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        simulate(SUM, "10 ms", dt="1 ms", n=2, trials=3, inputs={"i_in": given})


@pytest.mark.parametrize("given", [1.0, "1 nA", np.array(1.0), {"a": 1}, None, {1, 2}])
def test_what_has_no_axis_does_not_change_in_time(given: Any) -> None:
    with pytest.raises(ArgumentError, match="values: got"):
        over_time(given)


def test_names_of_inputs_that_mean_something_else_say_what() -> None:
    for name, message in {
        "v": r"give its start by state=\{'v'",
        "i_i": "did you mean 'i_in'",
        "W.w": "'W'; known: neuron",
    }.items():
        with pytest.raises(CircuitError, match=message):
            simulate(SUM, "1 ms", inputs={name: 1})
    with pytest.raises(CircuitError, match=r"'i_in' and 'neuron.i_in' are the same"):
        simulate(SUM, "1 ms", inputs={"i_in": 1, "neuron.i_in": 2})
    with pytest.raises(CircuitError, match=r"of a pathway; give weights .* by state="):
        simulate(_pair(), "1 ms", inputs={"W.w": 1}, learn=False)
    with pytest.raises(ArgumentError, match="inputs: got 3"):
        simulate(SUM, "1 ms", inputs={3: 1})  # type: ignore[dict-item]
    switched = NeuronModel("dv/dt = on/ms : 1\non : 1 (constant, shared)")
    circuit = Circuit("switch", (Population("p", 1, switched),), phases=(Phase("one", "1 ms", {"on": 1.0}),))
    with pytest.raises(CircuitError, match=r"'p\.on' is a switch that the phases one set"):
        simulate(circuit, inputs={"p.on": 2.0})
    drawing = NeuronModel("dv/dt = -v/ms : 1", threshold="rand() < 0.1", reset="v = 0")
    with pytest.raises(CircuitError, match="between 0 and 1"):
        simulate(drawing, "1 ms", inputs={"rand": 2.0})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n": 4}, "n: got 4.*whose populations have sizes"),
        ({"method": "euler"}, "method: got 'euler'.*with a circuit"),
        ({"target": "cython"}, "target: got 'cython'.*engine='brian'"),
    ],
)
def test_what_would_do_nothing_is_refused(given: dict[str, Any], message: str) -> None:
    circuit = Circuit("one", (Population("p", 1, SUM),))
    with pytest.raises(ArgumentError, match=message):
        simulate(circuit, "1 ms", **given)


# State


def test_neurons_begin_where_state_says(engine: Any) -> None:
    decay = np.exp(-1e-4 * np.arange(20) / 10e-3)[:, None, None]
    of_trials = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]) * 1e-3
    for name in ("v", "neuron.v"):
        for given in ("2 mV", 2e-3, 2 * brian2.mV, np.float32(2e-3), of_trials[0], of_trials, of_trials * brian2.volt):
            found = simulate(LEAK, "2 ms", n=2, trials=3, state={name: given}, engine=engine)
            start = 2e-3 if isinstance(given, str) or np.ndim(given) == 0 else np.asarray(given)
            np.testing.assert_allclose(found.v, decay * np.broadcast_to(start, (3, 2)), rtol=1e-6)


def test_parameters_of_neurons_can_differ(engine: Any) -> None:
    taus = np.array([5e-3, 20e-3])
    found = simulate(LEAK, "2 ms", n=2, state={"tau": taus}, engine=engine)
    np.testing.assert_allclose(found.v[:, 0], 1e-3 * np.exp(-found.time.values[:, None] / taus), rtol=1e-9)


def test_each_trial_begins_at_its_own_state_again_where_a_phase_restarts(engine: Any) -> None:
    phases = Phase("one", "2 ms"), Phase("two", "2 ms", restart=True)
    circuit = Circuit("twice", (Population("p", 2, LEAK),), phases=phases)
    start = np.array([[1.0, 2.0], [3.0, 4.0]]) * 1e-3
    found = simulate(circuit, dt="1 ms", trials=2, state={"v": start}, engine=engine)["p.v"].values
    np.testing.assert_allclose(found[2:], found[:2], rtol=1e-12)
    np.testing.assert_allclose(found[0], start)


def test_weights_are_used_and_one_number_stands_for_all(engine: Any) -> None:
    weights = np.arange(6.0).reshape(3, 2)
    settings: dict[str, Any] = {"record": ["b.drive"], "engine": engine, "learn": False}
    for given, expected in ((weights, weights.sum(axis=1)), (0.5, np.ones(3)), ("0.5", np.ones(3))):
        found = simulate(_pair(), "1 ms", state={"W.w": given}, **settings)
        np.testing.assert_allclose(found["b.drive"][0, 0], expected)


def test_the_state_of_a_run_goes_in_as_it_is(engine: Any) -> None:
    circuit = replace(_pair(), phases=(Phase("all", "2 ms", learn=("W",)),))
    state = initial_state(circuit, 3) | {"optimiser.mu.W.w": np.zeros((3, 2))}
    for duration in (None, "2 ms"):
        found = simulate(circuit, duration, state=state, seed=5, engine=engine, learn=False, record=["b.drive"])
        np.testing.assert_allclose(found["b.drive"][0, 0], state["W.w"].sum(axis=1))


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ({"a.V": 1.0}, CircuitError, "'a.V' is no variable of this circuit; did you mean 'a.v'"),
        ({"w.w": 1.0}, CircuitError, "did you mean 'W.w'"),
        ({"W": np.ones((3, 2))}, CircuitError, "'W' is no variable"),
        ({"v": 1.0}, CircuitError, "'v' should say of what, such as 'a.v' or 'b.v'"),
        ({"c.v": 1.0}, CircuitError, "'c.v' is no variable"),
        ({"a.r": 1.0}, CircuitError, "the circuit computes 'a.r'"),
        ({"b.drive": 1.0}, CircuitError, "the circuit computes 'b.drive'"),
        ({"W.w": np.ones((2, 3))}, CircuitError, r"'W.w' has shape \(2, 3\); expected a number, or \(3, 2\)"),
        ({"W.w": np.ones((5, 3, 2))}, CircuitError, r"shape \(5, 3, 2\); .*\(4, 3, 2\) \(one a trial and synapse\)"),
        ({"W.learning_rate": [1.0, 2.0]}, CircuitError, r"'W.learning_rate' has shape \(2,\); expected a number"),
        ({"a.v": np.ones(3)}, CircuitError, r"'a.v' has shape \(3,\).*\(2,\) .*\(4, 2\) "),
        ({"a.v": np.ones((2, 4))}, CircuitError, r"shape \(2, 4\)"),
        ({"a.drive": np.ones((4, 2))}, CircuitError, r"'a.drive' has shape \(4, 2\)"),
        ({"a.v": [1.0, np.nan]}, UnitError, "'a.v': .*not finite"),
        ({"a.v": "1 mV"}, UnitError, "'a.v': .*wrong unit"),
        ({"W.w": np.ones((3, 2)) * brian2.nS}, UnitError, "'W.w'"),
        ({"a.v": None}, UnitError, "'a.v'"),
        ({"a.v": [[1.0], [2.0, 3.0]]}, CircuitError, "'a.v' is no array of numbers"),
        ({1: 1.0}, ArgumentError, "state: got 1"),
        ([("a.v", 1.0)], ArgumentError, "state: got"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(state: Any, error: type[NeurosimError], message: str) -> None:
    with pytest.raises(error, match=message):
        simulate(_pair(), "1 ms", trials=4, state=state, learn=False)


def test_weights_of_a_tied_pathway_are_those_of_another() -> None:
    back = Pathway("B", "b.r", "a.drive", tie=Tie("W", transposed=True))
    circuit = replace(_pair(), pathways=(*_pair(rule=Rule(name="fixed")).pathways, back))
    with pytest.raises(CircuitError, match=r"'B' uses the weights of 'W'; give 'W.w'"):
        simulate(circuit, "1 ms", state={"B.w": 1.0})


def test_weights_have_the_unit_that_joins_source_and_target(engine: Any) -> None:
    cell = NeuronModel("dv/dt = (i_ext/nS - v)/(5*ms) : volt\ni_ext : amp", initial={"v": "1 mV"})
    pathway = Pathway("W", "a.v", "b.i_ext", initial=Initial("constant", 0.0))
    circuit = Circuit("cells", (Population("a", 1, cell), Population("b", 1, cell)), (pathway,))
    found = simulate(circuit, "1 ms", state={"W.w": "2 nS"}, record=["b.i_ext"], engine=engine)
    np.testing.assert_allclose(found["b.i_ext"][0], 2e-12)
    with pytest.raises(UnitError, match=r"'W.w'"):
        simulate(circuit, "1 ms", state={"W.w": "2 mV"}, engine=engine)


def test_what_a_restored_simulation_knows_already_is_not_given(tmp_path: Any, engine: Any) -> None:
    simulate(LEAK, "1 ms", store=tmp_path / "end", engine=engine)
    with pytest.raises(CircuitError, match=r"'neuron.v' is given, and restore= sets it"):
        simulate(LEAK, "1 ms", restore=tmp_path / "end", state={"v": 1e-3}, engine=engine)


def test_a_folder_is_never_replaced_by_the_end_of_a_simulation(tmp_path: Any) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious").write_text("kept")
    with pytest.raises(DataError, match="mine is a folder; expected the name of a file"):
        simulate(LEAK, "1 ms", store=tmp_path / "mine")
    assert (tmp_path / "mine" / "precious").read_text() == "kept"
