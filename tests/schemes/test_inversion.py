"""Schemes that invert forward weights: what loops settle to, when they are refused, and that all ways there agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import State, initial_state, weights_of
from neurosim.errors import CircuitError, ConfigError, EngineError, NumericalError
from neurosim.gradients.alignment import alignment
from neurosim.gradients.loops import check_loops, verdict
from neurosim.networks.layered import Config as Network
from neurosim.neurons._model import NeuronModel
from neurosim.runs.run import train
from neurosim.schemes._inversion import neuron_text
from neurosim.stability.inverse import inverse

SETTING = Setting("rate", 1e-3, "float64")
N_INPUTS, TRIALS = 12, 4
Build = Callable[..., Circuit]


@pytest.fixture(scope="module")
def build() -> Build:
    """A network of 12 inputs whose loops are long enough to settle."""

    def build(scheme: str, hidden: tuple[int, ...] = (10, 6), n_outputs: int = 4, **choice: Any) -> Circuit:
        module = registry.load("schemes", scheme)
        settles = {"inversion_duration": "2 second", "duration": "300 ms"} if "dynamic_i" in f"_{scheme}" else {}
        fields = module.Config.model_fields
        settings = {name: value for name, value in settles.items() if name in fields} | choice
        network = Network(**{"hidden": hidden, "bias_weights": 0.3, "readout": "squared_error"})
        return module.build(module.Config(**settings), network, SimpleNamespace(n_inputs=N_INPUTS, n_outputs=n_outputs))

    return build


@pytest.fixture(scope="module")
def given() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(3)
    return {
        "input.r": generator.standard_normal((TRIALS, N_INPUTS)),
        "output.target": generator.standard_normal((TRIALS, 4)),
    }


def settled(circuit: Circuit, state: State, given: Mapping[str, np.ndarray], *names: str) -> dict[str, np.ndarray]:
    _, outputs = BatchedEngine(circuit, SETTING).run(state, given, report=names, learn=False)
    return outputs.ends[str(circuit.delivered_at)]


@pytest.mark.parametrize("leak", [0.0, 0.1])
def test_loops_settle_to_their_fixed_points_one_after_the_other(
    build: Build, given: Mapping[str, np.ndarray], leak: float
) -> None:
    circuit = build("dynamic_inversion", leak=leak, inversion_duration="20 second")
    state = initial_state(circuit, 1)
    names = [name for loop in circuit.loops for name in (loop.target, loop.activity)]
    found = settled(circuit, state, given, *names, "hidden2.slope_held")
    for loop in circuit.loops:
        matrix = inverse(weights_of(circuit, state, loop.forward[0]), weights_of(circuit, state, loop.feedback), leak)
        np.testing.assert_allclose(found[loop.activity], found[loop.target] @ matrix.T, rtol=1e-9, atol=1e-9)
    # The upper loop's error, with the slope, is the lower one's target.
    np.testing.assert_array_equal(found["hidden2.loop_target"], found["hidden2.slope_held"] * found["hidden2.error_x"])


def test_the_nondynamic_form_learns_what_settled_loops_learn(build: Build, given: Mapping[str, np.ndarray]) -> None:
    dynamic, at_once = (build(scheme, leak=0.1) for scheme in ("dynamic_inversion", "nondynamic_inversion"))
    state, other = initial_state(dynamic, 1), initial_state(at_once, 1)
    np.testing.assert_array_equal(state["B1.w"], other["B1.w"])
    after, _ = BatchedEngine(dynamic, SETTING).run(state, given)
    expected, _ = BatchedEngine(at_once, Setting("steady", dtype="float64")).run(other, given)
    for name in ("W1.w", "b1.w", "W2.w", "W3.w"):
        change = expected[name] - other[name]
        assert np.abs((after[name] - state[name]) - change).max() < 1e-7 * np.abs(change).max(), name


def test_without_leak_the_nondynamic_form_is_pseudobackprop_at_first(
    build: Build, given: Mapping[str, np.ndarray]
) -> None:
    # Feedback is minus the transpose of the initial weights; a layer that expands, and one that does not.
    steady = Setting("steady", dtype="float64")
    first, second = (
        BatchedEngine(circuit, steady).run(initial_state(circuit, 1), given)[0]
        for circuit in (
            build("nondynamic_inversion", hidden=(5, 8), leak=0.0),
            build("pseudobackprop", hidden=(5, 8)),
        )
    )
    np.testing.assert_allclose(first["W1.w"], second["W1.w"], rtol=1e-10, atol=1e-12)


def test_centred_loops_invert_a_layer_about_its_operating_point(build: Build, given: Mapping[str, np.ndarray]) -> None:
    circuit = build("dynamic_inversion", hidden=(10,), convention="centred", leak=0.0, inversion_duration="20 second")
    state = initial_state(circuit, 1)
    answer = settled(circuit, state, given, "output.y")["output.y"]
    # Targets near the answer, so that the inverse is that of the linearised layer.
    close = {**given, "output.target": answer - 1e-6 * given["output.target"]}
    found = settled(circuit, state, close, "hidden1.error_x", "hidden1.slope_held")
    w, slope = state["W2.w"], found["hidden1.slope_held"]
    moved = (slope * found["hidden1.error_x"]) @ w.T
    np.testing.assert_allclose(moved, 1e-6 * given["output.target"], rtol=1e-4, atol=1e-11)


def test_a_loop_can_end_as_soon_as_it_has_settled(build: Build, given: Mapping[str, np.ndarray]) -> None:
    whole = build("dynamic_inversion", leak=0.1)
    state = initial_state(whole, 1)
    expected = settled(whole, state, given, "hidden1.error_x")["hidden1.error_x"]
    errors = []
    for tolerance in (1e-1, 1e-4):
        circuit = build("dynamic_inversion", leak=0.1, tolerance=tolerance)
        found = settled(circuit, state, given, "hidden1.error_x")["hidden1.error_x"]
        errors.append(np.abs(found - expected).max() / np.abs(expected).max())
    assert 1e-6 < errors[1] < 1e-2 * errors[0]
    with pytest.raises(
        EngineError, match=r"phase 'inversion3' ends as soon as it has settled.*leave out the tolerance"
    ):
        BrianEngine(circuit, SETTING).run(state, given)
    with pytest.raises(CircuitError, match=r"hidden1\.v cannot be recorded at every step"):
        BatchedEngine(circuit, SETTING).run(state, given, record=("hidden1.v",))


def test_a_warm_start_settles_sooner(build: Build, given: Mapping[str, np.ndarray]) -> None:
    circuit = build("dynamic_inversion", leak=0.1, warm_start=True, inversion_duration="30 ms")
    cold = initial_state(circuit, 1)
    matrices = [inverse(cold["W3.w"], cold["B2.w"], 0.1)]
    engine, errors, state = BatchedEngine(circuit, SETTING), [], cold
    for _ in range(3):
        state, outputs = engine.run(state, given, report=("hidden2.error_x", "output.loop_target"), learn=False)
        end = outputs.ends["inversion2"]
        errors.append(np.abs(end["hidden2.error_x"] - end["output.loop_target"] @ matrices[0].T).max())
    assert errors[2] < errors[1] < errors[0]


def test_an_unstable_loop_is_refused_before_it_runs_and_names_the_remedy(build: Build) -> None:
    circuit = build("dynamic_inversion", leak=0.01)
    state = initial_state(circuit, 1)
    check_loops(circuit, SETTING, state)
    wrong = {**state, "B2.w": -state["B2.w"]}
    with pytest.raises(NumericalError, match=r"loop of layer 'hidden2' does not settle: .*eigenvalue .* of W B.*leak"):
        check_loops(circuit, SETTING, wrong)
    coarse = Setting("rate", 50e-3, "float64")
    with pytest.raises(NumericalError, match="a time step below"):
        check_loops(circuit, coarse, state)


def test_training_refuses_an_expanding_layer_without_leak(tmp_path: Any) -> None:
    with pytest.raises(NumericalError, match=r"layer 'hidden1' does not settle: Without a leak .* neutral"):
        train(
            "podlaski2020/linear",
            out=tmp_path / "run",
            overrides=["scheme.leak=0.0", "network.hidden=[5]", "training.epochs=1"],
        )


def test_random_feedback_that_is_stabilised_is_stable(build: Build) -> None:
    circuit = build("dynamic_inversion", feedback="stabilised", leak=0.01, feedback_width=0.3)
    drawn = build("dynamic_inversion", feedback="random", leak=0.01, feedback_width=0.3)
    state, random = initial_state(circuit, 2), initial_state(drawn, 2)
    assert all(verdict(circuit, loop, state, 1e-3).stable for loop in circuit.loops)
    assert not all(verdict(drawn, loop, random, 1e-3).stable for loop in drawn.loops)


def test_feedback_is_repaired_before_a_presentation_on_both_engines(
    build: Build, given: Mapping[str, np.ndarray]
) -> None:
    circuit = build("dynamic_inversion", leak=0.05, repair=True, inversion_duration="20 ms", duration="20 ms")
    state = initial_state(circuit, 1)
    noise = np.random.default_rng(5).standard_normal(state["B2.w"].shape)
    state["B2.w"] = 0.1 * state["B2.w"] + 0.3 * noise
    before = verdict(circuit, circuit.loops[1], state, 1e-3)
    after, _ = BatchedEngine(circuit, SETTING).run(state, given)
    reference, _ = BrianEngine(circuit, SETTING).run(state, given)
    # Of the weights the presentation used, which are not those it leaves.
    used = {**after, "W3.w": state["W3.w"]}
    assert not before.stable
    assert verdict(circuit, circuit.loops[1], used, 1e-3).abscissa < before.abscissa
    for name in ("B1.w", "B2.w", "W1.w"):
        np.testing.assert_allclose(after[name], reference[name], rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(after["B1.w"], state["B1.w"])


def test_a_long_error_is_shortened_in_what_learns_only(given: Mapping[str, np.ndarray]) -> None:
    module = registry.load("schemes", "backpropagation")
    size = SimpleNamespace(n_inputs=N_INPUTS, n_outputs=4)
    free, bound = (
        module.build(module.Config(), Network(hidden=(6, 5), readout="squared_error", update_limit=limit), size)
        for limit in (None, 0.5)
    )
    steady, names = Setting("steady", dtype="float64"), ("hidden1.delta", "hidden1.delta_held")
    state = initial_state(free, 1)
    _, one = BatchedEngine(free, steady).run(state, given, report=names)
    _, two = BatchedEngine(bound, steady).run(state, given, report=names)
    np.testing.assert_allclose(two.ends["clean"]["hidden1.delta"], one.ends["clean"]["hidden1.delta"])
    after, _ = BatchedEngine(bound, steady).run(state, given)
    delta = one.ends["clean"]["hidden1.delta"]
    short = delta * np.minimum(1, 0.5 / np.linalg.norm(delta, axis=1, keepdims=True))
    assert (np.linalg.norm(delta, axis=1) > 0.5).any()
    change = -state["W1.learning_rate"] * short.T @ given["input.r"] / TRIALS
    np.testing.assert_allclose(after["W1.w"] - state["W1.w"], change, rtol=1e-9, atol=1e-14)


def test_an_inverse_with_a_leak_is_the_damped_gauss_newton_direction_below_the_output(
    build: Build, given: Mapping[str, np.ndarray]
) -> None:
    circuit = build("nondynamic_inversion", hidden=(10,), leak=0.1)
    steady, state = Setting("steady", dtype="float64"), initial_state(circuit, 1)
    found = alignment(circuit, steady, state, given, gauss_newton=0.1)["hidden1"]
    other = alignment(circuit, steady, state, given, gauss_newton=10.0)["hidden1"]
    assert found["gauss_newton_angle_deg"] < 1e-5 < other["gauss_newton_angle_deg"] < found["signal_angle_deg"]


@pytest.mark.parametrize(
    "scheme", ["dynamic_inversion", pytest.param("single_loop_dynamic_inversion", marks=pytest.mark.slow)]
)
def test_alignment_says_how_loops_do(build: Build, given: Mapping[str, np.ndarray], scheme: str) -> None:
    circuit = build(scheme, convention="gated", leak=0.1, inversion_duration="10 second")
    found = alignment(circuit, SETTING, initial_state(circuit, 1), given)
    assert found["hidden1"]["fixed_point_angle_deg"] < 1e-4 and found["hidden1"]["loop_abscissa"] < 0
    assert all(np.isfinite(found[layer]["signal_angle_deg"]) for layer in ("hidden1", "hidden2"))


def test_a_neuron_without_an_output_of_one_potential_needs_the_linear_loop() -> None:
    neuron = NeuronModel(
        "dv/dt = (drive - v + w)/tau_m : 1\ndw/dt = -w/tau_m : 1\nr = v + w : 1\ndrive : 1",
        parameters={"tau_m": "10 ms"},
        ports={"output": "r", "drive": "drive"},
        name="two",
    )
    assert neuron_text(neuron, "slope_held*x") == "slope_held*x"
    refusal = r"got 'two', expected a neuron whose output is a function of its potential.*convention = 'gated'"
    with pytest.raises(ConfigError, match=refusal):
        neuron_text(neuron, "g(x)")
