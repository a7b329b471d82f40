"""The gradient by automatic differentiation against central differences of the engine's own loss."""

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
from neurosim.errors import CircuitError
from neurosim.gradients.true_gradient import sites_of, true_gradients
from neurosim.networks import Part
from tests.default_run import LAYERED, mechanism, one_of_each

SETTINGS = [Setting("steady", dtype="float64"), Setting("rate", 1e-3, "float64")]
TOLERANCE, STEP = 1e-6, 1e-4
NO_CLEAN_PHASE = ("rules at every step",)
Arrays = Mapping[str, np.ndarray]


def losses(circuit: Circuit, setting: Setting, state: Arrays, given: Arrays) -> np.ndarray:
    """The loss of each trial at the end of the first phase."""
    first = circuit.phases[0].name
    _, outputs = BatchedEngine(circuit, setting).run(state, given, report=("loss",), learn=False, phases=(first,))
    return outputs.ends[first]["loss"][:, 0]


def difference(loss: Callable[[float], np.ndarray]) -> np.ndarray:
    """The derivative at zero; four points, so that neither rounding nor curvature shows."""
    near, far = (loss(step) - loss(-step) for step in (STEP, 2 * STEP))
    return (8 * near - far) / (12 * STEP)


def assert_close(name: str, got: np.ndarray, expected: np.ndarray) -> None:
    assert got.shape == expected.shape, name
    assert np.linalg.norm(got - expected) <= TOLERANCE * np.linalg.norm(expected), name


def assert_gradients(circuit: Circuit, setting: Setting, given: Arrays) -> None:
    state = initial_state(circuit, 1)
    found = true_gradients(circuit, setting, state, given)
    np.testing.assert_allclose(found.loss, losses(circuit, setting, state, given), rtol=1e-12)
    for name, gradient in found.weights.items():
        expected = np.empty_like(gradient)
        for index in np.ndindex(gradient.shape):

            def moved(step: float, name: str = name, index: tuple[int, ...] = index) -> np.ndarray:
                weights = state[name].copy()
                weights[index] += step
                return losses(circuit, setting, state | {name: weights}, given)

            expected[index] = difference(moved).mean()
        assert_close(name, gradient, expected)
    for site in sites_of(circuit):
        population = site.split(".")[0]
        assert_close(site, found.sites[population], by_noise(circuit, setting, state, given, population))


def by_noise(circuit: Circuit, setting: Setting, state: Arrays, given: Arrays, population: str) -> np.ndarray:
    """Perturb by the neuron's own noise, the way an experiment in the model would."""
    first = circuit.phases[0]
    noisy = replace(first, switches={**first.switches, "perturb": 1.0}, draw_noise=False)
    circuit = replace(circuit, phases=(noisy, *circuit.phases[1:]))
    if not first.switches.get("perturb"):
        # The switch would let in noise that neurons make themselves, which this phase is without.
        silenced = (replace(p, bind={**p.bind, "noise": "0"}) if "noise" in p.bind else p for p in circuit.populations)
        circuit = replace(circuit, populations=tuple(silenced))
    given = dict(given)
    site = f"{population}.noise"
    bound = circuit.population[population].bind.get("noise")
    if bound is not None:
        # Noise that the neuron makes itself stays as it is; what the experiment adds comes on top.
        changed = circuit.population[population]
        lines = f"{changed.equations}\nadded_noise : 1"
        changed = replace(changed, equations=lines, bind={**changed.bind, "noise": f"{bound} + added_noise"})
        circuit = replace(
            circuit, populations=tuple(changed if p.name == population else p for p in circuit.populations)
        )
        site = f"{population}.added_noise"
    trials, size = len(given["input.r"]), circuit.population[population].size
    sigma = float(state[f"{population}.sigma"])
    found = np.empty((trials, size))
    for neuron in range(size):
        direction = np.zeros((trials, size))
        direction[:, neuron] = 1 / sigma

        def moved(step: float, direction: np.ndarray = direction) -> np.ndarray:
            return losses(circuit, setting, state, {**given, site: step * direction})

        found[:, neuron] = difference(moved)
    return found


@pytest.mark.parametrize(
    ("scheme", "setting"),
    one_of_each(
        [(scheme, setting) for setting in SETTINGS for scheme in reversed(LAYERED)],
        # Gradients are those of the first phase, which in time is a clean one but where rules act at every step.
        lambda scheme, setting: mechanism(scheme) if setting.steady else mechanism(scheme) in NO_CLEAN_PHASE,
    ),
    ids=lambda each: each if isinstance(each, str) else each.level,
)
def test_every_scheme(scheme: str, setting: Setting, build: Callable[..., Circuit], given: Arrays) -> None:
    circuit = build(scheme, hidden=(3, 2))
    if circuit.loops and setting.steady:
        with pytest.raises(CircuitError, match="a loop has no steady state"):
            true_gradients(circuit, setting, initial_state(circuit, 1), given)
        return
    assert_gradients(circuit, setting, given)


