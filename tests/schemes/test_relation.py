"""What schemes declare of their signal and the gradient holds in a linear network, beside forward weights that stay."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from neurosim import registry
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.gradients.alignment import alignment
from neurosim.model_files.model_file import load
from neurosim.networks import Relation
from neurosim.tasks._task import Sizes
from tests.default_run import LAYERED, of_each_mechanism

STEADY = Setting(level="steady", dtype="float64")
HIDDEN = ("hidden1", "hidden2")
# What cannot run at fixed points has tests of its own: loops and learning that never pauses.
TIMED = {
    "continuous_node_perturbation",
    "continuous_weight_mirror",
    "dynamic_inversion",
    "single_loop_dynamic_inversion",
}
# Forward weights that all but stay; rates at which feedback settles within the steps below.
SETTINGS: dict[str, dict[str, Any]] = {
    "node_perturbation": {"feedback_learning_rate": 0.01},
    "vector_response": {"feedback_learning_rate": 0.1},
    "weight_mirror": {"feedback_learning_rate": 0.02},
    "symmetric_alignment": {"feedback_learning_rate": 0.1},
    "activation_alignment": {"feedback_learning_rate": 0.2},
    # Feedback takes the steps of the forward weights, so that only decay brings the two together.
    "kolen_pollack": {"decay": 0.02},
    # What leaks from the loop is missing from the inverse.
    "nondynamic_inversion": {"leak": 0.01},
}


def declared(relation: Relation) -> list[str]:
    return [name for name in LAYERED if registry.load("schemes", name).GRADIENT is relation and name not in TIMED]


def circuit_of(scheme: str, **settings: Any) -> Any:
    linear = {"kind": "leaky_rate", "activation": "identity", "sigma": 0.05}
    network = {"hidden": [6, 5], "neuron": linear, "readout": "squared_error", "bias": False}
    sections = {
        "network": network,
        "scheme": {"kind": scheme, **settings},
        "training": {},
        "engine": {"level": "steady"},
    }
    return load({**sections, "task": {"kind": "teacher_student"}}).build(Sizes(8, 4))


def angles(circuit: Any, state: Any, **settings: Any) -> list[dict[str, float]]:
    found = alignment(circuit, STEADY, state, examples(32, 1), **settings)
    return [found[layer] for layer in HIDDEN if layer in found]


def examples(count: int, seed: int) -> dict[str, np.ndarray]:
    """Inputs, and what a fixed linear network makes of them."""
    inputs = np.random.default_rng(seed).normal(size=(count, 8))
    return {"input.r": inputs, "output.target": inputs @ np.random.default_rng(7).normal(size=(8, 4)) / 2}


def learned(scheme: str, steps: int, **settings: Any) -> tuple[Any, Any]:
    circuit = circuit_of(scheme, **settings)
    order = np.random.default_rng(0).integers(512, size=(steps, 32))
    state, _ = BatchedEngine(circuit, STEADY).train(initial_state(circuit, 0), examples(512, 0), order, seed=0, first=0)
    return circuit, state


@pytest.mark.parametrize("scheme", registry.names("schemes"))
def test_every_scheme_declares_one(scheme: str) -> None:
    assert isinstance(registry.load("schemes", scheme).GRADIENT, Relation)


@pytest.mark.parametrize("scheme", declared(Relation.EXACT))
def test_the_gradient_itself(scheme: str) -> None:
    circuit = circuit_of(scheme)
    for numbers in angles(circuit, initial_state(circuit, 0)):
        assert numbers["signal_angle_deg"] < 1e-5
        assert numbers["signal_norm_ratio"] == pytest.approx(1)


@pytest.mark.parametrize("scheme", of_each_mechanism(declared(Relation.LIMIT)))
def test_its_direction_once_feedback_has_learned(scheme: str) -> None:
    rate = 0.02 if scheme == "kolen_pollack" else 1e-12
    circuit, state = learned(scheme, 3000, learning_rate=rate, **SETTINGS[scheme])
    before = angles(circuit, initial_state(circuit, 0))
    after = angles(circuit, state)
    for first, last in zip(before, after, strict=True):
        assert first["signal_angle_deg"] > 45
        assert last["signal_angle_deg"] < 15


@pytest.mark.parametrize("scheme", of_each_mechanism(declared(Relation.CORRELATED)))
def test_less_than_90_degrees_and_not_the_direction(scheme: str) -> None:
    circuit, state = learned(scheme, 3000, learning_rate=0.02)
    assert all(2 < numbers["signal_angle_deg"] < 85 for numbers in angles(circuit, state))


@pytest.mark.parametrize("scheme", declared(Relation.MEAN))
def test_nothing_is_delivered(scheme: str) -> None:
    circuit = circuit_of(scheme)
    assert all(math.isnan(numbers["signal_angle_deg"]) for numbers in angles(circuit, initial_state(circuit, 0)))


@pytest.mark.parametrize("scheme", declared(Relation.GAUSS_NEWTON))
def test_the_direction_of_gauss_and_newton(scheme: str) -> None:
    circuit = circuit_of(scheme, **SETTINGS.get(scheme, {}))
    *_, last = angles(circuit, initial_state(circuit, 0), gauss_newton=1e-9)
    assert last["gauss_newton_angle_deg"] < 10 < last["signal_angle_deg"]
