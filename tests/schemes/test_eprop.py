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
from tests.schemes.in_time import DT, TASK, changes, gradients, matrices, rate_loss, spiking_loss, trials

A = 0.2
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


LIF: dict[str, Any] = {"kind": "discrete_lif", "tau_m": "5 ms", "tau_out": "8 ms", "v_th": 0.6}
ADAPTIVE = {**LIF, "beta": 0.4, "tau_theta": "50 ms", "refractory_steps": 3}


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
