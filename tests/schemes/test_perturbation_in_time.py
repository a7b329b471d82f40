"""Perturbation through time: alike on both engines, and in the mean the gradient through time."""

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
from neurosim.networks import Part, recurrent
from tests.schemes import in_time

STEPS, A, MANY = 8, 0.2, 20_000
NEURON = Part.model_validate({"kind": "leaky_rate", "tau_m": "5 ms", "sigma": 0.02, "noise_site": "current"})
CASES: list[tuple[str, dict[str, Any]]] = [
    ("node_perturbation_in_time", {}),
    ("node_perturbation_in_time", {"estimate": "episodic"}),
    ("weight_perturbation_in_time", {}),
]


def built(scheme: str, settings: dict[str, Any], **network: Any) -> Circuit:
    module = registry.load("schemes", scheme)
    task = SimpleNamespace(n_inputs=3, n_outputs=2, steps=STEPS, dt=in_time.DT)
    given = {"hidden": (6,), "neuron": NEURON, "gain": 1.2, "initial": 0.3, **network}
    config = module.Config(**{"learning_rate": 1.0, **settings})
    return module.build(config, recurrent.Config.model_validate(given), task)


@pytest.mark.parametrize(("scheme", "settings"), [*CASES, ("node_perturbation_in_time", {"baseline": "running"})])
def test_both_engines_learn_alike(scheme: str, settings: dict[str, Any]) -> None:
    circuit, given = built(scheme, settings), in_time.stimuli(in_time.trials(STEPS))
    twice = {name: np.tile(each.values, (1, len(circuit.phases), 1)) for name, each in given.items()}
    courses = {name: in_time.Stimulus(values, "course") for name, values in twice.items()}
    state = initial_state(circuit, 0)
    batched, brian = (
        engine(circuit, in_time.SETTING).run(state, courses)[0] for engine in (BatchedEngine, BrianEngine)
    )
    for name in circuit.phases[-1].learn:
        change = batched[f"{name}.w"] - state[f"{name}.w"]
        np.testing.assert_allclose(change, brian[f"{name}.w"] - state[f"{name}.w"], rtol=1e-9, atol=1e-13, err_msg=name)
        assert np.abs(change).max() > 1e-6, name


@pytest.mark.parametrize(("scheme", "settings"), CASES)
def test_the_mean_over_noise_is_the_gradient_through_time(scheme: str, settings: dict[str, Any]) -> None:
    circuit, one = built(scheme, settings, autapses=True), in_time.trials(STEPS)
    first = {name: array[:1] for name, array in one.items()}
    repeated = {name: np.repeat(array, MANY, axis=0) for name, array in first.items()}
    courses = {
        name: in_time.Stimulus(np.tile(each.values, (1, len(circuit.phases), 1)), "course")
        for name, each in in_time.stimuli(repeated).items()
    }
    state = initial_state(circuit, 0)
    after, _ = BatchedEngine(circuit, in_time.SETTING).run(state, courses)
    exact = in_time.rate_loss(state["hidden1.v"], A, truncated=False)
    _, slopes = in_time.gradients(exact, in_time.matrices(circuit, state) | {}, first)
    for name in ("R1", "Win1"):
        change, slope = state[f"{name}.w"] - after[f"{name}.w"], slopes[name]
        cosine = np.sum(change * slope) / np.linalg.norm(change) / np.linalg.norm(slope)
        assert cosine > 0.9, (name, cosine)
        assert np.linalg.norm(change) == pytest.approx(np.linalg.norm(slope), rel=0.3), name
