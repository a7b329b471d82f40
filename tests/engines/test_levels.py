"""The steady level is what the rate level settles to, and plain forward propagation to the last digit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import PERTURB, Pathway, Phase, Population
from neurosim.circuit.moments import STEP, acting
from neurosim.circuit.noiseless import undisturbed
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state, learned_names
from neurosim.errors import CircuitError, EngineError
from neurosim.networks import Part
from neurosim.neurons.leaky_rate import ACTIVATIONS

STEADY = Setting("steady", dtype="float64")
NUMPY = {
    "tanh": np.tanh,
    "sigmoid": lambda v: 0.5 + 0.5 * np.tanh(0.5 * v),
    "relu": lambda v: 0.5 * (v + abs(v)),
    "softplus": lambda v: np.log1p(np.exp(-abs(v))) + 0.5 * (v + abs(v)),
    "identity": lambda v: v,
}


def reported(circuit: Circuit) -> tuple[str, ...]:
    """What the feedback delivers, what travels, the answer, the error and the loss."""
    names = ["loss", f"{circuit.output_population}.y", f"{circuit.output_population}.error"]
    for population in circuit.populations:
        ports = population.neuron.ports
        names += [f"{population.name}.{ports[port]}" for port in ("output", "signal", "error") if port in ports]
    return tuple(dict.fromkeys(names))


def test_steady_equals_rate_after_settling(
    variant_of_a_mechanism: tuple[str, dict[str, Any]], build: Callable[..., Circuit], stimuli: Callable[[int], Any]
) -> None:
    scheme, choice = variant_of_a_mechanism
    circuit = build(scheme, duration="600 ms", choice=choice)
    if circuit.loops:
        with pytest.raises(CircuitError, match="a loop has no steady state"):
            BatchedEngine(circuit, STEADY).run(initial_state(circuit, 1), stimuli(6))
        return
    steps = bool(acting(circuit, circuit.phases, STEP))
    if steps:
        # What never settles, because noise never stops, is compared without it, and does not learn: the steady
        # level has no steps at which a rule could act.
        circuit = _without_noise(undisturbed(circuit))
    state, given, report = initial_state(circuit, 1), stimuli(6), reported(circuit)
    settings: dict[str, Any] = {"seed": 2, "report": report, "learn": not steps}
    steady, at_once = BatchedEngine(circuit, STEADY).run(state, given, **settings)
    settled, in_time = BatchedEngine(circuit, Setting("rate", 1e-3, "float64")).run(state, given, **settings)
    for phase in circuit.phases:
        for name in report:
            expected = at_once.ends[phase.name][name]
            assert np.abs(in_time.ends[phase.name][name] - expected).max() <= 1e-6, f"{phase.name}: {name}"
    # Estimates divide by sigma, so the weights are as close only relative to how they change.
    for name in learned_names(circuit):
        np.testing.assert_allclose(settled[name], steady[name], rtol=1e-6, atol=1e-6, err_msg=name)


def _without_noise(circuit: Circuit) -> Circuit:
    """The circuit with the neurons' noise off in all of its phases."""
    quiet = tuple(
        replace(phase, switches={**phase.switches, PERTURB: 0.0}) if PERTURB in phase.switches else phase
        for phase in circuit.phases
    )
    return replace(circuit, phases=quiet)


def test_rules_that_act_at_every_step_have_no_steady_level(
    build: Callable[..., Circuit], stimuli: Callable[[int], Any]
) -> None:
    circuit = build("continuous_node_perturbation")
    with pytest.raises(CircuitError, match=r"'step_delta' of pathway 'W1' acts at every step.*use the level 'rate'"):
        BatchedEngine(circuit, STEADY).run(initial_state(circuit, 1), stimuli(2))


