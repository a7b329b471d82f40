"""What tests of layered networks share: small circuits of every scheme, and what both engines have to agree on."""

from __future__ import annotations

import tomllib
from types import SimpleNamespace
from typing import Any

import numpy as np

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.gradients.true_gradient import true_gradients
from neurosim.model_files.model_file import Model, load
from neurosim.networks.layered import Config as Network
from tests.default_run import LAYERED

N_OUTPUTS = 3
TASK = SimpleNamespace(n_inputs=40, n_outputs=N_OUTPUTS, image=(5, 4, 2))
STEADY, RATE = Setting("steady", dtype="float64"), Setting("rate", 1e-3, "float64")


def build(scheme: str, hidden: Any, network: dict[str, Any] | None = None, **settings: Any) -> Circuit:
    module = registry.load("schemes", scheme)
    durations = {field: "12 ms" for field in module.Config.model_fields if field.endswith("duration")}
    made = Network(**{"hidden": hidden, "bias_weights": 0.2, **(network or {})})
    return module.build(module.Config(**durations, **settings), made, TASK)


def stimuli(trials: int = 4) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(5)
    targets = np.eye(N_OUTPUTS)[generator.integers(0, N_OUTPUTS, trials)]
    return {"input.r": generator.standard_normal((trials, TASK.n_inputs)), "output.target": targets}


def sections(**network: Any) -> dict[str, Any]:
    """A model file of backpropagation on the digits."""
    return {
        "task": {"kind": "digits"}, "scheme": {"kind": "backpropagation"}, "network": network,
        "engine": {"kind": "batched", "level": "steady"},
    }  # fmt: skip


def written_again(model: Model) -> dict[str, Any]:
    """A model's sections as its text has them; they are the same model."""
    written = tomllib.loads(str(model))
    assert load(written).hash == model.hash
    return written


def variants() -> list[tuple[str, dict[str, Any]]]:
    """Every scheme, with each topology it has."""
    found = []
    for name in LAYERED:
        direct = "topology" in registry.load("schemes", name).Config.model_fields
        found += [(name, {}), *([(name, {"topology": "direct"})] if direct else [])]
    return found


def after_learning(circuit: Circuit, setting: Setting = RATE) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The state before and after learning; what learned has changed, by finite numbers."""
    state = initial_state(circuit, 0)
    engine = BatchedEngine(circuit, setting)
    after, _ = engine.run(state, stimuli())
    # Twice: before its first update sign symmetry sends every neuron the sum of the errors, which is zero.
    after, _ = engine.run(after, stimuli(), first=4)
    for name in {name for phase in circuit.phases for name in phase.learn}:
        assert np.all(np.isfinite(after[f"{name}.w"])), name
        # Running means of a mirror are those of silent layers before anything was learned.
        assert np.any(after[f"{name}.w"] != state[f"{name}.w"]) or name[0] == "M", name
    return state, after


def follows_the_gradient(hidden: Any, network: dict[str, Any] | None = None) -> Circuit:
    """Backpropagation in a network: signals, and increments of all that learns, are the gradient to 1e-9."""
    circuit, given = build("backpropagation", hidden, network, learning_rate=0.1), stimuli()
    state = initial_state(circuit, 0)
    truth = true_gradients(circuit, STEADY, state, given)
    layers = [f"hidden{number}" for number in range(1, len(hidden) + 1)]
    signals = [f"{layer}.{circuit.population[layer].neuron.ports['signal']}" for layer in layers]
    after, outputs = BatchedEngine(circuit, STEADY).run(state, given, report=signals)
    for layer, signal in zip(layers, signals, strict=True):
        # Errors are the gradient of the loss, which learning descends.
        np.testing.assert_allclose(outputs.ends["clean"][signal], truth.sites[layer], rtol=1e-9, atol=1e-12)
    for name in circuit.phases[0].learn:
        change = after[f"{name}.w"] - state[f"{name}.w"]
        np.testing.assert_allclose(change, -0.1 * truth.weights[f"{name}.w"], rtol=1e-9, atol=1e-12, err_msg=name)
    return circuit


def same_on_both_engines(circuit: Circuit, setting: Setting = RATE) -> tuple[dict[str, Any], dict[str, Any]]:
    """The state before and after ten presentations, two a batch, which are the same on either engine to 1e-9."""
    given, state = stimuli(10), initial_state(circuit, 0)
    expected, _ = BrianEngine(circuit, setting).run(state, given, seed=3, batch=2)
    got = state
    for number in range(0, 10, 2):
        batch = {name: array[number : number + 2] for name, array in given.items()}
        got, _ = BatchedEngine(circuit, setting).run(got, batch, seed=3, first=number)
    for name, array in expected.items():
        scale = np.max(np.abs(array), initial=0)
        np.testing.assert_allclose(got[name], array, rtol=1e-9, atol=1e-9 * scale, err_msg=name)
    return state, got
