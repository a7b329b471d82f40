"""Layered networks with convolutions and pools: what every scheme makes of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pydantic
import pytest

from neurosim import registry
from neurosim.circuit.connectivity import PerChannel
from neurosim.circuit.images import Convolution, Pooling
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.state import initial_state
from neurosim.errors import CircuitError, ConfigError, EngineError
from neurosim.gradients.alignment import alignment
from neurosim.gradients.feedback import feedback_pathway, wanted_weights
from neurosim.gradients.true_gradient import true_gradients
from neurosim.model_files.model_file import load
from neurosim.networks.layered import Config as Network
from tests.default_run import of_each_mechanism, one_of_each
from tests.schemes.small_networks import (
    RATE,
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

HIDDEN: Any = (
    {"channels": 3, "kernel": 3},
    {"pool": "average", "window": 3, "stride": 2},
    {"channels": 2, "kernel": (2, 1), "padding": "valid"},
    4,
)
#: They compute with the matrices of dense pathways.
MATRICES = (
    "dynamic_inversion", "nondynamic_inversion", "pseudobackprop", "single_loop_dynamic_inversion",
)  # fmt: skip


@pytest.mark.parametrize(("scheme", "settings"), of_each_mechanism(variants(), MATRICES))
def test_every_scheme_builds_and_learns_or_refuses(scheme: str, settings: dict[str, Any]) -> None:
    if scheme in MATRICES:
        with pytest.raises(ConfigError, match=r"network\.hidden\[0\]: got convolution 3 x 3.*expected a size: "):
            build(scheme, HIDDEN, **settings)
        return
    network: dict[str, Any] = {}
    if scheme.startswith("continuous"):
        with pytest.raises(CircuitError, match="no membrane \\(no parameter 'tau_m'\\)"):
            build(scheme, HIDDEN, **settings)
        network = {"hidden": (HIDDEN[0], {**HIDDEN[0], "stride": 2}, *HIDDEN[2:])}
    circuit = build(scheme, HIDDEN, network, **settings)
    assert {type(circuit.connectivity(name)) for name in ("W1", "W3")} == {Convolution}
    assert isinstance(circuit.connectivity("b1"), PerChannel)
    assert network or isinstance(circuit.connectivity("pool2"), Pooling)
    state, _ = after_learning(circuit)
    assert state["W3.w"].shape == (2, 3, 2, 1)
    assert {"W1", "b1", "W3", "W4", "W5"} <= {name for phase in circuit.phases for name in phase.learn}


@pytest.mark.parametrize(
    ("scheme", "settings"),
    of_each_mechanism(
        [
            ("backpropagation", {"noise": True}),
            ("node_perturbation", {"topology": "direct"}),
            ("node_perturbation", {}),
            pytest.param("weight_mirror", {}, marks=pytest.mark.slow),
            pytest.param("information_alignment", {}, marks=pytest.mark.slow),
            ("kolen_pollack", {"decay": 0.01}),
        ]
    ),
)
def test_both_engines_have_the_same_weights_after_ten_presentations(scheme: str, settings: dict[str, Any]) -> None:
    state, got = same_on_both_engines(build(scheme, HIDDEN, **settings))
    assert np.any(got["W1.w"] != state["W1.w"])


def test_backpropagation_is_the_gradient() -> None:
    learned = follows_the_gradient(HIDDEN).phases[0].learn
    assert set(learned) == {"W1", "b1", "W3", "b3", "W4", "b4", "W5", "b5"}


@pytest.mark.parametrize(("padding", "stride"), one_of_each([("same", 2), ("valid", 1), (1, 3)], lambda *_: "maximum"))
def test_feedback_from_a_maximum_goes_to_the_largest(padding: Any, stride: int) -> None:
    pools = {"pool": "maximum", "window": (3, 2), "stride": stride, "padding": padding}
    network = {"hidden": (HIDDEN[0], pools, {"channels": 2, "kernel": 1}, 4)}
    circuit, given = build("backpropagation", HIDDEN, network), stimuli()
    state = initial_state(circuit, 0)
    truth = true_gradients(circuit, STEADY, state, given)
    _, outputs = BatchedEngine(circuit, STEADY).run(state, given, report=["hidden1.a", "hidden1.r", "hidden2.r"])
    np.testing.assert_allclose(outputs.ends["clean"]["hidden1.a"], truth.sites["hidden1"], rtol=1e-9, atol=1e-12)
    pathway, ends = circuit.connectivity("pool2"), circuit.ends("pool2")
    made = pathway.synapses(ends)
    largest = np.full((4, ends.n_post), -np.inf)
    for trial in range(4):
        np.maximum.at(largest[trial], made.post, outputs.ends["clean"]["hidden1.r"][trial, made.pre])
    np.testing.assert_array_equal(outputs.ends["clean"]["hidden2.r"], largest)
    with pytest.raises(EngineError, match=r"pathway 'pool2' is maximum pooling 3 x 2.* can only sum over synapses"):
        BrianEngine(circuit, RATE).run(state, given)


def test_the_mean_over_positions_is_the_sum_over_their_number() -> None:
    given = stimuli()
    changes = {}
    for positions in ("sum", "mean"):
        circuit = build("backpropagation", HIDDEN, {"positions": positions})
        state = initial_state(circuit, 0)
        after, _ = BatchedEngine(circuit, STEADY).run(state, given)
        changes[positions] = after["W1.w"] - state["W1.w"]
    # A kernel of 3 x 3 over 5 x 4 pixels, of which those at the border have no neighbours.
    counts = np.outer([4, 5, 4], [3, 4, 3])
    np.testing.assert_allclose(changes["mean"] * counts, changes["sum"], rtol=1e-12)


@pytest.mark.parametrize("topology", ["layerwise", pytest.param("direct", marks=pytest.mark.slow)])
def test_alignment_knows_what_feedback_should_be(topology: str) -> None:
    neurons = {"neuron": {"kind": "leaky_rate", "activation": "identity"}}
    circuit, given = build("feedback_alignment", HIDDEN, neurons, topology=topology), stimuli()
    state = initial_state(circuit, 0)
    # As they should be: then what they deliver is the gradient.
    for layer in ("hidden2", "hidden3", "hidden4"):
        wanted = wanted_weights(circuit, state, layer)
        pathway = feedback_pathway(circuit, layer)
        assert wanted is not None
        assert pathway is not None
        assert wanted.shape == state[f"{pathway.name}.w"].shape
        state[f"{pathway.name}.w"] = wanted
    found = alignment(circuit, STEADY, state, given)
    assert found.keys() == {"hidden1", "hidden2", "hidden3", "hidden4", "output"}
    for layer in ("hidden1", "hidden2", "hidden3", "hidden4"):
        assert found[layer]["signal_relative_error"] < 1e-9
        if layer == "hidden1":
            assert np.isnan(found[layer]["weight_angle_deg"])
        else:
            assert found[layer]["weight_angle_deg"] < 1e-4
            assert found[layer]["local_angle_deg"] < 1e-4


def test_symmetric_alignment_finds_the_kernels() -> None:
    circuit, given = build("symmetric_alignment", HIDDEN, feedback_learning_rate=0.5), stimuli()
    state = initial_state(circuit, 0)
    engine = BatchedEngine(circuit, STEADY)
    state |= {f"{p.name}.learning_rate": np.asarray(0.0) for p in circuit.pathways if p.name[0] in "Wb"}
    for number in range(40):
        state, _ = engine.run(state, given, first=4 * number)
    np.testing.assert_allclose(state["B2.w"], np.swapaxes(state["W3.w"], 0, 1), rtol=1e-9)


@pytest.mark.parametrize(
    ("hidden", "message"),
    [
        (({"channels": 2, "kernel": 7, "padding": "valid"},), r"network\.hidden\[0\]: a window of 7 x 7 does not fit"),
        ((4, {"channels": 2, "kernel": 3}), r"network\.hidden\[1\]: .*the layer below is none of images; expected a"),
    ],
)
def test_layers_that_do_not_fit_are_named(hidden: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build("backpropagation", HIDDEN, {"hidden": hidden})


def test_a_task_without_images_is_named() -> None:
    module = registry.load("schemes", "backpropagation")
    with pytest.raises(ConfigError, match=r"network\.hidden\[0\]: .* the task's inputs are no images"):
        module.build(module.Config(), Network(hidden=HIDDEN), SimpleNamespace(n_inputs=40, n_outputs=3))


@pytest.mark.parametrize(
    ("layer", "where"),
    [
        ({"channels": 2}, ("hidden", 0, "convolution", "kernel")),
        ({"pool": "median", "window": 2}, ("hidden", 0, "pooling", "pool")),
        (-3, ("hidden", 0, "size")),
    ],
)
def test_a_wrong_layer_is_one_fault(layer: Any, where: tuple[Any, ...]) -> None:
    with pytest.raises(pydantic.ValidationError) as caught:
        Network(hidden=(layer, 4))
    assert [error["loc"] for error in caught.value.errors()] == [where]


def test_a_model_file_has_layers_as_tables() -> None:
    layers = [{"channels": 4, "kernel": 3}, {"pool": "average", "window": 2}, 16]
    model = load(sections(hidden=layers))
    pools = written_again(model)["network"]["hidden"][1]
    assert pools == {"pool": "average", "window": 2, "stride": 2, "padding": "same"}
    circuit = model.build(model.load_task(seed=0))
    assert circuit.population["hidden2"].shape == (4, 4, 4)
