"""Layered networks with skip connections: what every scheme makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pydantic
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import Dense, OneToOne
from neurosim.circuit.images import Convolution, Window
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.state import initial_state
from neurosim.errors import ConfigError
from neurosim.gradients.alignment import alignment
from neurosim.gradients.feedback import feedback_pathways, wanted_of
from neurosim.model_files.model_file import load
from neurosim.networks.layered import Config as Network
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

#: From the input and, of another size and of the same, from hidden layers.
DENSE: Any = (5, 4, {"size": 5, "skip_from": "hidden1"}, {"size": 3, "skip_from": ["hidden1", "input"]})
#: Past a layer of the same form, past a pool, from the input, and into a layer without positions.
IMAGES: Any = (
    {"channels": 2, "kernel": 3},
    {"channels": 3, "kernel": 3},
    {"channels": 2, "kernel": 3, "skip_from": "hidden1"},
    {"pool": "average", "window": 2},
    {"channels": 2, "kernel": 1, "skip_from": ["hidden2", "input"]},
    {"size": 4, "skip_from": "hidden4"},
)
#: No skips: their feedback is a sequence of steps, or scaled by one.
SEQUENTIAL = (
    "continuous_node_perturbation", "continuous_weight_mirror", "dynamic_inversion", "nondynamic_inversion",
    "pseudobackprop", "single_loop_dynamic_inversion",
)  # fmt: skip
#: Skips without weights only: neurons answer to all ways up at once, or carry what all ways back deliver at once.
IDENTITIES: dict[str, dict[str, Any]] = {
    "vector_response": {}, "information_alignment": {}, "activation_alignment": {"source": "noise"},
}  # fmt: skip


def learns(circuit: Circuit, *, forward: set[str]) -> None:
    """All that should learn changes, and identities stay what they are."""
    _, after = after_learning(circuit)
    assert forward <= {name for phase in circuit.phases for name in phase.learn}
    for pathway in circuit.pathways:
        if pathway.connectivity == OneToOne():
            np.testing.assert_array_equal(after[f"{pathway.name}.w"], 1.0)


@pytest.mark.parametrize(("scheme", "settings"), of_each_mechanism(variants(), SEQUENTIAL))
def test_every_scheme_learns_with_skips_or_refuses(scheme: str, settings: dict[str, Any]) -> None:
    refused = r"network\.hidden\[{}\]\.skip_from: got 'hidden1'.*, expected none.*: "
    direct = settings.get("topology") == "direct"
    if scheme in SEQUENTIAL:
        with pytest.raises(ConfigError, match=refused.format(2)):
            build(scheme, DENSE, **settings)
        return
    if scheme in IDENTITIES and not direct:
        with pytest.raises(ConfigError, match=refused.format(3)):
            build(scheme, DENSE, **IDENTITIES[scheme])
        circuit = build(scheme, (5, 4, {"size": 5, "skip_from": "hidden1"}), **IDENTITIES[scheme])
        learns(circuit, forward={"W1", "b1", "W2", "W3", "b3"})
        assert circuit.connectivity("unskip1_3") == OneToOne()
        return
    circuit = build(scheme, DENSE, **settings)
    learns(circuit, forward={"W1", "b1", "W3", "W1_4", "W0_4", "W5"})
    expected = {"skip1_3": OneToOne(), "W1_4": Dense(), "W0_4": Dense()}
    assert {name: circuit.connectivity(name) for name in expected} == expected
    back = {pathway.name for pathway in feedback_pathways(circuit, "hidden1")}
    if back:
        assert back == ({"B1"} if direct else {"B1", "unskip1_3", "B1_4"})


@pytest.mark.parametrize(
    "scheme",
    [
        "kolen_pollack",
        pytest.param("node_perturbation", marks=pytest.mark.slow),
        pytest.param("symmetric_alignment", marks=pytest.mark.slow),
        pytest.param("weight_mirror", marks=pytest.mark.slow),
    ],
)
def test_layers_of_images_learn_with_skips(scheme: str) -> None:
    circuit = build(scheme, IMAGES)
    found = {name: circuit.connectivity(name) for name in ("skip1_3", "W2_5", "W0_5", "W4_6")}
    one = Convolution(Window((1, 1), (2, 2), "valid"))
    assert found == {"skip1_3": OneToOne(), "W2_5": one, "W0_5": one, "W4_6": Dense()}
    assert circuit.connectivity("B2_5") == one.reversed
    learns(circuit, forward={"W1", "b1", "W3", "W5", "W2_5", "W0_5", "W4_6", "W7"})


@pytest.mark.parametrize("hidden", [DENSE, pytest.param(IMAGES, marks=pytest.mark.slow)])
def test_backpropagation_is_the_gradient(hidden: Any) -> None:
    learned = follows_the_gradient(hidden).phases[0].learn
    assert sum("_" in name for name in learned) == (2 if hidden is DENSE else 3)


def test_a_residual_network_is_the_sum_of_what_it_skips() -> None:
    neurons = {"neuron": {"kind": "leaky_rate", "activation": "tanh"}}
    circuit, given = build("backpropagation", DENSE, neurons), stimuli()
    state = initial_state(circuit, 0)
    _, outputs = BatchedEngine(circuit, STEADY).run(state, given, report=["hidden4.r"], learn=False)
    x = given["input.r"]
    w = {name: state[f"{name}.w"].T for name in ("W1", "W2", "W3", "W4", "W1_4", "W0_4")}
    bias = [state[f"b{number}.w"].T for number in range(1, 5)]
    h1 = np.tanh(x @ w["W1"] + bias[0])
    h2 = np.tanh(h1 @ w["W2"] + bias[1])
    h3 = np.tanh(h2 @ w["W3"] + bias[2] + h1)
    h4 = np.tanh(h3 @ w["W4"] + bias[3] + h1 @ w["W1_4"] + x @ w["W0_4"])
    np.testing.assert_allclose(outputs.ends["clean"]["hidden4.r"], h4, rtol=1e-12)


@pytest.mark.parametrize(
    ("scheme", "hidden", "settings"),
    [
        ("backpropagation", DENSE, {"noise": True}),
        pytest.param("backpropagation", IMAGES, {"noise": True}, marks=pytest.mark.slow),
        pytest.param("node_perturbation", DENSE, {}, marks=pytest.mark.slow),
        pytest.param("node_perturbation", IMAGES, {}, marks=pytest.mark.slow),
        pytest.param("weight_mirror", DENSE, {}, marks=pytest.mark.slow),
        pytest.param("kolen_pollack", IMAGES, {"decay": 0.01}, marks=pytest.mark.slow),
    ],
)
def test_both_engines_have_the_same_weights_after_ten_presentations(
    scheme: str, hidden: Any, settings: dict[str, Any]
) -> None:
    circuit = build(scheme, hidden, **settings)
    state, got = same_on_both_engines(circuit)
    skips = [name for name in circuit.pathway if name.startswith("W") and "_" in name]
    assert all(np.any(got[f"{name}.w"] != state[f"{name}.w"]) for name in skips)


@pytest.mark.parametrize("topology", ["layerwise", pytest.param("direct", marks=pytest.mark.slow)])
@pytest.mark.parametrize("hidden", [DENSE, pytest.param(IMAGES, marks=pytest.mark.slow)])
def test_alignment_knows_what_feedback_should_be(hidden: Any, topology: str) -> None:
    neurons = {"neuron": {"kind": "leaky_rate", "activation": "identity"}}
    circuit, given = build("feedback_alignment", hidden, neurons, topology=topology), stimuli()
    state = initial_state(circuit, 0)
    layers = [f"hidden{number}" for number in range(1, len(hidden) + 1)]
    before = alignment(circuit, STEADY, state, given)
    assert before["hidden1"]["weight_angle_deg"] > 20
    for layer in layers:
        for pathway in feedback_pathways(circuit, layer):
            wanted = wanted_of(circuit, state, pathway)
            if wanted is not None and circuit.connectivity(pathway.name) != OneToOne():
                assert wanted.shape == state[f"{pathway.name}.w"].shape
                state[f"{pathway.name}.w"] = wanted
    # As they should be: then what they deliver is the gradient.
    found = alignment(circuit, STEADY, state, given)
    for layer in layers:
        assert found[layer]["signal_relative_error"] < 1e-9
        if circuit.connectivity(feedback_pathways(circuit, layer)[0].name).weighted:
            assert found[layer]["weight_angle_deg"] < 1e-4
            assert found[layer]["local_angle_deg"] < 1e-4


@pytest.mark.slow
def test_a_weight_mirror_finds_the_weights_of_skips() -> None:
    neurons = {"neuron": {"kind": "leaky_rate", "activation": "identity"}}
    settings = {"feedback_learning_rate": 0.02, "turns": "one_by_one"}
    circuit = build("weight_mirror", (8, 6, {"size": 5, "skip_from": "hidden1"}), neurons, **settings)
    state = initial_state(circuit, 0)
    state |= {f"{p.name}.learning_rate": np.asarray(0.0) for p in circuit.pathways if p.name[0] in "Wb"}
    given = {name: np.repeat(array, 32, axis=0) for name, array in stimuli(1).items()}
    order = np.zeros((2000, 32), dtype=int)
    state, _ = BatchedEngine(circuit, STEADY).train(state, given, order, seed=0, first=0)
    found = alignment(circuit, STEADY, state, given)
    # What is left is the noise of a rate that does not fall.
    assert {layer: found[layer]["weight_angle_deg"] < 12 for layer in ("hidden1", "hidden2")} == {
        "hidden1": True, "hidden2": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("scheme", "settings", "why"),
    [
        ("weight_mirror", {"source": "activity"}, "scheme.source"),
        ("weight_mirror", {"noise_reach": "propagating"}, "scheme.noise_reach"),
        ("node_perturbation", {"estimator": "exact_least_squares"}, "scheme.estimator"),
        ("feedback_alignment", {"topology": "direct", "feedback_law": "negative_transpose"}, "matrices in a row"),
    ],
)
def test_settings_that_skips_do_not_suit_are_named(scheme: str, settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=rf"network\.hidden\[2\]\.skip_from: got 'hidden1', expected none: .*{why}"):
        build(scheme, DENSE, **settings)


def test_skips_that_do_not_fit_are_named() -> None:
    hidden = (IMAGES[0], {**IMAGES[1], "padding": "valid"}, IMAGES[2])
    message = r"network\.hidden\[2\]\.skip_from: got 'hidden1' of 5 x 4 .* makes 5 x 4; expected the layer's 3 x 2"
    with pytest.raises(ConfigError, match=message):
        build("backpropagation", hidden)


def test_all_skips_from_nowhere_are_named_at_once() -> None:
    pools = {"pool": "average", "window": 2}
    hidden: Any = (
        {"size": 3, "skip_from": "input"}, {"channels": 2, "kernel": 1}, pools, {**IMAGES[0], "skip_from": "hidden2"},
        {"size": 3, "skip_from": ["input", "input"]}, {"size": 3, "skip_from": "hidden9"},
    )  # fmt: skip
    with pytest.raises(pydantic.ValidationError) as caught:
        Network(hidden=hidden)
    found = {error["loc"]: error["msg"] for error in caught.value.errors()}
    assert found == {
        ("hidden", 0, "skip_from"): "got 'input', expected none, as there is no layer in between",
        ("hidden", 3, "skip_from"): "got 'hidden2', expected one or more of input, hidden1; 'hidden2' gets its "
        "feedback from the pools that read it, so that skips start from these",
        ("hidden", 4, "skip_from"): "got 'input', expected one or more of input, hidden1, hidden3, each once",
        ("hidden", 5, "skip_from"): "got 'hidden9', expected one or more of input, hidden1, hidden3, hidden4",
    }


def test_a_model_file_has_skips() -> None:
    layers = [16, 12, {"size": 16, "skip_from": "hidden1"}]
    written = written_again(load(sections(hidden=layers)))
    assert written["network"]["hidden"][2] == {"size": 16, "skip_from": "hidden1"}
    with pytest.raises(
        ConfigError, match=r"1 fault\n  network.hidden.1.skip_from: got 'hidden1', expected one or more of input"
    ):
        load(sections(hidden=[16, {"size": 12, "skip_from": "hidden1"}]))
