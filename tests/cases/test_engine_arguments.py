"""What engines are given is checked alike on both, by name, before anything is built."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim import Circuit, NeuronModel, Pathway, Phase, Population, Setting, Stimulus, initial_state, simulate
from neurosim.circuit.connectivity import Sparse
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.batched.host import program
from neurosim.engines.brian.engine import BrianEngine
from neurosim.errors import ArgumentError, CircuitError

pytestmark = pytest.mark.usefixtures("compiles_anew")

MODEL = NeuronModel("dv/dt = (drive - v)/(10*ms) : 1\nq = 2*v : 1\ndrive : 1\nnoise : 1", "v > 1", "v = 0")
CIRCUIT = Circuit(
    "c",
    (Population("a", 3, MODEL, noise=("noise",)), Population("b", 2, MODEL)),
    (Pathway("W", "a.q", "b.drive"),),
    phases=(Phase("p", "2 ms", draw_noise=True),),
)
STATE = initial_state(CIRCUIT, 0)
COURSE = Stimulus(np.zeros((2, 5, 3)), "course")
WITHOUT = {name: array for name, array in STATE.items() if name != "W.w"}


@pytest.fixture(params=[BatchedEngine, BrianEngine])
def engine(request):
    return request.param(CIRCUIT, Setting("spiking", 1e-4, "float64"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"report": ["b.typo"]}, r"report: this circuit has no variable 'b\.typo'"),
        ({"record": ["a.vv"]}, r"record: .*'a\.vv'; did you mean 'a\.v'"),
        ({"report": ["a.spikes"]}, "report: .*record them"),
        ({"record": "a.v"}, "record: got 'a.v', expected a list"),
        ({"phases": ["x"]}, "phases: this circuit has no phase 'x'; known: p"),
        ({"noise": {"x": {}}}, "noise: this circuit has no phase 'x'"),
        ({"noise": {"p": {"a.nois": np.zeros((1, 3))}}}, "noise of phase 'p': .*did you mean 'a.noise'"),
        ({"noise": {"p": {"a.noise": np.zeros((2, 4))}}}, r"shape \(2, 4\); expected \(1, 3\)"),
        ({"noise": {"p": {}}}, "noise of phase 'p': a.noise missing"),
        ({"seed": -1}, "seed: got -1"),
        ({"first": 1.5}, "first: got 1.5"),
        ({"trials": 0}, "trials: got 0"),
        ({"trials": 2.5}, "trials: got 2.5"),
        ({"learn": "yes"}, "learn: got 'yes'"),
        ({"state": None}, "state: got None"),
        ({"state": WITHOUT}, "state: 'W.w' is missing"),
        ({"state": {**WITHOUT, "W.ww": STATE["W.w"]}}, "'W.w' is missing.*is it 'W.ww'"),
        ({"state": {**STATE, "W.w": STATE["W.w"].T}}, r"'W.w' has shape \(3, 2\); expected \(2, 3\)"),
        ({"state": {**STATE, "a.v": np.zeros(4)}}, r"'a.v' has shape \(4,\)"),
        ({"stimuli": {"a.drive": np.zeros((2, 5))}}, r"'a.drive' has shape \(2, 5\).*expected \(2, 3\)"),
        ({"stimuli": {"a.drive": np.zeros((2, 3))}, "trials": 3}, r"expected \(3, 3\)"),
        ({"stimuli": {"a.drive": COURSE}}, "'a.drive' has 5 time steps, and 20 are run"),
        ({"stimuli": {"a.drive": np.zeros((2, 5, 3))}}, r"shape \(2, 5, 3\).*neurosim.Stimulus\(array, 'course'\)"),
        ({"stimuli": {"b.drive": np.zeros((2, 2))}}, "'b.drive' cannot be set: the circuit computes it"),
        ({"stimuli": {"a.drve": np.zeros((2, 3))}}, "did you mean 'a.drive'"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_refused_by_name(engine, given, message):
    arguments: dict[str, Any] = {"state": STATE, "stimuli": {}, **given}
    with pytest.raises((ArgumentError, CircuitError), match=message):
        engine.run(arguments.pop("state"), arguments.pop("stimuli"), **arguments)


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ([[0, 4]], "order: got trials 0 to 4; expected 0 to 3, the trials of the stimuli"),
        ([0, 1], "order: got .*shape .step, batch"),
        ([[0.0, 1.0]], "order: got .*whole numbers"),
        (None, "order: got None"),
    ],
)
def test_the_order_of_training_is_checked(engine, order, message):
    with pytest.raises((ArgumentError, CircuitError), match=message):
        engine.train(STATE, {"a.drive": np.zeros((4, 3))}, order, seed=0, first=0)


def test_a_course_may_be_the_same_for_all_trials_and_neurons(engine):
    course = np.linspace(0, 1, 20)[None, :, None]
    _, outputs = engine.run(STATE, {"a.drive": Stimulus(course, "course")}, trials=2, report=["a.v"])
    each = Stimulus(np.broadcast_to(course, (2, 20, 3)), "course")
    _, full = engine.run(STATE, {"a.drive": each}, report=["a.v"])
    np.testing.assert_array_equal(outputs.ends["p"]["a.v"], full.ends["p"]["a.v"])


@pytest.mark.parametrize(
    ("field", "value"),
    [("dt", 0), ("dt", float("nan")), ("dt", "0 ms"), ("level", "fast"), ("dtype", "float16"), ("surrogate_width", 0)],
)
def test_settings_are_checked(field, value):
    with pytest.raises(ArgumentError, match=rf"Setting\.{field}: got"):
        Setting(**{field: value})


def test_a_sparse_pathway_in_either_precision_in_one_process():
    neuron = NeuronModel("dv/dt = (1.5 + g - v)/(10*ms) : 1\ndg/dt = -g/(5*ms) : 1", "v > 1", "v = 0")
    pathway = Pathway("S", "a.spikes", "b.g", connectivity=Sparse(0.4))
    circuit = Circuit("s", (Population("a", 8, neuron), Population("b", 6, neuron)), (pathway,))
    found = {d: simulate(circuit, "15 ms", dtype=d)["b.v"].values for d in ("float64", "float32")}
    expected = simulate(circuit, "15 ms", engine="brian")["b.v"].values
    np.testing.assert_allclose(found["float64"], expected, rtol=1e-9)
    np.testing.assert_allclose(found["float32"], expected, atol=1e-4)


def test_only_the_last_programs_are_kept(monkeypatch):
    made = []
    monkeypatch.setattr(program, "MOST_PROGRAMS", 2)
    compiled = program.program()(lambda x, *, power: made.append(power) or x**power)
    for power in (1, 2, 1, 3, 2):
        assert compiled(2.0, power=power) == 2.0**power
    # Those of 2 were thrown away when 3 came.
    assert made == [1, 2, 3, 2]
