"""E-prop: the engine's increments are the truncated gradient of the discrete equations, on both engines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.state import initial_state, weights_of
from neurosim.errors import ConfigError
from neurosim.networks import Part, recurrent
from neurosim.schemes import eprop
from tests.schemes.in_time import (
    DT,
    SETTING,
    TASK,
    changes,
    gradients,
    matrices,
    rate_loss,
    spiking_loss,
    stimuli,
    trials,
)

A = 0.2
LIF: dict[str, Any] = {"kind": "discrete_lif", "tau_m": "5 ms", "tau_out": "8 ms", "v_th": 0.6}
ADAPTIVE = {**LIF, "beta": 0.4, "tau_theta": "50 ms", "refractory_steps": 3}
LINEAR = {"kind": "leaky_rate", "activation": "identity", "tau_m": "4 ms"}
RATE = {"kind": "leaky_rate", "tau_m": f"{DT / A * 1e3} ms"}


def network(**settings: Any) -> recurrent.Config:
    """Six neurons with slow potentials and a start of their own."""
    given = {"neuron": Part.model_validate(RATE), "hidden": (6,), "gain": 1.2, "bias_weights": 0.3, "initial": 0.3}
    return recurrent.Config.model_validate({**given, **settings})


def built(config: dict[str, Any] | None = None, **settings: Any) -> Circuit:
    return eprop.build(eprop.Config(**(config or {})), network(**settings), TASK)


@pytest.mark.parametrize("engine", [BatchedEngine, BrianEngine])
def test_the_increments_are_the_gradient_with_other_rates_held_back(engine: type) -> None:
    circuit, given = built(), trials()
    state, changed, loss = changes(circuit, given, engine)
    by_hand, slopes = gradients(rate_loss(state["hidden1.v"], A, truncated=True), matrices(circuit, state), given)
    np.testing.assert_allclose(loss, by_hand, rtol=1e-12)
    for name, slope in slopes.items():
        expected = -0.1 * (slope - np.diag(np.diag(slope)) if name == "R1" else slope)
        np.testing.assert_allclose(changed[name], expected, rtol=1e-9, atol=1e-15, err_msg=name)
        assert np.abs(expected).max() > 1e-4, name


def test_without_recurrence_it_is_the_gradient_through_time() -> None:
    circuit, given = built(gain=0.0, autapses=True), trials()
    state, changed, _ = changes(circuit, given)
    _, slopes = gradients(rate_loss(state["hidden1.v"], A, truncated=False), matrices(circuit, state), given)
    for name, slope in slopes.items():
        np.testing.assert_allclose(changed[name], -0.1 * slope, rtol=1e-9, atol=1e-15, err_msg=name)


@pytest.mark.parametrize("engine", [BatchedEngine, BrianEngine])
@pytest.mark.parametrize("neuron", [{**LIF, "input_share": True, "v_th": 0.15}, ADAPTIVE])
def test_of_spikes_with_the_spikes_of_others_and_resets_held_back(neuron: dict[str, Any], engine: type) -> None:
    settings = {"hidden": (8,), "neuron": Part.model_validate(neuron), "gain": 1.0, "input_weights": 1.5}
    given = trials(40, spikes=True)
    constants = {
        "alpha": np.exp(-1 / 5), "kappa": np.exp(-1 / 8), "theta": neuron["v_th"], "beta": neuron.get("beta", 0.0),
        "rho": np.exp(-1 / 50), "rest": neuron.get("refractory_steps", 0),
        "share": 1 - np.exp(-1 / 5) if neuron.get("input_share") else 1.0,
    }  # fmt: skip
    circuit = eprop.build(eprop.Config(duration="41 ms"), network(**settings, initial=0.0), TASK)
    state, changed, loss = changes(circuit, given, engine)
    by_hand, slopes = gradients(spiking_loss(truncated=True, **constants), matrices(circuit, state), given)
    np.testing.assert_allclose(loss, by_hand, rtol=1e-12)
    for name, slope in slopes.items():
        expected = -0.1 * (slope - np.diag(np.diag(slope)) if name == "R1" else slope)
        np.testing.assert_allclose(changed[name], expected, rtol=1e-9, atol=1e-15, err_msg=name)
        assert np.abs(expected).max() > 1e-5, name


def test_with_the_leak_on_the_rate_the_synapse_keeps_the_trace() -> None:
    neuron = {**RATE, "kind": "low_passed_rate"}
    circuit, given = built(neuron=Part.model_validate(neuron)), trials()
    assert circuit.pathway["R1"].synapse.trace_variables == ("eligibility",)
    state, changed, loss = changes(circuit, given)
    exact = rate_loss(state["hidden1.r"], A, truncated=True, on_rate=True)
    by_hand, slopes = gradients(exact, matrices(circuit, state), given)
    np.testing.assert_allclose(loss, by_hand, rtol=1e-12)
    for name, slope in slopes.items():
        expected = -0.1 * (slope - np.diag(np.diag(slope)) if name == "R1" else slope)
        np.testing.assert_allclose(changed[name], expected, rtol=1e-9, atol=1e-15, err_msg=name)


@pytest.mark.parametrize("neuron", ["leaky_rate", "low_passed_rate"])
def test_a_leaky_readout_filters_the_eligibility(neuron: str) -> None:
    parts = {"neuron": {**RATE, "kind": neuron}, "output_neuron": LINEAR}
    settings: dict[str, Any] = {name: Part.model_validate(each) for name, each in parts.items()}
    circuit, given = built(**settings), trials()
    start = "hidden1.v" if neuron == "leaky_rate" else "hidden1.r"
    state, changed, loss = changes(circuit, given)
    exact = rate_loss(state[start], A, truncated=True, on_rate=neuron != "leaky_rate", a_out=0.25)
    by_hand, slopes = gradients(exact, matrices(circuit, state), given)
    np.testing.assert_allclose(loss, by_hand, rtol=1e-12)
    for name, slope in slopes.items():
        expected = -0.1 * (slope - np.diag(np.diag(slope)) if name == "R1" else slope)
        np.testing.assert_allclose(changed[name], expected, rtol=1e-9, atol=1e-15, err_msg=name)


def test_each_population_is_filtered_as_the_one_behind_the_synapse_does() -> None:
    parts = tuple(Part.model_validate({**RATE, "tau_m": f"{tau} ms"}) for tau in (5, 8))
    circuit, given = built(neuron=parts, hidden=(6, 5), readout_from="all"), trials()
    rules = {pathway.name: str(pathway.rule) for pathway in circuit.pathways}
    assert "rbar_pre" in rules["R1"] and "rbar2_pre" in rules["W1_2"] and "rbar2_pre" in rules["R2"]
    assert [p.name for p in circuit.pathways if p.tie] == ["B1", "B2"]
    (batched, _), (brian, _) = (changes(circuit, given, engine)[1:] for engine in (BatchedEngine, BrianEngine))
    for name, change in batched.items():
        np.testing.assert_allclose(change, brian[name], rtol=1e-9, atol=1e-15, err_msg=name)
        assert np.abs(change).max() > 1e-5, name


def test_kolen_pollack_brings_feedback_to_the_readout_whatever_the_task() -> None:
    circuit, given = built({"feedback": "kolen_pollack", "decay": 0.3}), trials()
    state, engine = initial_state(circuit, 0), BatchedEngine(circuit, SETTING)
    apart = weights_of(circuit, state, "B1") - weights_of(circuit, state, "Wout").T
    for update in range(1, 4):
        state, _ = engine.run(state, stimuli(given))
        left = weights_of(circuit, state, "B1") - weights_of(circuit, state, "Wout").T
        np.testing.assert_allclose(left, 0.7**update * apart, rtol=1e-12, atol=1e-14)


def test_random_feedback_stays_and_each_kind_of_pathway_has_its_rate() -> None:
    rates = {"input_learning_rate": 0.0, "bias_learning_rate": 0.2, "output_learning_rate": 0.3}
    circuit = built({"feedback": "random", **rates})
    assert circuit.phases[0].learn == ("R1", "b1", "Wout", "bout")
    learning = {name: circuit.pathway[name].parameters["learning_rate"] for name in circuit.phases[0].learn}
    assert learning == {"R1": 0.1, "b1": 0.2, "Wout": 0.3, "bout": 0.3}


@pytest.mark.parametrize(
    ("settings", "key", "said"),
    [
        (
            {"neuron": {"kind": "lif"}},
            "network.neuron.kind",
            "got 'lif' for hidden1, .* expected one of discrete_lif, le",
        ),
        ({"neuron": {**RATE, "normalised": True}}, "network.neuron.normalised", "expected false"),
        ({"neuron": {"kind": "relay"}}, "network.neuron.kind", "same instant"),
        ({"output_neuron": {"kind": "leaky_rate"}}, "network.output_neuron.kind", "the activation 'identity'"),
        ({"neuron": LIF, "output_neuron": LINEAR}, "network.output_neuron.kind", "expected 'relay'"),
        ({"hidden": (4, 3)}, "scheme.feedback", "expected network.readout_from = 'all'"),
    ],
)
def test_what_has_no_trace_or_no_way_back_is_refused(settings: dict[str, Any], key: str, said: str) -> None:
    parts: dict[str, Any] = {
        name: Part.model_validate(each) if isinstance(each, dict) else each for name, each in settings.items()
    }
    with pytest.raises(ConfigError, match=said) as refused:
        built(**parts)
    assert refused.value.faults[0][0] == key
