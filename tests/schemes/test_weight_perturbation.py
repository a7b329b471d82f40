"""Noise on weights: what it adds, who draws it, and what learning from it gives on average."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population, Tie, hold
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.errors import CircuitError
from neurosim.gradients.true_gradient import true_gradients
from neurosim.networks.layered import Config as Network
from neurosim.neurons._model import NeuronModel
from neurosim.random import held_normal, key_words
from neurosim.rules._rule import Rule

STEADY, RATE = Setting("steady", dtype="float64"), Setting("rate", 1e-3, "float64")
RULE = registry.load("rules", "weight_perturbation").RULE
SQUARED = registry.load("readouts", "squared_error").READOUT
LINEAR = NeuronModel("y_out = drive : 1\ndrive : 1", name="linear")
INPUT = NeuronModel("r : 1", name="input")


def one_layer(sigma: float = 0.05, n_inputs: int = 3, n_outputs: int = 2) -> Circuit:
    """A linear layer of weights, all of which are perturbed."""
    return Circuit(
        "linear",
        (Population("input", n_inputs, INPUT), Population("output", n_outputs, LINEAR)),
        (Pathway("W", "input.r", "output.drive", rule=RULE, parameters={"learning_rate": 1.0}, sigma=sigma),),
        (
            Phase("clean", "1 ms", hold=tuple(hold(f"output.{n}_held = {t}") for n, t in SQUARED.held.items())),
            Phase("perturbed", "1 ms", {"perturb": 1.0}, draw_noise=True, learn=("W",)),
        ),
        SQUARED,
        "output.y_out",
    )


def repeated(count: int, n_inputs: int = 3, n_outputs: int = 2) -> dict[str, np.ndarray]:
    """One example, shown many times."""
    generator = np.random.default_rng(3)
    x, target = generator.standard_normal(n_inputs), generator.standard_normal(n_outputs)
    return {"input.r": np.tile(x, (count, 1)), "output.target": np.tile(target, (count, 1))}


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.ravel(a) @ np.ravel(b) / np.linalg.norm(a) / np.linalg.norm(b))


def test_a_linear_layer_learns_minus_the_gradient_on_average() -> None:
    """Exactly, at any sigma: the loss is quadratic, and odd moments of the noise vanish.

    The variance at each weight is g^2 + G^2, G the norm of the whole gradient, and a term of the curvature H, as
    for noise on neurons: sigma^2/4 (tr(H)^2 + 2 |H|^2 + 4 H_kk tr(H) + 8 (H^2)_kk); here H = 1 x x^T.
    """
    sigma, count, circuit = 0.3, 200_000, one_layer(0.3)
    state, given = initial_state(circuit, 1), repeated(count)
    after, _ = BatchedEngine(circuit, STEADY).run(state, given, seed=6)
    x, error = given["input.r"][0], state["W.w"] @ given["input.r"][0] - given["output.target"][0]
    gradient = np.outer(error, x)
    np.testing.assert_allclose(true_gradients(circuit, STEADY, state, repeated(1)).weights["W.w"], gradient, rtol=1e-12)
    power, own = x @ x, np.tile(x**2, (2, 1))
    trace, squares = 2 * power, 2 * power**2
    curved = trace**2 + 2 * squares + 4 * own * trace + 8 * own * power
    variance = gradient**2 + np.sum(gradient**2) + sigma**2 / 4 * curved
    deviation = (after["W.w"] - state["W.w"] + gradient) / np.sqrt(variance / count)
    assert np.max(np.abs(deviation)) < 4.5
    # Independent of each other but for the products of the gradient, so their mean square is about one.
    assert 0.1 < np.mean(deviation**2) < 3


def test_few_draws_point_as_far_from_the_gradient_as_there_are_weights() -> None:
    """The mean of T draws over n weights errs by (n + 1)/T of the squared gradient, in a small sigma."""
    n_inputs, n_outputs, draws, blocks = 12, 8, 200, 60
    circuit = one_layer(1e-3, n_inputs, n_outputs)
    state, engine = initial_state(circuit, 1), BatchedEngine(circuit, STEADY)
    given = repeated(draws, n_inputs, n_outputs)
    gradient = true_gradients(circuit, STEADY, state, given).weights["W.w"]
    found = [
        cosine(engine.run(state, given, seed=2, first=block * draws)[0]["W.w"] - state["W.w"], -gradient)
        for block in range(blocks)
    ]
    expected = 1 / np.sqrt(1 + (n_inputs * n_outputs + 1) / draws)
    assert np.mean(found) == pytest.approx(expected, abs=4 * np.std(found) / np.sqrt(blocks))


def test_is_a_poorer_guide_than_noise_on_neurons() -> None:
    """At equal draws, for every layer's weights."""
    network = Network(hidden=(12, 8), readout="squared_error")
    task, found = SimpleNamespace(n_inputs=10, n_outputs=3), {}
    for name in ("weight_perturbation", "node_perturbation_only"):
        module = registry.load("schemes", name)
        circuit = module.build(module.Config(learning_rate=1.0), network, task)
        state, given = initial_state(circuit, 1), repeated(400, 10, 3)
        gradient, engine = true_gradients(circuit, STEADY, state, given).weights, BatchedEngine(circuit, STEADY)
        runs = [engine.run(state, given, seed=4, first=400 * block)[0] for block in range(20)]
        found[name] = {
            weights: np.mean([cosine(after[weights] - state[weights], -gradient[weights]) for after in runs])
            for weights in ("W1.w", "W2.w", "W3.w")
        }
    for weights, value in found["weight_perturbation"].items():
        assert 0 < value < found["node_perturbation_only"][weights]


