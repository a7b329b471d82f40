"""The leading Lyapunov exponent: linear networks in closed form, chaos above gain 1, and what does not count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.errors import CircuitError
from neurosim.gradients.lyapunov import lyapunov_exponent
from neurosim.neurons._model import NeuronModel
from tests.gradients.recurrent_circuits import SETTING, recurrent

TAU, DT = 10e-3, 1e-3


def network(rate: str, weights: np.ndarray, duration: str, **pathway: Any) -> tuple[Circuit, dict[str, np.ndarray]]:
    """dx/dt = (-x + W r(x))/tau in explicit steps, from a random state."""
    neuron = NeuronModel(
        f"dx/dt = (drive - x)/tau : 1\ndrive : 1\nr = {rate} : 1",
        parameters={"tau": "10 ms"},
        method="euler",
        initial={"x": "randn()"},
        ports={"drive": "drive", "output": "r"},
    )
    circuit = Circuit(
        "network",
        (Population("N", len(weights), neuron),),
        (Pathway("J", "N.r", "N.drive", initial=weights, **pathway),),
        phases=(Phase("run", duration),),
    )
    return circuit, initial_state(circuit, 0)


def test_a_linear_network_has_the_growth_of_its_largest_eigenvalue() -> None:
    drawn = np.random.default_rng(1).normal(size=(6, 6))
    weights = 0.3 * (drawn + drawn.T)
    circuit, state = network("x", weights, "2 second")
    found = lyapunov_exponent(circuit, SETTING, state, {}, every=4, discard=0.5)
    growth = np.abs(1 + DT / TAU * (np.linalg.eigvalsh(weights) - 1))
    assert found.exponent == pytest.approx(np.log(growth.max()) / DT, rel=1e-9)
    assert found.seconds == pytest.approx(1.0)


def test_what_is_under_way_belongs_to_the_state() -> None:
    circuit, state = network("x", np.array([[0.5]]), "2 second", delay="3 ms")
    found = lyapunov_exponent(circuit, SETTING, state, {}, every=4, discard=0.5)
    # z^4 = (1 - a) z^3 + a w: what was sent three steps ago arrives.
    roots = np.roots([1, -(1 - DT / TAU), 0, 0, -DT / TAU * 0.5])
    assert found.exponent == pytest.approx(np.log(np.abs(roots).max()) / DT, rel=1e-6)


@pytest.mark.parametrize(("gain", "chaotic"), [(0.5, False), (2.0, True)])
def test_random_networks_are_chaotic_above_a_gain_of_one(gain: float, chaotic: bool) -> None:
    # Sompolinsky, Crisanti & Sommers (1988), Physical Review Letters 61:259.
    drawn = np.random.default_rng(3).normal(size=(200, 200)) / np.sqrt(200)
    circuit, state = network("tanh(x)", gain * drawn, "1 second")
    found = lyapunov_exponent(circuit, Setting("rate", DT, "float32"), state, {})
    assert found.chaotic is chaotic
    assert ("is chaotic" in found.warning) is chaotic
    if not chaotic:
        # At rest the network is linear.
        slowest = np.log(np.abs(1 + DT / TAU * (np.linalg.eigvals(gain * drawn) - 1)).max()) / DT
        assert found.exponent == pytest.approx(slowest, rel=0.05)


def test_sums_over_time_do_not_hide_a_decay() -> None:
    made = recurrent(length=100, gain=0.5)
    found = lyapunov_exponent(made.circuit, SETTING, made.state, made.stimuli)
    assert found.populations == ("hidden1",)
    assert found.by_trial.shape == (3,)
    assert found.course.shape == (10, 3)
    assert -250 < found.exponent < -30


def test_what_has_no_exponent_is_refused() -> None:
    circuit, state = network("x", np.eye(2), "8 ms")
    with pytest.raises(CircuitError, match="8 steps; expected at least 10"):
        lyapunov_exponent(circuit, SETTING, state, {})
    with pytest.raises(CircuitError, match="got 'M', expected some of N"):
        lyapunov_exponent(circuit, SETTING, state, {}, populations=("M",))
    with pytest.raises(CircuitError, match="no time"):
        lyapunov_exponent(circuit, Setting("steady"), state, {})
    spiking = NeuronModel("dv/dt = -v/(10*ms) : 1", threshold="v > 1", reset="v = 0")
    spikes = Circuit("spikes", (Population("S", 1, spiking),), phases=(Phase("run", "20 ms"),))
    with pytest.raises(CircuitError, match="'S' spikes"):
        lyapunov_exponent(spikes, SETTING, initial_state(spikes, 0), {})
