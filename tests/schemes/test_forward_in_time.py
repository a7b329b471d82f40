"""Gradients carried forward in time: whole, and as a sample of rank one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.state import initial_state
from neurosim.errors import ConfigError
from neurosim.networks import Part, recurrent
from tests.schemes import in_time

SIZE, STEPS, A, MANY = 12, 20, 0.2, 4000
RATE: dict[str, Any] = {"kind": "leaky_rate", "tau_m": "5 ms"}
LINEAR = Part.model_validate({"kind": "leaky_rate", "activation": "identity", "tau_m": "4 ms"})


def built(scheme: str, settings: dict[str, Any] | None = None, steps: int = STEPS, **network: Any) -> Circuit:
    module, task = (
        registry.load("schemes", scheme),
        SimpleNamespace(n_inputs=3, n_outputs=2, steps=steps, dt=in_time.DT),
    )
    given = {"hidden": (SIZE,), "neuron": RATE, "gain": 1.2, "initial": 0.3, "bias_weights": 0.3, **network}
    given["neuron"] = Part.model_validate(given["neuron"])
    config = module.Config(**{"learning_rate": 1.0, **(settings or {})})
    return module.build(config, recurrent.Config.model_validate(given), task)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.sum(a * b) / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize(
    "network",
    [
        {"hidden": (5,), "autapses": False},
        {"hidden": (4, 3), "readout_from": "all", "output_neuron": LINEAR, "connection_probability": 0.6},
    ],
)
def test_both_engines_throw_the_same_coins(network: dict[str, Any]) -> None:
    circuit = built("uoro", {"input_learning_rate": 0.5}, in_time.STEPS, **network)
    assert not circuit.pathway["R1"].synapse.local
    given = in_time.trials()
    (batched, _), (brian, _) = (in_time.changes(circuit, given, engine)[1:] for engine in (BatchedEngine, BrianEngine))
    for name in circuit.phases[0].learn:
        np.testing.assert_allclose(batched[name], brian[name], rtol=1e-9, atol=1e-13, err_msg=name)
        assert np.abs(batched[name]).max() > 1e-6, name


@pytest.mark.parametrize("kind", ["leaky_rate", "low_passed_rate"])
def test_the_mean_of_samples_is_the_gradient_through_time(kind: str) -> None:
    circuit = built("uoro", autapses=True, neuron={**RATE, "kind": kind})
    one = {name: array[:1] for name, array in in_time.trials(STEPS).items()}
    state = initial_state(circuit, 0)
    start = state["hidden1.v" if kind == "leaky_rate" else "hidden1.r"]
    exact = in_time.rate_loss(start, A, truncated=False, on_rate=kind != "leaky_rate")
    _, slopes = in_time.gradients(exact, in_time.matrices(circuit, state), one)
    engine, names = BatchedEngine(circuit, in_time.SETTING), ("R1", "Win1", "b1")
    many = {name: np.repeat(array, MANY, axis=0) for name, array in one.items()}
    after, _ = engine.run(state, in_time.stimuli(many))
    slope = np.concatenate([slopes[name].ravel() for name in names])
    mean = np.concatenate([(state[f"{name}.w"] - after[f"{name}.w"]).ravel() for name in names])
    assert cosine(mean, slope) > 0.99
    assert np.linalg.norm(mean) == pytest.approx(np.linalg.norm(slope), rel=0.15)
    alone = []
    for first in range(60):
        after, _ = engine.run(state, in_time.stimuli(one), first=first)
        draw = np.concatenate([(state[f"{name}.w"] - after[f"{name}.w"]).ravel() for name in names])
        alone.append(cosine(draw, slope))
    assert 0.05 < np.mean(alone) < 0.35


def test_spikes_have_no_rates_to_carry() -> None:
    with pytest.raises(ConfigError, match=r"which spikes.*'eprop'") as refused:
        built("uoro", neuron={"kind": "discrete_lif"}, initial=0.0)
    assert refused.value.faults[0][0] == "network.neuron.kind"


@pytest.mark.parametrize("network", [{}, {"neuron": {**RATE, "kind": "low_passed_rate"}, "output_neuron": LINEAR}])
def test_real_time_recurrent_learning_is_backpropagation_through_time(network: dict[str, Any]) -> None:
    given = in_time.trials()
    settings = {"learning_rate": 0.3, "output_learning_rate": 0.2}
    by_scheme = {
        scheme: in_time.changes(built(scheme, settings, in_time.STEPS, hidden=(6,), **network), given)
        for scheme in ("rtrl", "bptt")
    }
    (_, forward, _), (_, back, _) = by_scheme["rtrl"], by_scheme["bptt"]
    assert forward.keys() == back.keys()
    for name, change in forward.items():
        np.testing.assert_allclose(change, back[name], rtol=1e-9, atol=1e-14, err_msg=name)
        assert np.abs(change).max() > 1e-4, name


def test_what_is_too_large_to_carry_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"at most 32, or scheme\.kind = 'bptt'") as refused:
        built("rtrl", hidden=(33,))
    assert refused.value.faults[0][0] == "network.hidden"
