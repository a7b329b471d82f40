"""Neurons left out of a presentation: the same ones in all its phases and on both engines, none in evaluation."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pydantic
import pytest

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import State, initial_state
from neurosim.errors import CircuitError
from neurosim.gradients.alignment import alignment
from neurosim.networks.layered import Config as Network
from neurosim.tasks._task import Split
from neurosim.training.evaluation import evaluate
from tests.default_run import LAYERED, of_each_mechanism

TASK = SimpleNamespace(n_inputs=6, n_outputs=3)
STEADY, RATE = Setting("steady", dtype="float64"), Setting("rate", 1e-3, "float64")
SIZES = {"hidden1": 8, "hidden2": 7}


def build(scheme: str, dropout: float = 0.4, **settings: Any) -> Circuit:
    module = registry.load("schemes", scheme)
    durations = {field: "12 ms" for field in module.Config.model_fields if field.endswith("duration")}
    part = {"kind": "leaky_rate", "tau_m": "5 ms", "tau_a": "2 ms", "dropout": dropout}
    network = Network.model_validate({"hidden": tuple(SIZES.values()), "neuron": part, "bias_weights": 0.2})
    return module.build(module.Config(**durations, **settings), network, TASK)


def stimuli(trials: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(5)
    targets = np.eye(3)[generator.integers(0, 3, trials)]
    return {"input.r": generator.standard_normal((trials, 6)), "output.target": targets}


def shares(circuit: Circuit, trials: int, **keys: Any) -> dict[str, dict[str, np.ndarray]]:
    """Of each phase, by layer, what rates are multiplied with."""
    asked = [f"{layer}.share" for layer in SIZES]
    _, outputs = BatchedEngine(circuit, STEADY).run(
        initial_state(circuit, 0), stimuli(trials), report=asked, learn=False, **keys
    )
    return {phase: {layer: ends[f"{layer}.share"] for layer in SIZES} for phase, ends in outputs.ends.items()}


def test_the_same_neurons_are_left_out_in_all_phases_of_a_presentation() -> None:
    found = shares(build("node_perturbation"), 50, seed=3)
    assert list(found) == ["clean", "perturbed"]
    for layer in SIZES:
        np.testing.assert_array_equal(found["clean"][layer], found["perturbed"][layer])
        # And others in other presentations, and in the other layer.
        assert len(np.unique(found["clean"][layer], axis=0)) > 25
    assert np.any(found["clean"]["hidden1"][:, :7] != found["clean"]["hidden2"])
    later = shares(build("node_perturbation"), 20, seed=3, first=30)["clean"]
    np.testing.assert_array_equal(found["clean"]["hidden1"][30:], [*later["hidden1"]])
    assert np.any(shares(build("node_perturbation"), 50, seed=4)["clean"]["hidden1"] != found["clean"]["hidden1"])


def test_those_that_stay_make_up_for_those_that_do_not() -> None:
    trials = 20_000
    found = shares(build("backpropagation"), trials, seed=0)["clean"]["hidden1"]
    np.testing.assert_allclose(np.unique(found), [0.0, 1 / 0.6], rtol=1e-12)
    # Four standard errors of a mean of independent draws.
    error = 4 * np.sqrt(0.4 / 0.6 / found.size)
    assert abs(found.mean() - 1) < error
    assert np.max(np.abs(found.mean(axis=0) - 1)) < error * np.sqrt(8)


def test_evaluation_leaves_nobody_out() -> None:
    circuit, whole = build("node_perturbation"), build("node_perturbation", dropout=0.0)
    state, given = initial_state(circuit, 0), stimuli(30)
    split = Split(given["input.r"], given["output.target"], given["output.target"].argmax(axis=1))
    assert evaluate(BatchedEngine(circuit, STEADY), state, split) == evaluate(
        BatchedEngine(whole, STEADY), initial_state(whole, 0), split
    )
    measured, expected = (alignment(each, STEADY, state, given, seed=0) for each in (circuit, whole))
    for layer in SIZES:
        # The update is what is learned, by those that are not left out.
        numbers = {name: value for name, value in expected[layer].items() if name != "update_angle_deg"}
        assert {name: measured[layer][name] for name in numbers} == pytest.approx(numbers, rel=1e-9, nan_ok=True)


@pytest.mark.parametrize(
    ("scheme", "settings"),
    [
        pytest.param("backpropagation", {}, marks=pytest.mark.slow),
        ("node_perturbation", {"topology": "direct"}),
        pytest.param("weight_mirror", {}, marks=pytest.mark.slow),
    ],
)
def test_both_engines_have_the_same_weights_after_ten_presentations(scheme: str, settings: dict[str, Any]) -> None:
    circuit, given = build(scheme, **settings), stimuli(10)
    state = initial_state(circuit, 0)
    expected, _ = BrianEngine(circuit, RATE).run(state, given, seed=3, batch=2)
    got: State = state
    for number in range(0, 10, 2):
        part = {name: array[number : number + 2] for name, array in given.items()}
        got, _ = BatchedEngine(circuit, RATE).run(got, part, seed=3, first=number)
    for name, array in expected.items():
        np.testing.assert_allclose(
            got[name], array, rtol=1e-9, atol=1e-9 * np.max(np.abs(array), initial=0), err_msg=name
        )


def test_backpropagation_takes_the_gradient_of_the_network_that_is_left() -> None:
    circuit, given = build("backpropagation", learning_rate=1.0), stimuli(5)
    state = initial_state(circuit, 0)
    found = shares(circuit, 5, seed=3)["clean"]
    after, _ = BatchedEngine(circuit, STEADY).run(state, given, seed=3)
    names = [f"{kind}{number}.w" for number in (1, 2, 3) for kind in "Wb"]

    def loss(weights: dict[str, Any]) -> Any:
        rates = given["input.r"]
        for number, share in enumerate((found["hidden1"], found["hidden2"], None), start=1):
            rates = rates @ weights[f"W{number}.w"].T + weights[f"b{number}.w"][:, 0]
            rates = rates if share is None else jnp.tanh(rates) * share
        return -jnp.mean(jnp.sum(given["output.target"] * jax.nn.log_softmax(rates), axis=1))

    with jax.enable_x64(True):
        gradients = jax.grad(loss)({name: jnp.asarray(state[name]) for name in names})
    for name in names:
        np.testing.assert_allclose(after[name] - state[name], -gradients[name], atol=1e-12, err_msg=name)


@pytest.mark.parametrize("scheme", of_each_mechanism(reversed(LAYERED)))
def test_every_scheme_learns_with_some_of_its_neurons(scheme: str) -> None:
    circuit = build(scheme)
    assert [population.lots for population in circuit.populations if population.name in SIZES] == [("lot",)] * 2
    state = initial_state(circuit, 0)
    after, _ = BatchedEngine(circuit, RATE).run(state, stimuli(4))
    changed = {
        name for phase in circuit.phases for name in phase.learn if np.any(after[f"{name}.w"] != state[f"{name}.w"])
    }
    assert "W3" in changed and all(np.isfinite(after[f"{name}.w"]).all() for name in changed)


def test_a_lot_that_the_neuron_does_not_have() -> None:
    circuit = build("backpropagation", dropout=0.0)
    with pytest.raises(CircuitError, match="population 'hidden1' sets 'lot'"):
        replace(
            circuit, populations=tuple(replace(p, lots=("lot",) * (p.name == "hidden1")) for p in circuit.populations)
        )


def test_a_chance_that_is_none() -> None:
    for chance in (1.0, -0.1):
        with pytest.raises(pydantic.ValidationError, match="dropout"):
            build("backpropagation", dropout=chance)
