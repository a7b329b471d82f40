"""Every scheme on every neuron, with each of its choices: a circuit, or a refusal in the words of the settings."""

from __future__ import annotations

import re
import typing
from types import SimpleNamespace
from typing import Any

import pytest

from neurosim import registry
from neurosim.errors import ConfigError
from neurosim.model_files.model_file import load
from neurosim.networks import Part
from neurosim.networks.layered import Config as Network
from neurosim.schemes import _pairing
from tests.default_run import LAYERED

TASK = SimpleNamespace(n_inputs=5, n_outputs=3)
NEURONS = _pairing._layer_neurons()


def choices(scheme: str) -> list[dict[str, Any]]:
    """The scheme as it is, and with each value of each of its settings that has a few."""
    module = registry.load("schemes", scheme)
    found: list[dict[str, Any]] = [{}]
    for name, field in module.Config.model_fields.items():
        if typing.get_origin(field.annotation) is typing.Literal:
            found += [{name: value} for value in typing.get_args(field.annotation) if value != field.default]
        if field.annotation is bool:
            found.append({name: not field.default})
    kept = []
    for settings in found:
        try:
            module.Config(**settings)
        except ValueError:  # two settings that exclude each other
            continue
        kept.append(settings)
    return kept


def refusal(scheme: str, settings: dict[str, Any], network: dict[str, Any]) -> str:
    """What a user is told; nothing if there is a circuit."""
    config = registry.load("schemes", scheme).Config(**settings)
    given: Any = TASK
    try:
        _pairing.circuit_of(scheme, config, Network(**{"hidden": (4, 3), **network}), given)
    except ConfigError as error:
        return str(error)
    return ""


def in_the_users_words(message: str, scheme: str, neuron: str) -> bool:
    """It names a key, the scheme and the neuron, and no place in a text that the user never wrote."""
    key = re.match(r"(network|scheme)\.\w+", message)
    place = re.search(r"line \d+|column \d+|\n", message)
    return bool(key) and place is None and f"'{neuron}'" in message and f"'{scheme}'" in message


#: Those that do not go together.
REFUSED = {
    ("continuous_node_perturbation", "lif_escape"),
    ("continuous_node_perturbation", "relay"),
    ("continuous_weight_mirror", "lif_escape"),
    ("dynamic_inversion", "discrete_lif"),
    ("single_loop_dynamic_inversion", "adaptive_lif"),
    ("single_loop_dynamic_inversion", "discrete_lif"),
    ("single_loop_dynamic_inversion", "lif"),
    ("single_loop_dynamic_inversion", "lif_escape"),
    ("single_loop_dynamic_inversion", "low_passed_rate"),
    ("single_loop_dynamic_inversion", "relay"),
    ("vector_response", "lif_escape"),
}
#: Those of which each has a scheme that refuses it; the others follow in `make test-all`.
SOME = ["lif_escape", "relay"]


@pytest.mark.parametrize("neurons", [SOME, pytest.param(NEURONS, marks=pytest.mark.slow)], ids=["some", "all"])
def test_every_scheme_takes_every_neuron_or_says_why_not(neurons):
    said = {
        (scheme, neuron): refusal(scheme, {}, {"hidden": (3,), "neuron": Part(kind=neuron)})
        for scheme in LAYERED
        for neuron in neurons
    }
    for (scheme, neuron), message in said.items():
        assert not message or in_the_users_words(message, scheme, neuron), message
    refused = {pair for pair, message in said.items() if message}
    assert refused == {pair for pair in REFUSED if pair[1] in neurons}


@pytest.mark.slow
@pytest.mark.parametrize("scheme", LAYERED)
def test_so_it_is_with_each_of_its_choices(scheme):
    for settings in choices(scheme):
        assert not refusal(scheme, settings, {})
        for neuron in NEURONS:
            for place in ("neuron", "output_neuron"):
                message = refusal(scheme, settings, {place: Part(kind=neuron)})
                assert not message or in_the_users_words(message, scheme, neuron), (settings, place, message)


@pytest.mark.parametrize("neuron", ["lif", "adaptive_lif", "lif_escape", "relay"])
def test_the_remedy_of_a_single_loop_is_one(neuron):
    message = refusal("single_loop_dynamic_inversion", {}, {"neuron": Part(kind=neuron)})
    assert "a function of its potential" in message and "use scheme.convention = 'gated'" in message
    assert not refusal("single_loop_dynamic_inversion", {"convention": "gated"}, {"neuron": Part(kind=neuron)})


def test_neurons_that_are_proposed_do_go_with_the_scheme():
    message = refusal("vector_response", {}, {"neuron": Part(kind="lif_escape")})
    proposed = re.search(r"expected one of ([\w, ]+)", message)
    assert proposed is not None
    for name in proposed[1].split(", "):
        assert not refusal("vector_response", {}, {"neuron": Part(kind=name)})


def test_of_several_layers_the_one_that_does_not_fit_is_named():
    neurons = (Part(kind="leaky_rate"), Part(kind="lif_escape"))
    message = refusal("vector_response", {}, {"neuron": neurons})
    assert message.startswith("network.neuron.1.kind: got 'lif_escape', which does not go with the scheme")


def test_a_model_file_is_refused_by_its_key():
    sections = {
        "task": {"kind": "linear_regression", "n_train": 8, "n_validation": 4, "n_test": 4},
        "network": {"hidden": [4], "neuron": {"kind": "lif"}, "readout": "squared_error"},
        "scheme": {"kind": "single_loop_dynamic_inversion"},
    }
    with pytest.raises(ConfigError) as caught:
        _ = load(sections).circuit
    assert str(caught.value).splitlines()[1].startswith("  network.neuron.kind: got 'lif', expected")
