"""What a reset assigns, populations without state variables, and updates by constants: alike on both engines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurosim import Circuit, Initial, NeuronModel, Pathway, Phase, Population, Setting, initial_state, simulate
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.errors import CircuitError, EquationError

ENGINES = ("batched", "brian")


def counting(**changes: Any) -> NeuronModel:
    given = {"equations": "dv/dt = (1.5 - v)/(10*ms) : 1\ncount : 1\nlast : second", "reset": "v = 0"}
    return NeuronModel(**{**given, "threshold": "v > 1", **changes})


@pytest.mark.parametrize("engine", ENGINES)
def test_spikes_are_counted_from_the_beginning_of_each_trial(engine):
    neuron = counting(reset="v = 0; count += 1; last = t")
    found = simulate(neuron, "100 ms", trials=2, engine=engine, record=["count", "last"])
    assert found["count"].values[-1, :, 0].tolist() == [9.0, 9.0]
    np.testing.assert_allclose(found["last"].values[-1, :, 0], 0.0989)


@pytest.mark.parametrize(
    ("changes", "variable", "after"),
    [
        # Read by the threshold: 1, 1.1, ... until the neuron no longer gets there.
        ({"equations": "dv/dt = (1.5 - v)/(10*ms) : 1", "threshold": "v > th", "reset": "v = 0; th += 0.1",
          "parameters": {"th": 1}}, "th", None),
        # Read by the refractory period.
        ({"equations": "dv/dt = (1.5 - v)/(10*ms) : 1 (unless refractory)\nrest : second", "refractory": "rest",
          "reset": "v = 0; rest += 1*ms"}, "rest", None),
        ({"equations": "dv/dt = (1.5 - v)/(10*ms) : 1\nodd : boolean", "reset": "v = 0; odd = not odd"}, "odd", 1.0),
        ({"equations": "dv/dt = (1.5 - v)/(10*ms) : 1\nk : integer", "reset": "v = 0; k += 1"}, "k", 9.0),
        # By a subexpression that the equation reads.
        ({"equations": "dv/dt = (1.5 - w - v)/(10*ms) : 1\nw = 0.04*count : 1\ncount : 1",
          "reset": "v = 0; count += 1"}, "count", None),
    ],
)  # fmt: skip
def test_what_is_assigned_acts_on_both_engines_alike(changes, variable, after):
    found = {e: simulate(counting(**changes), "100 ms", engine=e, record=[variable, "v"]) for e in ENGINES}
    values = {engine: np.asarray(one[variable].values, dtype=float) for engine, one in found.items()}
    np.testing.assert_allclose(values["batched"], values["brian"], rtol=1e-9)
    np.testing.assert_allclose(found["batched"].v.values, found["brian"].v.values, atol=1e-9)
    assert values["batched"][-1, 0, 0] > 0 if after is None else values["batched"][-1, 0, 0] == after


@pytest.mark.parametrize("engine", ENGINES)
def test_an_interrupted_simulation_goes_on_with_what_was_assigned(engine, tmp_path):
    neuron = counting(reset="v = 0; count += 1")
    given: dict[str, Any] = {"engine": engine, "record": ["count"], "trials": 2}
    whole = simulate(neuron, "60 ms", **given)
    simulate(neuron, "25 ms", store=tmp_path / "end", **given)
    rest = simulate(neuron, "35 ms", restore=tmp_path / "end", **given)
    np.testing.assert_array_equal(whole["count"].values[250:], rest["count"].values)


@pytest.mark.parametrize("carry", [False, True])
def test_presentations_and_phases_begin_with_what_was_assigned_where_they_should(carry):
    source = NeuronModel(
        "dv/dt = (1.5 - v)/(10*ms) : 1\ntheta : 1\nr = theta : 1", "v > 1 + theta", "v = 0; theta += 0.05"
    )
    target = NeuronModel("dv/dt = (drive - v)/(10*ms) : 1\ncount : 1\ndrive : 1", "v > 1", "v = 0; count += 1")
    circuit = Circuit(
        "adapting",
        (Population("s", 2, source), Population("a", 2, target)),
        (Pathway("W", "s.r", "a.drive", initial=Initial("constant", scale=5.0)),),
        phases=(Phase("p", "40 ms"), Phase("q", "40 ms", restart=True), Phase("r", "20 ms")),
        carry=carry,
    )
    ends = []
    for make in (BatchedEngine, BrianEngine):
        engine, state = make(circuit, Setting("spiking", 1e-4, "float64")), initial_state(circuit, 0)
        for first in (0, 2):
            state, outputs = engine.run(state, {}, trials=2, first=first, report=["s.theta", "a.count"])
        ends.append(outputs.ends)
    for phase, reported in ends[0].items():
        for name, values in reported.items():
            np.testing.assert_allclose(values, ends[1][phase][name], rtol=1e-12)
    last = {phase: reported["a.count"][0, 0] for phase, reported in ends[0].items()}
    assert last["r"] > last["q"] == last["p"]
    assert (last["p"] > 1) == carry


@pytest.mark.parametrize("flag", ["constant", "shared"])
def test_what_is_the_same_for_all_neurons_is_no_resets_to_assign(flag):
    with pytest.raises(EquationError, match=rf"line 1, column 17: the reset assigns to 'count', which is {flag}"):
        counting(equations=f"dv/dt = -v/ms : 1\ncount : 1 ({flag})", reset="v = 0; count += 1")


def test_what_pathways_feed_is_no_resets_to_assign():
    fed = counting(reset="v = 0; count += 1")
    with pytest.raises(CircuitError, match=r"the reset of population 'b' assigns to 'count'.*that W deliver"):
        Circuit(
            "c", (Population("a", 1, fed), Population("b", 1, fed)), (Pathway("W", "a.v", "b.count"),),
            phases=(Phase("p", "1 ms"),),
        )  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
def test_neurons_without_state_variables_spike(engine):
    poisson = NeuronModel("rate : hertz", threshold="rand() < rate*dt", parameters={"rate": "500 Hz"})
    count = int(simulate(poisson, "200 ms", n=20, engine=engine).spikes.sum())
    assert abs(count - 2000) < 5 * np.sqrt(2000)
    once = NeuronModel("x : 1\ny : 1", threshold="x > 1", reset="x = 0; y += 1", parameters={"x": 2})
    found = simulate(once, "1 ms", engine=engine, record=["spikes", "x", "y"])
    assert found.spikes.values[:, 0, 0].tolist() == [True] + 9 * [False]
    assert (found.x.values[-1, 0, 0], found.y.values[-1, 0, 0]) == (0.0, 1.0)
    wave = NeuronModel("x = sin(2*pi*50*Hz*t) : 1", threshold="x > 0.5", refractory="5 ms")
    assert simulate(wave, "100 ms", engine=engine).spikes.values.sum() == 10


def test_neurons_without_state_variables_drive_others():
    beat = NeuronModel("x = sin(2*pi*50*Hz*t) : 1", threshold="x > 0.99", refractory="15 ms")
    filtered = NeuronModel("dg/dt = -g/(5*ms) : 1")
    circuit = Circuit(
        "c",
        (Population("a", 1, beat), Population("b", 1, filtered)),
        (Pathway("W", "a.spikes", "b.g", initial=Initial("constant", scale=1.0)),),
    )
    found = {engine: simulate(circuit, "50 ms", engine=engine)["b.g"].values for engine in ENGINES}
    np.testing.assert_allclose(found["batched"], found["brian"], rtol=1e-12)
    assert found["batched"].max() > 0.9


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("text", "after"),
    [("dz/dt = -z/dt : 1", 0.0), ("dz/dt = (2 - z)/dt : 1", 2.0), ("dz/dt = (y - z)/dt : 1\ny = 2 : 1", 2.0)],
)
def test_an_update_by_a_constant_keeps_its_precision(engine, text, after):
    found = simulate(NeuronModel(text, method="euler", initial={"z": 3}), "1 ms", engine=engine, dtype="float32")
    assert found.z.dtype == np.float32
    assert found.z.values[:2, 0, 0].tolist() == [3.0, after]


@pytest.mark.parametrize("reset", ["v = rand() - rand()", "v = 0.5*rand() + rand()*randn()", "v = randn() - randn()"])
@pytest.mark.parametrize("engine", ENGINES)
def test_several_random_numbers_in_one_expression(engine, reset):
    neuron = NeuronModel("v : 1", "v < 100 and rand() + rand() < 3", reset)
    drawn = simulate(neuron, "200 ms", engine=engine, n=10, record=["v"]).v.values[1:].ravel()
    uniform = np.random.default_rng(0)
    first, second = uniform.random((2, 10**5))
    normal, other = uniform.standard_normal((2, 10**5))
    expected = {"v = rand() - rand()": first - second, "v = randn() - randn()": normal - other}.get(
        reset, 0.5 * first + second * normal
    )
    assert drawn.mean() == pytest.approx(expected.mean(), abs=5 * expected.std() / np.sqrt(len(drawn)))
    assert drawn.std() == pytest.approx(expected.std(), rel=0.06)


def test_a_circuit_with_other_phases_is_the_same_for_both():
    neuron = counting(reset="v = 0; count += 1")
    circuit = Circuit("c", (Population("a", 1, neuron),), phases=(Phase("p", "10 ms"),))
    for make in (BatchedEngine, BrianEngine):
        engine = make(replace(circuit, carry=True), Setting("spiking", 1e-4, "float64"))
        state, _ = engine.run(initial_state(circuit, 0), {}, trials=1)
        assert state["a.count"].shape == (1, 1)
