"""Gradients of networks that spike: closed forms, likelihood ratios, differences of the expected loss, surrogates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Phase, Population
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.gradients.finite_difference import finite_difference_gradients
from neurosim.gradients.true_gradient import true_gradients
from neurosim.networks import Part
from neurosim.neurons._model import NeuronModel

SPIKING = Setting("spiking", 1e-3, "float64")
Arrays = Mapping[str, np.ndarray]


def neuron(name: str, **settings: Any) -> NeuronModel:
    module = registry.load("neurons", name)
    return module.build(module.Config(**settings))


def cosines(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.sum(one * other, axis=-1) / (np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1))


# One neuron, whose expected output has a closed form


def test_a_finite_difference_is_the_derivative_of_the_mean_rate_under_noise(build: Callable[..., Circuit]) -> None:
    sigma, epsilon, current, target, trials = 0.3, 0.1, 1.6, 50.0, 256
    hidden: Any = Part(kind="lif", sigma=sigma)  # type: ignore[call-arg]
    choice = {"restart": True}
    circuit = build("node_perturbation", "200 ms", choice, hidden=(1,), neuron=hidden, readout="squared_error")
    state = initial_state(circuit, 0)
    state |= {"W1.w": np.full((1, 3), current / 3), "b1.w": np.zeros((1, 1)), "b2.w": np.zeros((4, 1))}
    state["W2.w"] = np.array([[1.0], [0], [0], [0]])
    targets = np.zeros((trials, 4))
    targets[:, 0] = target
    given = {"input.r": np.ones((trials, 3)), "output.target": targets}
    settings: dict[str, Any] = {"epsilon": epsilon, "draws": 16}
    found = finite_difference_gradients(circuit, SPIKING, state, given, **settings)["hidden1"]
    # So far from the target the loss is all but linear in the output: the spike train filtered with 20 and 10 ms.
    # Under a constant current spikes come at intervals known in closed form, in whole steps; the mean is one over
    # the current's law.
    noise = np.linspace(-6, 6, 50_001)
    weight = np.exp(-(noise**2) / 2) / np.sum(np.exp(-(noise**2) / 2))
    keep, kept = np.exp(-1 / 10), 1 - 1 / 20 + 1 / 800
    since = np.arange(200)
    left = np.where(since > 0, (1 - keep) * (kept**since - keep**since) / (kept - keep), 0.0)

    def mean(offset: float) -> float:
        total = np.maximum(current + offset + sigma * noise, 1 + 1e-9)
        rise = np.ceil(20 * np.log(total / (total - 1))).astype(int)
        spike, output = rise - 1, np.zeros_like(noise)
        while np.any(spike < 200):
            output += np.where(spike < 200, left[np.clip(199 - spike, 0, 199)], 0.0)
            spike = spike + rise + 1
        return float(np.sum(weight * output))

    slope = (mean(epsilon) - mean(-epsilon)) / (2 * epsilon)
    spread = 4.5 * found.std() / np.sqrt(found.size)
    assert spread < 0.1 * target * slope
    assert abs(found.mean() + (target - mean(0.0)) * slope) < spread


def expected_output(current: float, steps: int) -> float:
    """The mean filtered spike train of `lif_escape` after so many steps of 1 ms, by the renewal equation."""
    dt, tau, width, tau_0 = 1e-3, 0.02, 0.1, 5e-3
    potentials = [0.0]
    for _ in range(steps):
        potentials.append(potentials[-1] + dt * (current - potentials[-1]) / tau)
    chance = 1 - np.exp(-dt / tau_0 * np.exp(np.clip((np.array(potentials) - 1) / width, -50, 5)))
    first = chance * np.concatenate([[1.0], np.cumprod(1 - chance)[:-1]])
    # Two steps of refractoriness: the first after a spike draws nothing.
    interval = np.concatenate([[0.0, 0.0], first])
    rate = np.zeros(steps)
    for step in range(steps):
        rate[step] = first[step] + rate[:step] @ interval[step:0:-1]
    return float(rate @ (1 - dt / tau) ** np.arange(steps - 1, -1, -1))


def escaping(site: str) -> tuple[Circuit, dict[str, np.ndarray]]:
    """One neuron with escape noise for 60 ms, in 40,000 trials; all that it reports at the end."""
    model = neuron("lif_escape", noise_site=site)
    circuit = Circuit("one", (Population("cell", 1, model),), phases=(Phase("run", "60 ms", {"perturb": 1.0}),))
    report = ["cell.r", "cell.factor"] + (["cell.surplus", "cell.spread"] if site == "count" else [])
    given = {"cell.i_ext": np.full((40_000, 1), 1.3)}
    _, outputs = BatchedEngine(circuit, SPIKING).run(initial_state(circuit, 0), given, report=report)
    return circuit, {name.split(".")[1]: a[:, 0].astype(np.float64) for name, a in outputs.ends["run"].items()}


def assert_mean(values: np.ndarray, expected: float) -> None:
    assert abs(values.mean() - expected) < 4.5 * values.std() / np.sqrt(values.size)


def test_the_likelihood_ratio_is_the_derivative_of_the_renewal_process() -> None:
    _, found = escaping("current")
    assert_mean(found["r"], expected_output(1.3, 60))
    assert_mean(found["factor"], 0.0)
    derivative = (expected_output(1.301, 60) - expected_output(1.299, 60)) / 0.002
    estimates = found["factor"] * (found["r"] - found["r"].mean())
    assert_mean(estimates, derivative)
    # The test has the power to see a tenth.
    assert 4.5 * estimates.std() / np.sqrt(estimates.size) < 0.1 * derivative


def test_spikes_vary_about_those_expected_by_the_variance_kept() -> None:
    _, found = escaping("count")
    assert_mean(found["surplus"], 0.0)
    assert_mean(found["surplus"] ** 2 - found["spread"], 0.0)
    np.testing.assert_allclose(found["factor"], found["surplus"] / (found["spread"] + 1e-6), rtol=1e-5)


# Networks


def network(build: Callable[..., Circuit], kind: str) -> tuple[Circuit, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Untrained, 20 inputs between 0 and 1, 4 outputs."""
    hidden: Any = Part(kind=kind)
    output: Any = Part(kind="leaky_rate", activation="identity", tau_m="20 ms")  # type: ignore[call-arg]
    parts: dict[str, Any] = {"neuron": hidden, "output_neuron": output}
    circuit = build("node_perturbation", "50 ms", {"restart": True}, hidden=(12,), weights=3.0, **parts)
    generator = np.random.default_rng(5)
    state = initial_state(circuit, 1)
    state["W1.w"] = state["W1.w"] + 0.4
    targets = np.eye(4)[generator.integers(0, 4, 4)]
    return circuit, state, {"input.r": generator.uniform(size=(4, 3)), "output.target": targets}


