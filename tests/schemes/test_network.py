"""The layered network: one neuron a layer, noise on the input, noise while learning."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pydantic
import pytest

from neurosim import registry
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.networks import Part
from neurosim.networks.layered import Config as Network
from tests.default_run import of_each_mechanism

TASK = SimpleNamespace(n_inputs=3, n_outputs=2)
STEADY = Setting("steady", dtype="float64")


def neuron(activation: str, sigma: float = 0.1) -> Part:
    return Part.model_validate({"kind": "leaky_rate", "activation": activation, "sigma": sigma})


def build(scheme: str, network: Network, **settings):
    module = registry.load("schemes", scheme)
    return module.build(module.Config(**settings), network, TASK)


def stimuli(trials: int = 6) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    return {"input.r": generator.random((trials, 3)), "output.target": generator.random((trials, 2))}


def test_each_layer_has_its_own_neuron() -> None:
    layers = {"tanh": np.tanh, "identity": lambda v: v, "relu": lambda v: np.maximum(v, 0)}
    network = Network(
        hidden=(5, 4, 5), neuron=tuple(neuron(name) for name in layers), readout="squared_error", bias_law="constant",
        bias_weights=0.1,
    )  # fmt: skip
    circuit = build("backpropagation", network)
    state, given = initial_state(circuit, 0), stimuli()
    _, outputs = BatchedEngine(circuit, STEADY).run(state, given, report=["output.r"], learn=False)
    activity = given["input.r"]
    for number, function in enumerate([*layers.values(), lambda v: v], start=1):
        activity = function(activity @ state[f"W{number}.w"].T + 0.1)
    np.testing.assert_allclose(outputs.ends["clean"]["output.r"], activity, rtol=1e-12)


def test_biases_can_be_drawn_as_one_more_weight() -> None:
    network = Network(
        hidden=(4000, 1), neuron=neuron("tanh"), readout="squared_error", bias_law="as_weights", weights=3.0
    )
    state = initial_state(build("backpropagation", network), 0)
    # Three inputs and the bias: 3/sqrt(4) and, for the layer above, 3/sqrt(4001).
    assert np.std(state["b1.w"]) == pytest.approx(1.5, rel=0.05)
    assert abs(state["b2.w"]) < 5 * 3 / 4001**0.5


def test_as_many_neurons_as_layers() -> None:
    with pytest.raises(pydantic.ValidationError, match="got 1 neurons for 2 hidden layers"):
        Network(hidden=(5, 4), neuron=(neuron("tanh"),))


@pytest.mark.parametrize("scheme", of_each_mechanism(["backpropagation", "feedback_alignment", "kolen_pollack"]))
def test_learning_with_noise_sees_the_noise_and_evaluation_does_not(scheme: str) -> None:
    network = Network(hidden=(5, 4), neuron=neuron("tanh", 0.3), readout="squared_error", input_noise=0.2)
    circuit, given = build(scheme, network, noise=True), stimuli()
    engine, state = BatchedEngine(circuit, STEADY), initial_state(build(scheme, network), 0)
    noise = {"noisy": {f"{p.name}.noise": np.zeros((6, p.size)) for p in circuit.populations if p.noise}}
    assert set(noise["noisy"]) == {"input.noise", "hidden1.noise", "hidden2.noise"}
    state |= {name: a for name, a in initial_state(circuit, 0).items() if name not in state}
    quiet, _ = engine.run(state, given, noise=noise)
    noisy, outputs = engine.run(state, given, report=["output.r"], seed=1)
    plain, expected = BatchedEngine(build(scheme, network), STEADY).run(
        {n: state[n] for n in initial_state(build(scheme, network), 0)}, given, report=["output.r"]
    )
    np.testing.assert_array_equal(outputs.ends["clean"]["output.r"], expected.ends["clean"]["output.r"])
    np.testing.assert_allclose(quiet["W1.w"], plain["W1.w"], rtol=1e-12)
    assert np.abs(noisy["W1.w"] - plain["W1.w"]).max() > 1e-3 * np.abs(plain["W1.w"] - state["W1.w"]).max()
