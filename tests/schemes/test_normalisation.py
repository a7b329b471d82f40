"""Neurons that normalise their drive over a feature map: what every scheme and both engines make of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Phase, Population
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.state import initial_state
from neurosim.errors import CircuitError, ConfigError, EquationError, UnitError
from neurosim.model_files.model_file import load
from neurosim.neurons import leaky_rate
from neurosim.neurons._model import NeuronModel
from tests.default_run import of_each_mechanism
from tests.schemes.small_networks import (
    STEADY,
    after_learning,
    build,
    follows_the_gradient,
    same_on_both_engines,
    sections,
    stimuli,
    variants,
    written_again,
)

NORMALISED = {"kind": "leaky_rate", "activation": "tanh", "normalised": True}
DENSE: Any = (5, 4)
IMAGES: Any = (
    {"channels": 3, "kernel": 3},
    {"pool": "average", "window": 3, "stride": 2},
    {"channels": 2, "kernel": (2, 1), "padding": "valid"},
    4,
)
#: Loops that invert weights, rules that act at every step, and noise at the rate without any feedback.
REFUSING = (
    "continuous_node_perturbation", "continuous_weight_mirror", "dynamic_inversion", "node_perturbation_only",
    "nondynamic_inversion", "single_loop_dynamic_inversion",
)  # fmt: skip


@pytest.mark.parametrize(("scheme", "settings"), of_each_mechanism(variants(), REFUSING))
def test_every_scheme_learns_with_it_or_refuses(scheme: str, settings: dict[str, Any]) -> None:
    if scheme in REFUSING:
        with pytest.raises(ConfigError, match=r"network\.neuron\.normalised: got true for hidden1, expected false: "):
            build(scheme, DENSE, {"neuron": NORMALISED}, **settings)
        return
    circuit = build(scheme, DENSE, {"neuron": NORMALISED}, **settings)
    assert {"W1", "b1", "W2", "b2", "W3", "b3"} <= {name for phase in circuit.phases for name in phase.learn}
    after_learning(circuit)


@pytest.mark.parametrize(
    ("hidden", "scheme", "settings"),
    [
        (IMAGES, "backpropagation", {"noise": True}),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (
                (DENSE, "kolen_pollack", {"decay": 0.01}),
                (IMAGES, "node_perturbation", {"topology": "direct"}),
                (DENSE, "node_perturbation", {}),
                (DENSE, "weight_mirror", {}),
                (DENSE, "weight_perturbation", {}),
            )
        ),
    ],
)
def test_both_engines_have_the_same_weights_after_ten_presentations(
    hidden: Any, scheme: str, settings: dict[str, Any]
) -> None:
    state, after = same_on_both_engines(build(scheme, hidden, {"neuron": NORMALISED}, **settings))
    assert all(np.any(after[f"{name}.w"] != state[f"{name}.w"]) for name in ("W1", "b1"))


@pytest.mark.parametrize(
    ("neuron", "hidden"),
    [
        ({}, IMAGES),
        ({"activation": "sigmoid"}, DENSE),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (
                ({}, DENSE),
                ({"activation": "sigmoid"}, IMAGES),
                ({"noise_site": "current"}, DENSE),
                ({"noise_site": "current"}, IMAGES),
            )
        ),
    ],
)
def test_backpropagation_is_the_gradient(hidden: Any, neuron: dict[str, Any]) -> None:
    circuit = follows_the_gradient(hidden, {"neuron": {**NORMALISED, **neuron}})
    assert {"b1", "W1"} <= set(circuit.phases[0].learn)


@pytest.mark.parametrize("hidden", [DENSE, IMAGES])
def test_each_map_of_each_trial_is_normalised(hidden: Any) -> None:
    circuit, given = build("backpropagation", hidden, {"neuron": NORMALISED}), stimuli(6)
    state = initial_state(circuit, 0)
    wanted = ["hidden1.drive", "hidden1.v"]
    _, outputs = BatchedEngine(circuit, STEADY).run(state, given, report=wanted, learn=False)
    channels = circuit.population["hidden1"].channels
    drive, potential = (outputs.ends["clean"][name].reshape(6, -1, channels) for name in wanted)
    offset = state["b1.w"][:, 0] if channels > 1 else state["b1.w"]
    spread = np.sqrt(drive.var(axis=1, keepdims=True) + 1e-5)
    expected = (drive - drive.mean(axis=1, keepdims=True)) / spread + offset
    np.testing.assert_allclose(potential, expected, rtol=1e-9, atol=1e-12)


def test_it_is_not_local() -> None:
    circuit = build("node_perturbation", IMAGES, {"neuron": NORMALISED}, feedback_learning_rate=0.05)
    assert not circuit.local
    assert "mean := mean over its channel of driven_pre" in str(circuit)
    assert build("node_perturbation", IMAGES, feedback_learning_rate=0.05).local


def test_a_map_of_one_position_cannot_be_normalised() -> None:
    hidden = (*IMAGES[:2], {"channels": 2, "kernel": (3, 2), "padding": "valid"})
    with pytest.raises(CircuitError, match=r"population 'hidden3': .*each of its channels has one position; expected"):
        build("backpropagation", hidden, {"neuron": NORMALISED})
    with pytest.raises(CircuitError, match=r"population 'hidden1': .*it has one neuron; expected two or more"):
        build("backpropagation", (1,), {"neuron": NORMALISED})


@pytest.mark.parametrize(
    ("means", "message"),
    [
        (
            {"other": "r_pre"},
            "a mean 'other', which is no parameter of neuron 'own' that has no value; expected one of m",
        ),
        ({"m": "rate_pre"}, "unknown name 'rate_pre' in the mean 'm'; did you mean 'r_pre'"),
        ({"m": "r_pre; import os"}, "cannot be read as an expression"),
        ({"m": "tau_pre"}, "the mean 'm = tau_pre' does not have the unit of 'm', 1"),
    ],
)
def test_a_mean_that_cannot_be_is_named(means: dict[str, str], message: str) -> None:
    with pytest.raises((EquationError, UnitError), match=message):
        NeuronModel("r = m + 1 : 1\nm : 1", parameters={"tau": "1 ms"}, means=means, name="own")


def test_a_mean_of_itself_is_a_loop() -> None:
    neuron = NeuronModel("r = m + 1 : 1\nm : 1", means={"m": "r_pre"}, name="own")
    with pytest.raises(CircuitError, match=r"need each other at the same instant: all\.r -> all\.m -> all\.r"):
        Circuit("loop", (Population("all", 3, neuron),), (), (Phase("all", "20 ms"),))


def test_a_model_file_has_it_and_others_keep_their_hash() -> None:
    model = load(sections(hidden=[8], neuron=NORMALISED))
    assert written_again(model)["network"]["neuron"]["normalised"] is True
    assert "normalised" not in leaky_rate.Config().model_dump()