@pytest.mark.slow
def test_likelihood_ratio_and_finite_differences_are_the_same_gradient(build: Callable[..., Circuit]) -> None:
    circuit, state, given = network(build, "lif_escape")
    differences = finite_difference_gradients(circuit, SPIKING, state, given, epsilon=0.1, draws=600)["hidden1"]
    draws = 30_000
    repeated = {name: np.repeat(array, draws, axis=0) for name, array in given.items()}
    longer = replace(circuit, phases=(*circuit.phases, Phase("after", "1 ms")))
    report = ("hidden1.estimate",)
    _, outputs = BatchedEngine(longer, SPIKING).run(state, repeated, report=report, learn=False)
    ratio = outputs.ends["after"]["hidden1.estimate"].reshape(4, draws, -1).mean(axis=1)
    assert np.all(cosines(ratio, differences) > 0.95)
    np.testing.assert_allclose(np.linalg.norm(ratio), np.linalg.norm(differences), rtol=0.15)


# Some 30 s each: a draw of the noise takes a presentation.
@pytest.mark.slow
def test_surrogate_gradients_point_where_the_expected_loss_does_unless_they_go_through_resets(
    build: Callable[..., Circuit],
) -> None:
    circuit, state, given = network(build, "lif")
    few, many = (
        finite_difference_gradients(circuit, SPIKING, state, given, epsilon=0.1, draws=draws, seed=seed)["hidden1"]
        for seed, draws in ((1, 20), (2, 200))
    )
    draws = 64
    repeated = {name: np.repeat(array, draws, axis=0) for name, array in given.items()}

    def surrogate(**changes: Any) -> np.ndarray:
        setting = replace(SPIKING, **{"surrogate_width": 0.1, **changes})
        found = true_gradients(circuit, setting, state, repeated, phase="perturbed").sites["hidden1"]
        return found.reshape(4, draws, -1).mean(axis=1)

    cut = cosines(surrogate(), many).mean()
    assert cut > 0.9
    # More draws bring them together, a wider pseudo-derivative and one that goes through resets apart.
    assert cosines(surrogate(), few).mean() < cut
    assert cosines(surrogate(surrogate_width=1.0), many).mean() < cut - 0.02
    assert cosines(surrogate(surrogate_reset=True), many).mean() < cut - 0.3
    # One spike more, where in truth the same spikes come earlier: too large by the steps that the output remembers.
    assert 8 < np.linalg.norm(surrogate()) / np.linalg.norm(many) < 50


def test_without_a_width_a_spiking_network_has_a_gradient_all_the_same(build: Callable[..., Circuit]) -> None:
    circuit, state, given = network(build, "lif")
    found = true_gradients(circuit, SPIKING, state, given)
    named = true_gradients(circuit, replace(SPIKING, surrogate_width=0.1), state, given)
    assert np.all(np.linalg.norm(found.sites["hidden1"], axis=1) > 0)
    np.testing.assert_array_equal(found.sites["hidden1"], named.sites["hidden1"])


@pytest.mark.parametrize("current", [1.1, 1.3, 1.6, 2.0])
def test_the_slope_that_a_neuron_keeps_is_that_of_its_rate(current: float) -> None:
    from neurosim.recording.simulate import simulate

    model = neuron("lif", width=0.1)
    course = simulate(model, "1 second", inputs={"i_ext": current}, dt="0.1 ms", record=["slope"]).slope
    # Derivative of tau_r/(tau_ref + tau_m*log(i/(i - 1))).
    interval = 2e-3 + 20e-3 * np.log(current / (current - 1))
    exact = 0.02 * 0.02 / interval**2 / (current * (current - 1))
    # A pseudo-derivative knows nothing of how fast the threshold is approached: right within a factor of two.
    assert 0.5 * exact < float(course[3000:].mean()) < 2 * exact