@pytest.mark.parametrize("kind", [BatchedEngine, BrianEngine], ids=["batched", "brian"])
def test_perturbed_weights_deliver_what_such_weights_would(kind: Any) -> None:
    circuit, given = one_layer(0.05), repeated(2)
    state = initial_state(circuit, 1)
    noise = np.random.default_rng(0).standard_normal((2, 2, 3))
    engine = kind(circuit, RATE)
    after, outputs = engine.run(
        state, given, noise={"perturbed": {"W.noise": noise}}, report=("output.y", "loss", "loss_change")
    )
    ends, x = outputs.ends, given["input.r"][0]
    for trial in range(2):
        expected = (state["W.w"] + 0.05 * noise[trial]) @ x
        np.testing.assert_allclose(ends["perturbed"]["output.y"][trial], expected, rtol=1e-12)
    np.testing.assert_allclose(ends["clean"]["output.y"], given["input.r"] @ state["W.w"].T, rtol=1e-12)
    change = (ends["perturbed"]["loss"] - ends["clean"]["loss"])[:, 0]
    wanted = state["W.w"] - np.mean(change[:, None, None] * noise, axis=0) / 0.05
    np.testing.assert_allclose(after["W.w"], wanted, rtol=1e-9)


def test_noise_is_each_trials_own_whatever_the_batch() -> None:
    """A batch learns the mean of what its trials would learn alone: no trial's loss meets another's noise."""
    circuit, engine = one_layer(), BatchedEngine(one_layer(), STEADY)
    state, given = initial_state(circuit, 1), repeated(6)
    together = engine.run(state, given, seed=8, first=40)[0]["W.w"]
    alone = [engine.run(state, {n: a[[i]] for n, a in given.items()}, seed=8, first=40 + i)[0]["W.w"] for i in range(6)]
    np.testing.assert_allclose(together, np.mean(alone, axis=0), rtol=1e-12)
    assert np.ptp(alone, axis=0).min() > 1e-3
    key = key_words(8, "noise on weights", "perturbed", "W")
    drawn = np.asarray(held_normal(key, 40 + np.arange(6), 6), dtype=np.float64).reshape(6, 2, 3)
    given_by_hand = engine.run(state, given, noise={"perturbed": {"W.noise": drawn}})[0]["W.w"]
    np.testing.assert_array_equal(given_by_hand, together)


