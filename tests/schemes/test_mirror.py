"""Schemes that are sums of primitives: their steps by hand, their fixed points, their phases and what is local."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import State, initial_state, learned_names
from neurosim.metrics import matrix_angle
from neurosim.networks import Part
from neurosim.networks.layered import Config as Network
from neurosim.rules._primitives import FEEDBACK, batch_centred
from tests.default_run import of_each_mechanism

SETTING = Setting("steady", dtype="float64")
N_INPUTS, SIZES, N_OUTPUTS = 4, (6, 5), 3
SCHEMES = ("weight_mirror", "information_alignment", "activation_alignment", "symmetric_alignment")
BY_DEFAULT = {
    ("weight_mirror", "rate", "noise"), ("information_alignment", "drive", "noise"),
    ("information_alignment", "rate", "activity"), ("activation_alignment", "drive", "activity"),
}  # fmt: skip


def build(scheme: str, activation: str = "tanh", network: dict[str, Any] | None = None, **settings: Any) -> Circuit:
    part = Part.model_validate({"kind": "leaky_rate", "activation": activation})
    out = Part.model_validate({"kind": "leaky_rate", "activation": activation, "method": "exponential_euler"})
    chosen = {"hidden": SIZES, "neuron": part, "output_neuron": out, "readout": "squared_error", "bias_weights": 0.3}
    module = registry.load("schemes", scheme)
    sized = SimpleNamespace(n_inputs=N_INPUTS, n_outputs=N_OUTPUTS)
    return module.build(module.Config(**settings), Network(**{**chosen, **(network or {})}), sized)


def stimuli(trials: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(7)
    targets = generator.standard_normal((trials, N_OUTPUTS))
    return {"input.r": generator.standard_normal((trials, N_INPUTS)), "output.target": targets}


def still(state: State) -> State:
    """Forward weights that do not learn."""
    return state | {name: np.zeros(()) for name in state if name[0] in "Wb" and name.endswith(".learning_rate")}


def presented(circuit: Circuit, state: State, trials: int, phase: str, *names: str) -> list[np.ndarray]:
    _, outputs = BatchedEngine(circuit, SETTING).run(state, stimuli(trials), seed=2, report=names, learn=False)
    return [outputs.ends[phase][name] for name in names]


def change(circuit: Circuit, state: State, trials: int = 20) -> State:
    after, _ = BatchedEngine(circuit, SETTING).run(state, stimuli(trials), seed=2)
    return {name: after[name] - state[name] for name in learned_names(circuit)}


# Steps by hand


# Every scheme, source and response, but not each with each.
@pytest.mark.parametrize(
    ("scheme", "response", "source"),
    [
        pytest.param(*case, marks=[] if case in BY_DEFAULT else [pytest.mark.slow])
        for case in itertools.product(SCHEMES[:3], ("rate", "drive"), ("noise", "activity"))
    ],
)
def test_the_step_is_minus_the_gradient_of_the_regulariser(scheme: str, source: str, response: str) -> None:
    settings = {"source": source, "response": response, "centring": "none", "feedback_learning_rate": 1.0}
    circuit = build(scheme, **settings)
    state, phase = initial_state(circuit, 1), "mirror" if source == "noise" else "clean"
    sent = "mirror_sent" if source == "noise" else "r"
    answer = {"rate": "r", "drive": "drive"}[response]
    config = registry.load("schemes", scheme).Config()
    coefficient = {name: getattr(config, name, 0.0) for name in ("amp", "null", "decay", "sparse")}
    changes = change(circuit, state)
    for below, above, feedback in (("hidden1", "hidden2", "B1"), ("hidden2", "output", "B2")):
        x, y = presented(circuit, state, 20, phase, f"{below}.{sent}", f"{above}.{answer}")
        b = state[f"{feedback}.w"]

        def regulariser(b: np.ndarray, x: np.ndarray = x, y: np.ndarray = y) -> float:
            value = -coefficient["amp"] * np.mean(np.sum(x * (y @ b.T), axis=1))
            value += 0.5 * coefficient["null"] * np.mean(np.sum((y @ b.T) ** 2, axis=1))
            value += 0.5 * coefficient["sparse"] * np.mean(np.sum((x @ b) ** 2, axis=1))
            return value + 0.5 * coefficient["decay"] * np.sum(b**2)

        gradient = np.zeros_like(b)
        for index in np.ndindex(*b.shape):
            step = np.zeros_like(b)
            step[index] = 1e-4
            gradient[index] = (regulariser(b + step) - regulariser(b - step)) / 2e-4
        np.testing.assert_allclose(changes[f"{feedback}.w"], -gradient, rtol=1e-7, atol=1e-9)


def test_symmetric_alignment_relaxes_to_the_transposed_weights() -> None:
    circuit = build("symmetric_alignment", feedback_learning_rate=0.1, self=2.0, decay=1.0)
    state = still(initial_state(circuit, 1))
    after, _ = BatchedEngine(circuit, SETTING).train(state, stimuli(4), np.tile(np.arange(4), (10, 1)), seed=0, first=0)
    start, goal = state["B1.w"], 2 * state["W2.w"].T
    np.testing.assert_allclose(after["B1.w"], goal + 0.9**10 * (start - goal), rtol=1e-12)


@pytest.mark.parametrize("scheme", of_each_mechanism(reversed(SCHEMES)))
def test_a_symmetrised_step_of_a_linear_network_is_minus_the_gradient_of_both(scheme: str) -> None:
    circuit = build(scheme, "identity", {"bias": False}, update_forward=True, feedback_learning_rate=0.1)
    plain = build(scheme, "identity", {"bias": False}, feedback_learning_rate=0.1)
    if scheme != "symmetric_alignment":
        options = {"update_forward": True, "centring": "none", "source": "noise", "feedback_learning_rate": 0.1}
        circuit = build(scheme, "identity", {"bias": False}, **options)
        plain = build(scheme, "identity", {"bias": False}, **{**options, "update_forward": False})
    state = initial_state(circuit, 1)
    both, alone = change(circuit, state), change(plain, {name: state[name] for name in initial_state(plain, 1)})
    np.testing.assert_allclose(both["B1.w"], alone["B1.w"], rtol=1e-12)
    np.testing.assert_allclose(both["W1.w"], alone["W1.w"], rtol=1e-12)
    assert not circuit.local
    config = registry.load("schemes", scheme).Config()
    c = {name: getattr(config, name, 0.0) for name in FEEDBACK}
    w, b = state["W2.w"], state["B1.w"]
    xx = np.zeros((SIZES[0], SIZES[0]))
    if scheme != "symmetric_alignment":
        (x,) = presented(circuit, state, 20, "mirror", "hidden1.mirror_sent")
        xx = x.T @ x / len(x)
    expected = (
        c["amp"] * b.T @ xx - c["null"] * b.T @ b @ w @ xx - c["decay"] * w - c["sparse"] * w @ xx + c["self"] * b.T
    )
    np.testing.assert_allclose(both["W2.w"] - alone["W2.w"], 0.1 * expected, rtol=1e-9, atol=1e-12)


# Means


@pytest.mark.parametrize("scheme", ["weight_mirror", pytest.param("information_alignment", marks=pytest.mark.slow)])
def test_centring_takes_the_mean_answer_out_of_the_estimate(scheme: str) -> None:
    angles = {}
    for centring in ("none", "running", "batch"):
        circuit = build(scheme, "sigmoid", centring=centring, feedback_learning_rate=0.01, noise_sd=0.5)
        state = still(initial_state(circuit, 1))
        order = np.tile(np.arange(32), (1000, 1))
        after, _ = BatchedEngine(circuit, SETTING).train(state, stimuli(32), order, seed=1, first=0)
        angles[centring] = matrix_angle.measure(after["B1.w"].ravel(), state["W2.w"].T.ravel())
    assert angles["running"] < 0.6 * angles["none"]
    assert angles["running"] == pytest.approx(angles["batch"], abs=2)


def test_the_running_mean_is_a_weight_that_follows_the_answer() -> None:
    circuit = build("weight_mirror", centring_rate=0.25)
    state = still(initial_state(circuit, 1))
    (answers,) = presented(circuit, state, 20, "mirror", "hidden2.r")
    assert change(circuit, state)["My1.w"][:, 0] == pytest.approx(0.25 * answers.mean(axis=0), rel=1e-12)
    assert circuit.local
    assert not build("weight_mirror", centring="batch").local


def test_batch_centred_has_one_rule_for_each_sum() -> None:
    assert batch_centred("amp", "decay") is batch_centred("amp", "decay")
    assert batch_centred("amp", "decay") != batch_centred("amp", "null", "decay")


# Noise and phases


@pytest.mark.parametrize("law", ["normal", "uniform"])
def test_the_law_of_the_noise(law: str) -> None:
    circuit = build("weight_mirror", noise_law=law, noise_sd=0.3)
    (sent,) = presented(circuit, initial_state(circuit, 1), 20_000, "mirror", "hidden1.mirror_sent")
    assert np.std(sent) == pytest.approx(0.3, rel=0.01)
    assert np.max(np.abs(sent)) < 0.3 * 3**0.5 or law == "normal"
    if law == "uniform":
        # All tenths of the interval are as likely.
        counts, _ = np.histogram(sent, 10, (-0.3 * 3**0.5, 0.3 * 3**0.5))
        assert np.all(np.abs(counts / sent.size - 0.1) < 4.5 * (0.09 / sent.size) ** 0.5)
    assert np.max(np.abs(np.corrcoef(sent.T) - np.eye(SIZES[0]))) < 4.5 / 20_000**0.5


def test_private_noise_goes_no_further_than_the_next_layer() -> None:
    for reach in ("private", "propagating"):
        circuit = build("weight_mirror", noise_reach=reach)
        state = initial_state(circuit, 1)
        mirror = "mirror"
        below, sent = presented(circuit, state, 5000, mirror, "hidden1.mirror_sent", "hidden2.mirror_sent")
        correlation = np.corrcoef(np.tanh(below @ state["W2.w"].T + state["b2.w"].T).T, sent.T)[:5, 5:]
        reached = np.max(np.abs(np.diag(correlation)))
        assert (reached > 0.3) == (reach == "propagating")


@pytest.mark.parametrize(("turns", "names"), [("together", 1), ("one_by_one", 3), ("even_odd", 2)])
def test_layers_take_turns(turns: str, names: int) -> None:
    circuit = build("weight_mirror", network={"hidden": (6, 5, 4)}, turns=turns)
    assert len(circuit.phases) == 1 + names
    learned = [{name for name in phase.learn if name[0] == "B"} for phase in circuit.phases[1:]]
    assert sorted(name for names in learned for name in names) == ["B1", "B2", "B3"]
    if turns == "together":
        return
    state = initial_state(circuit, 1)
    for phase, loops in zip(circuit.phases[1:], learned, strict=True):
        for layer in (1, 2, 3):
            (sent,) = presented(circuit, state, 5, phase.name, f"hidden{layer}.mirror_sent")
            assert np.any(sent) == (f"B{layer}" in loops)


def test_no_stimulus_gets_through_to_a_mirror_phase() -> None:
    circuit = build("weight_mirror", noise_reach="propagating")
    state = initial_state(circuit, 1)
    found = []
    for scale in (1.0, 5.0):
        given = {name: scale * array for name, array in stimuli(4).items()}
        found.append(BatchedEngine(circuit, SETTING).run(state, given, seed=2)[0]["B1.w"])
    np.testing.assert_array_equal(*found)


def test_forward_weights_learn_from_the_engaged_phase_alone() -> None:
    mirror, plain = build("weight_mirror"), build("feedback_alignment")
    state = initial_state(mirror, 1)
    reference = {name: state[name] for name in initial_state(plain, 1)}
    for name in ("W1.w", "W3.w", "b2.w"):
        np.testing.assert_allclose(change(mirror, state)[name], change(plain, reference)[name], rtol=1e-12)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_is_local_is_read_from_the_circuit(scheme: str) -> None:
    assert build(scheme).local == (scheme in ("weight_mirror", "information_alignment"))


def test_feedback_to_the_input_learns_and_changes_nothing_else() -> None:
    plain, more = build("weight_mirror"), build("weight_mirror", network={"feedback_to_input": True})
    state = initial_state(more, 1)
    found, reference = change(more, state), change(plain, {n: state[n] for n in initial_state(plain, 1)})
    assert np.any(found["B0.w"])
    for name in reference:
        np.testing.assert_allclose(found[name], reference[name], rtol=1e-12)


def test_one_gate_for_a_rule_of_both_phases() -> None:
    with pytest.raises(ValidationError, match="expected 1 and 1"):
        build("weight_mirror", update_forward=True, mirror_every=2)


@pytest.mark.slow
def test_b_after_200_mirror_steps_with_held_noise_on_both_engines() -> None:
    circuit = build("information_alignment", duration="5 ms", mirror_duration="5 ms")
    state = still(initial_state(circuit, 1))
    order = np.tile(np.arange(2), (200, 1))
    setting = Setting("rate", 1e-3, "float64")
    ours, _ = BatchedEngine(circuit, setting).train(state, stimuli(2), order, seed=4, first=0)
    theirs, _ = BrianEngine(circuit, setting).train(state, stimuli(2), order, seed=4, first=0)
    for name in ("B1.w", "B2.w", "My1.w"):
        assert np.max(np.abs(ours[name] - theirs[name])) <= 1e-9 * np.max(np.abs(theirs[name]))
        assert np.max(np.abs(ours[name] - state[name])) > 0.1 * np.max(np.abs(theirs[name]))