@pytest.mark.parametrize(
    "setting", [SETTINGS[0], pytest.param(SETTINGS[1], marks=pytest.mark.slow)], ids=lambda s: s.level
)
def test_noise_as_a_current_and_another_loss(setting: Setting, build: Callable[..., Circuit], given: Arrays) -> None:
    neuron = Part(kind="leaky_rate", noise_site="current", activation="sigmoid")  # type: ignore[call-arg]
    circuit = build("node_perturbation", hidden=(3, 2), neuron=neuron, readout="squared_error")
    assert sites_of(circuit) == ("hidden1.drive", "hidden2.drive")
    assert_gradients(circuit, setting, given)


@pytest.mark.parametrize(
    "setting", [SETTINGS[0], pytest.param(SETTINGS[1], marks=pytest.mark.slow)], ids=lambda s: s.level
)
def test_the_gradient_is_taken_at_the_phase_asked_for(
    setting: Setting, build: Callable[..., Circuit], given: Arrays
) -> None:
    circuit = build("node_perturbation")
    state = initial_state(circuit, 1)
    clean, perturbed = (true_gradients(circuit, setting, state, given, phase=p.name) for p in circuit.phases)
    assert np.abs(clean.loss - perturbed.loss).min() > 1e-4


def test_trials_do_not_see_each_other(build: Callable[..., Circuit], given: Arrays) -> None:
    circuit = build("backpropagation")
    state = initial_state(circuit, 1)
    together = true_gradients(circuit, SETTINGS[0], state, given)
    alone = [
        true_gradients(circuit, SETTINGS[0], state, {name: array[[trial]] for name, array in given.items()})
        for trial in range(3)
    ]
    for population, gradient in together.sites.items():
        np.testing.assert_allclose(gradient, np.concatenate([a.sites[population] for a in alone]), rtol=1e-12)
    for name, gradient in together.weights.items():
        np.testing.assert_allclose(gradient, np.mean([a.weights[name] for a in alone], axis=0), rtol=1e-10, atol=1e-15)


def test_no_readout_no_gradient() -> None:
    module = registry.load("neurons", "leaky_rate")
    neuron = module.build(module.Config())
    circuit = Circuit("silent", (Population("a", 1, neuron),), phases=(Phase("only", "5 ms"),))
    with pytest.raises(CircuitError, match="'silent' has no readout"):
        true_gradients(circuit, SETTINGS[0], initial_state(circuit, 0), {})


def test_the_noise_based_estimate_converges_to_the_gradient(build: Callable[..., Circuit], given: Arrays) -> None:
    neuron: Any = Part(kind="leaky_rate", sigma=1e-3)  # type: ignore[call-arg]
    circuit = build("node_perturbation", neuron=neuron)
    # Estimates are held at the end of the perturbed phase, and read at the end of one more.
    circuit = replace(circuit, phases=(*circuit.phases, Phase("after", "1 ms")))
    state, draws = initial_state(circuit, 1), 4000
    repeated = {name: np.repeat(array, draws, axis=0) for name, array in given.items()}
    names = ("hidden1.estimate", "hidden2.estimate")
    _, outputs = BatchedEngine(circuit, SETTINGS[0]).run(state, repeated, report=names, learn=False)
    truth = true_gradients(circuit, SETTINGS[0], state, given).sites
    everything = np.sum([np.sum(gradient**2, axis=1) for gradient in truth.values()], axis=0)
    for name in names:
        gradient = truth[name.split(".")[0]]
        drawn = outputs.ends["after"][name].reshape(len(gradient), draws, -1)
        estimate = drawn.mean(axis=1)
        cosine = np.sum(estimate * gradient, axis=1) / np.prod(
            [np.linalg.norm(a, axis=1) for a in (estimate, gradient)], axis=0
        )
        assert np.all(cosine > 0.99), name
        # The variance of one estimate is |g|^2 over all perturbed neurons plus the neuron's own share.
        variance = everything[:, None] + gradient**2
        np.testing.assert_allclose(drawn.var(axis=1), variance, rtol=0.25)
        assert np.all(np.abs(estimate - gradient) < 4.5 * np.sqrt(variance / draws))