def test_a_short_phase_has_not_settled(build: Callable[..., Circuit], stimuli: Callable[[int], Any]) -> None:
    circuit = build("backpropagation", duration="5 ms")
    state, given, report = initial_state(circuit, 1), stimuli(6), ("hidden1.a",)
    _, at_once = BatchedEngine(circuit, STEADY).run(state, given, report=report)
    _, in_time = BatchedEngine(circuit, Setting("rate", 1e-3, "float64")).run(state, given, report=report)
    assert np.abs(in_time.ends["clean"]["hidden1.a"] - at_once.ends["clean"]["hidden1.a"]).max() > 1e-2


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_steady_is_forward_and_backward_propagation(
    activation: str, build: Callable[..., Circuit], stimuli: Callable[[int], Any]
) -> None:
    neuron = Part(kind="leaky_rate", activation=activation)  # type: ignore[call-arg]
    circuit = build("backpropagation", neuron=neuron)
    state, given = initial_state(circuit, 1), stimuli(7)
    report = ("hidden1.r", "hidden2.r", "output.y", "output.error", "loss", "hidden1.a", "hidden2.a", "hidden2.delta")
    _, outputs = BatchedEngine(circuit, STEADY).run(state, given, report=report)
    found, f = outputs.ends["clean"], NUMPY[activation]

    v1 = given["input.r"] @ state["W1.w"].T + state["b1.w"].T
    v2 = f(v1) @ state["W2.w"].T + state["b2.w"].T
    y = f(v2) @ state["W3.w"].T + state["b3.w"].T
    shifted = np.exp(y - y.max(axis=1, keepdims=True))
    probability = shifted / shifted.sum(axis=1, keepdims=True)
    error = probability - given["output.target"]
    close: dict[str, Any] = {"rtol": 1e-13, "atol": 1e-14}
    np.testing.assert_allclose(found["hidden1.r"], f(v1), **close)
    np.testing.assert_allclose(found["hidden2.r"], f(v2), **close)
    np.testing.assert_allclose(found["output.y"], y, **close)
    np.testing.assert_allclose(found["output.error"], error, **close)
    loss = -np.log(np.sum(probability * given["output.target"], axis=1))
    np.testing.assert_allclose(found["loss"][:, 0], loss, **close)
    np.testing.assert_allclose(found["hidden2.a"], error @ state["W3.w"], **close)
    np.testing.assert_allclose(found["hidden1.a"], found["hidden2.delta"] @ state["W2.w"], **close)


def test_one_step_of_backpropagation_is_gradient_descent_by_hand(
    build: Callable[..., Circuit], stimuli: Callable[[int], Any]
) -> None:
    circuit = build("backpropagation", readout="squared_error")
    state, given = initial_state(circuit, 1), stimuli(7)
    after, _ = BatchedEngine(circuit, STEADY).run(state, given)
    r0 = given["input.r"]
    r1 = np.tanh(r0 @ state["W1.w"].T + state["b1.w"].T)
    r2 = np.tanh(r1 @ state["W2.w"].T + state["b2.w"].T)
    d3 = r2 @ state["W3.w"].T + state["b3.w"].T - given["output.target"]
    d2 = (1 - r2**2) * (d3 @ state["W3.w"])
    d1 = (1 - r1**2) * (d2 @ state["W2.w"])
    for number, delta, rate in ((1, d1, r0), (2, d2, r1), (3, d3, r2)):
        learning_rate = float(state[f"W{number}.learning_rate"])
        expected = state[f"W{number}.w"] - learning_rate * delta.T @ rate / 7
        np.testing.assert_allclose(after[f"W{number}.w"], expected, rtol=1e-12, atol=1e-14)
        bias = state[f"b{number}.w"] - learning_rate * delta.mean(axis=0)[:, None]
        np.testing.assert_allclose(after[f"b{number}.w"], bias, rtol=1e-12, atol=1e-14)


def test_a_loop_has_no_steady_level_and_says_so() -> None:
    module = registry.load("neurons", "leaky_rate")
    rate = module.build(module.Config())
    circuit = Circuit(
        "loop",
        (Population("a", 3, rate), Population("b", 2, rate)),
        (Pathway("F", "a.r", "b.drive"), Pathway("R", "b.r", "a.drive")),
        (Phase("only", "50 ms"),),
    )
    state = initial_state(circuit, 0)
    with pytest.raises(CircuitError, match=r"a\.drive.*use the level 'rate'"):
        BatchedEngine(circuit, STEADY).run(state, {})
    # In time it is no loop at an instant.
    BatchedEngine(circuit, Setting("rate", 1e-3)).run(state, {})


def test_spikes_have_no_steady_level() -> None:
    module = registry.load("neurons", "lif")
    circuit = Circuit("one", (Population("a", 1, module.build(module.Config())),), phases=(Phase("only", "5 ms"),))
    with pytest.raises(CircuitError, match=r"'a' spikes .* use the level 'spiking'"):
        BatchedEngine(circuit, STEADY).run(initial_state(circuit, 0), {})


def test_the_reference_engine_refuses_the_steady_level(build: Callable[..., Circuit]) -> None:
    with pytest.raises(EngineError, match="use the engine 'batched'"):
        BrianEngine(build("backpropagation"), STEADY)


def test_phases_are_whole_numbers_of_steps(build: Callable[..., Circuit], stimuli: Callable[[int], Any]) -> None:
    circuit = build("backpropagation", duration="5 ms")
    for engine in (BatchedEngine, BrianEngine):
        with pytest.raises(CircuitError, match="'clean' lasts 5 ms, which is not a whole number"):
            engine(circuit, Setting("rate", 0.3e-3)).run(initial_state(circuit, 0), stimuli(1))