@pytest.mark.parametrize(
    ("spiking", "connectivity"),
    [
        (False, "one_to_one"),
        (True, "dense"),
        pytest.param(False, "dense", marks=pytest.mark.slow),
        pytest.param(True, "one_to_one", marks=pytest.mark.slow),
    ],
)
def test_both_engines_perturb_every_kind_of_pathway(connectivity: Any, spiking: bool) -> None:
    """Also through a pathway that uses the same weights backwards, and at spikes."""
    fire: dict[str, Any] = {"threshold": "v > 0.5", "reset": "v = 0"} if spiking else {}
    neuron = NeuronModel(
        "dv/dt = (drive + back + noise - v)/tau : 1\ndrive : 1\nback : 1\nnoise : 1", parameters={"tau": "5 ms"}, **fire
    )
    hebb = Rule("w += 0.01*noise*v_post/sigma", name="hebb")
    circuit = Circuit(
        "kinds",
        (Population("a", 3, neuron), Population("b", 3, neuron)),
        (
            Pathway(
                "W",
                "a.spikes" if spiking else "a.v",
                "b.v" if spiking else "b.drive",
                rule=hebb,
                connectivity=connectivity,
                sigma=0.4,
            ),
            *(() if connectivity == "one_to_one" else (Pathway("T", "b.v", "a.back", tie=Tie("W", transposed=True)),)),
        ),
        (
            Phase("before", "3 ms"),
            Phase("noisy", "8 ms", {"perturb": 0.5}, draw_noise=True, learn=("W",)),
            Phase("after", "2 ms", learn=("W",)),
        ),
    )
    given = {"a.noise": np.random.default_rng(2).uniform(0.5, 3, (4, 3))}
    state, record = initial_state(circuit, 1), ("a.v", "b.v")
    ours, our_outputs = BatchedEngine(circuit, RATE).run(state, given, record=record, seed=1, first=3)
    theirs, their_outputs = BrianEngine(circuit, RATE).run(state, given, record=record, seed=1, first=3)
    for name in record:
        np.testing.assert_allclose(our_outputs.recordings[name], their_outputs.recordings[name], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ours["W.w"], theirs["W.w"], rtol=1e-9)
    assert np.any(theirs["W.w"] != state["W.w"])
    quiet = BatchedEngine(circuit, RATE).run(state | {"W.sigma": np.zeros(())}, given, record=record, learn=False)[1]
    assert np.abs(quiet.recordings["b.v"] - our_outputs.recordings["b.v"])[3:].max() > 1e-3


def test_is_printed_and_held_in_the_state() -> None:
    circuit = one_layer(0.05)
    assert "noise 0.05  rule weight_perturbation" in str(circuit)
    assert initial_state(circuit, 0)["W.sigma"] == 0.05
    assert circuit.local


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"sigma": 0.0}, "the noise on its weights has sigma = 0; expected a positive number"),
        ({"sigma": None}, "switch 'perturb', which is no shared parameter"),
        (
            {"rule": Rule("w += sigma*r_pre", parameters={"sigma": 1.0}), "parameters": {}},
            "'sigma' of the rule 'rule' is also a name of the noise on its weights",
        ),
        ({"rule": Rule(), "parameters": {}, "tie": Tie("W")}, "put the noise on those of 'W'"),
    ],
)
def test_what_does_not_fit_is_said(change: dict[str, Any], fault: str) -> None:
    circuit = one_layer()
    changed = replace(circuit.pathways[0], **{**change, **({"name": "V"} if "tie" in change else {})})
    pathways = (*(circuit.pathways if "tie" in change else ()), changed)
    with pytest.raises(CircuitError, match=fault):
        replace(circuit, pathways=pathways)
