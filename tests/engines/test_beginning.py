"""Rules that act at the beginning of a presentation: before the first phase, with effect at once, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Initial, Pathway, Phase, Population
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.batched.optimiser_updates import optimised_names
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import State, initial_state
from neurosim.errors import CircuitError, EngineError
from neurosim.neurons._model import NeuronModel
from neurosim.rules._rule import Rule

SETTING = Setting("rate", 1e-3, "float64")
KINDS: tuple[Any, ...] = (BatchedEngine, BrianEngine)
RELAY = NeuronModel("dx/dt = 0/second : 1\nr : 1\nu : 1\ndelta_held : 1")
SHRINK = Rule("w -= rate*w", parameters={"rate": 0.5}, timing="presentation", name="shrink")


def weights_alone() -> list[str]:
    """The rules that read nothing but weights and parameters."""
    found = []
    for name in registry.names("rules"):
        rule = registry.load("rules", name).RULE
        own = {*rule.synaptic_variables, *rule.parameters, "w_reciprocal", "update_noise"}
        spiking = isinstance(rule, Rule) and (rule.on_pre or rule.on_post)
        if isinstance(rule, Rule) and rule.learns and not spiking and rule.names <= own:
            found.append(name)
    return found


def loop(rule: Rule, forward: Rule | None = None, phases: tuple[Phase, ...] = (), **settings: Any) -> Circuit:
    """Two populations, weights there and back; those back learn by `rule`."""
    missing = {name: 0.3 for name, default in rule.parameters.items() if default is None}
    settings = {"initial": Initial("normal", 1.0, None), "parameters": missing, **settings}
    forth: dict[str, Any] = {} if forward is None else {"rule": forward}
    learn = ("B", "W") if forward is not None else ("B",)
    return Circuit(
        "loop",
        (Population("a", 3, RELAY), Population("b", 2, RELAY)),
        (Pathway("W", "a.r", "b.u", **forth), Pathway("B", "b.r", "a.u", rule=rule, **settings)),
        phases or (Phase("only", "2 ms", learn=learn),),
        registry.load("readouts", "squared_error").READOUT,
        "a.u",
    )


def given(trials: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(3)
    return {"a.r": generator.standard_normal((trials, 3)), "b.r": generator.standard_normal((trials, 2))}


def trained(kind: Any, circuit: Circuit, batches: int = 2, batch: int = 3, report: tuple[str, ...] = ()) -> Any:
    order = np.arange(batches * batch).reshape(batches, batch)
    return kind(circuit, SETTING).train(initial_state(circuit, 1), given(12), order, seed=5, first=0, report=report)


def same(circuit: Circuit, **settings: Any) -> State:
    """The state after training, which has to be the same on both engines."""
    ours, theirs = (trained(kind, circuit, **settings)[0] for kind in KINDS)
    for name, expected in theirs.items():
        np.testing.assert_allclose(ours[name], expected, rtol=1e-9, atol=1e-12, err_msg=name)
    return theirs


def test_there_are_rules_that_read_weights_alone() -> None:
    assert {"symmetric_alignment", "weight_transport", "redrawn_sign_symmetry"} <= {*weights_alone()}


@pytest.mark.parametrize("name", weights_alone())
def test_every_rule_of_weights_alone_can_act_there(name: str) -> None:
    rule = replace(registry.load("rules", name).RULE, timing="presentation")
    circuit = loop(rule)
    after = same(circuit)
    assert np.any(after["B.w"] != initial_state(circuit, 1)["B.w"])


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_has_effect_at_once_and_once_a_batch(reduction: Any) -> None:
    circuit = loop(SHRINK, reduction=reduction)
    start = initial_state(circuit, 1)["B.w"]
    for kind in KINDS:
        after, outputs = trained(kind, circuit, report=("a.u",))
        np.testing.assert_allclose(after["B.w"], start / 4, rtol=1e-14)
        used = np.repeat([1 / 2, 1 / 4], 3)[:, None] * (given(12)["b.r"][:6] @ start.T)
        np.testing.assert_allclose(outputs.ends["only"]["a.u"], used, rtol=1e-12)


def test_sees_the_weights_that_the_presentation_will_use() -> None:
    # Forward weights move at the end of each batch; in the next, feedback weights are their transpose, not sooner.
    transport = replace(registry.load("rules", "weight_transport").RULE, timing="presentation")
    forward = Rule("w += 0.1*r_post*r_pre", name="hebb")
    start = initial_state(loop(transport, forward), 1)
    for kind in KINDS:
        before, _ = trained(kind, loop(transport, forward), batches=1)
        after, outputs = trained(kind, loop(transport, forward), report=("a.u",))
        np.testing.assert_allclose(before["B.w"], start["W.w"].T, rtol=1e-13)
        np.testing.assert_allclose(after["B.w"], before["W.w"].T, rtol=1e-14)
        np.testing.assert_allclose(outputs.ends["only"]["a.u"][3:], given(12)["b.r"][3:6] @ before["W.w"], rtol=1e-12)
    same(loop(transport, forward))


def test_rules_at_the_beginning_act_together() -> None:
    # Each follows the other's weight as it was: with a rate of one they change places.
    transport = replace(registry.load("rules", "weight_transport").RULE, timing="presentation")
    circuit = loop(transport, transport)
    start = initial_state(circuit, 1)
    after = same(circuit, batches=1)
    np.testing.assert_allclose(after["B.w"], start["W.w"].T, rtol=1e-13)
    np.testing.assert_allclose(after["W.w"], start["B.w"].T, rtol=1e-13)


def test_noise_of_the_update_is_there_at_once() -> None:
    rule = Rule("w -= learning_rate*w", parameters={"learning_rate": 1.0}, timing="presentation", name="forget")
    circuit = loop(rule, update_noise=0.7)
    after = same(circuit, batches=1)
    assert 0.1 < np.std(after["B.w"]) < 3
    for kind in KINDS:
        _, outputs = trained(kind, circuit, batches=1, report=("a.u",))
        np.testing.assert_allclose(outputs.ends["only"]["a.u"], given(12)["b.r"][:3] @ after["B.w"].T, rtol=1e-6)


def test_takes_part_in_every_other_batch_and_in_phases_that_are_run() -> None:
    circuit = loop(SHRINK, every=2)
    start = initial_state(circuit, 1)
    np.testing.assert_allclose(same(circuit, batches=4)["B.w"], start["B.w"] / 4, rtol=1e-14)
    two = loop(SHRINK, phases=(Phase("first", "2 ms"), Phase("second", "2 ms", learn=("B",))))
    for kind in KINDS:
        engine = kind(two, SETTING)
        for phases, factor in ((("first",), 1), (("second",), 2), (None, 2)):
            after, _ = engine.run(start, given(3), phases=phases)
            np.testing.assert_allclose(after["B.w"], start["B.w"] / factor, rtol=1e-14)
        after, _ = engine.run(start, given(3), learn=False)
        np.testing.assert_array_equal(after["B.w"], start["B.w"])


def test_no_optimiser_steps_what_has_had_its_effect() -> None:
    rule = Rule("w -= learning_rate*w", parameters={"learning_rate": 0.1}, timing="presentation", name="forget")
    assert optimised_names(loop(rule, optimised=True)) == ()
    assert optimised_names(loop(replace(rule, timing="phase_end"), optimised=True)) == ("B.w",)


@pytest.mark.parametrize("name", ["r_post", "delta_held_pre"])
def test_reads_no_activity(name: str) -> None:
    with pytest.raises(CircuitError, match=rf"acts at the beginning of a presentation, when '{name}' has no value yet"):
        loop(Rule(f"w += 0.1*{name}", timing="presentation", name="early"))


def test_standalone_code_has_no_beginning() -> None:
    circuit = loop(SHRINK)
    with pytest.raises(EngineError, match="pathway 'B' learns at the beginning of a presentation"):
        BrianEngine(circuit, SETTING, "cpp_standalone").run(initial_state(circuit, 1), given(1))


def test_symmetric_alignment_that_follows_at_once_is_weight_transport_in_time(build: Callable[..., Circuit]) -> None:
    # With a rate of one and equal coefficients, backpropagation with its own copy of the weights.
    choice = {"feedback_learning_rate": 1.0, "follows": "beginning"}
    aligned, plain = build("symmetric_alignment", choice=choice), build("backpropagation")
    generator = np.random.default_rng(5)
    data = {"input.r": generator.standard_normal((12, 3)), "output.target": np.eye(4)[generator.integers(0, 4, 12)]}
    order = np.arange(12).reshape(4, 3)
    found = {}
    for circuit in (aligned, plain):
        state = initial_state(aligned, 2)
        state = {name: state[name] for name in initial_state(circuit, 2)}
        state |= {name: np.asarray(0.1) for name in state if name[0] in "Wb" and name.endswith(".learning_rate")}
        found[circuit.name] = BatchedEngine(circuit, SETTING).train(state, data, order, seed=0, first=0)[0]
    for name in ("W1.w", "W2.w", "W3.w", "b1.w"):
        np.testing.assert_allclose(found["symmetric_alignment"][name], found["backpropagation"][name], rtol=1e-10)
