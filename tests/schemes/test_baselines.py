"""Critics in place of a clean phase: what they learn to expect, and what that does to the estimates."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.noiseless import undisturbed
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.gradients.true_gradient import true_gradients
from neurosim.networks import Part
from neurosim.networks.layered import Config as Network

STEADY = Setting("steady", dtype="float64")
SIGMA, CLASSES, TRIALS = 0.05, 4, 60_000
SCHEMES = ("node_perturbation", "node_perturbation_only")


def build(baseline: str, scheme: str = "node_perturbation") -> Circuit:
    neuron = Part.model_validate({"kind": "leaky_rate", "sigma": SIGMA})
    network = Network(hidden=(6, 5), neuron=neuron, readout="squared_error", bias_weights=0.3)
    module = registry.load("schemes", scheme)
    task = SimpleNamespace(n_inputs=3, n_outputs=CLASSES)
    return module.build(module.Config(baseline=baseline), network, task)


def still(circuit: Circuit) -> dict[str, np.ndarray]:
    """A state in which only the critic learns."""
    state = initial_state(circuit, 2)
    return state | {n: np.zeros(()) for n in state if n.endswith(".learning_rate") and n != "V.learning_rate"}


def stimuli(trials: int) -> dict[str, np.ndarray]:
    """Classes whose losses differ: the targets of some are further away."""
    generator = np.random.default_rng(7)
    labels = generator.integers(0, CLASSES, trials)
    targets = np.diag([1.0, 1.5, 2.0, 3.0])[labels]
    return {"input.r": generator.standard_normal((trials, 3)), "output.target": targets}


def losses(circuit: Circuit, state: dict[str, Any], given: dict[str, np.ndarray]) -> np.ndarray:
    _, outputs = BatchedEngine(circuit, STEADY).run(state, given, report=("loss",), learn=False)
    return outputs.ends["perturbed"]["loss"][:, 0]


# Each scheme and each baseline, but not each with each.
@pytest.mark.parametrize(
    ("baseline", "scheme"),
    [
        ("running", "node_perturbation"),
        ("class", "node_perturbation_only"),
        pytest.param("running", "node_perturbation_only", marks=pytest.mark.slow),
        pytest.param("class", "node_perturbation", marks=pytest.mark.slow),
    ],
)
def test_the_critic_learns_the_mean_loss(baseline: str, scheme: str) -> None:
    circuit, batch, rate = build(baseline, scheme), 50, 0.02
    state, given = still(circuit) | {"V.learning_rate": np.asarray(rate)}, stimuli(500)
    order = np.random.default_rng(1).integers(0, 500, (6000, batch))
    after, outputs = BatchedEngine(circuit, STEADY).train(state, given, order, seed=3, first=0)
    for name in state:
        assert name == "V.w" or np.array_equal(after[name], state[name]), name
    seen = outputs.ends["perturbed"]["loss"][:, 0]
    targets = given["output.target"][order.ravel()]
    groups = [np.ones(len(seen), bool)] if baseline == "running" else [column > 0 for column in targets.T]
    scale = np.ones(1) if baseline == "running" else np.max(given["output.target"], axis=0)
    for value, target, group in zip(after["V.w"][0], scale, groups, strict=True):
        # A running mean of rate a over batches of B has the variance a/(2B) times that of a sample.
        spread = 4 * np.std(seen[group]) * np.sqrt(rate * target**2 / (2 * batch))
        assert value * target == pytest.approx(np.mean(seen[group]), abs=spread)
    assert np.ptp([np.mean(seen[group]) for group in groups]) > 0.5 or baseline == "running"


def expecting(baseline: str, given: dict[str, np.ndarray]) -> tuple[Circuit, dict[str, Any], np.ndarray]:
    """A circuit whose critic has learned, or expects nothing; and the loss without noise minus what it expects."""
    circuit = build("class" if baseline == "class" else "running")
    state = still(circuit)
    plain = losses(undisturbed(circuit), state, given)
    targets = given["output.target"]
    if baseline == "class":
        means = np.array([np.mean(plain[column > 0]) for column in targets.T])
        state["V.w"] = (means / np.max(targets, axis=0))[None]
        return circuit, state, plain - targets @ state["V.w"][0]
    state["V.w"] = np.full((1, 1), np.mean(plain) if baseline == "running" else 0.0)
    return circuit, state, plain - state["V.w"][0, 0]


def estimates(circuit: Circuit, state: dict[str, Any], given: dict[str, np.ndarray]) -> np.ndarray:
    """The estimate of each trial at all hidden units."""
    # What phases hold is returned where the state carries over.
    after, _ = BatchedEngine(replace(circuit, carry=True), STEADY).run(state, given, seed=5, learn=False)
    return np.concatenate([after["hidden1.estimate"], after["hidden2.estimate"]], axis=1)


def test_variance_is_that_of_a_clean_phase_and_of_what_was_not_expected() -> None:
    given, cosines, spreads = stimuli(TRIALS), {}, {}
    for baseline in ("class", "running", "none"):
        circuit, state, rest = expecting(baseline, given)
        found = estimates(circuit, state, given)
        sites = true_gradients(undisturbed(circuit), STEADY, state, given).sites
        truth = np.concatenate([sites["hidden1"], sites["hidden2"]], axis=1)
        second = np.mean(truth**2, axis=0) + np.mean(np.sum(truth**2, axis=1)) + np.mean(rest**2) / SIGMA**2
        spreads[baseline] = np.mean(np.var(found, axis=0))
        assert spreads[baseline] == pytest.approx(np.mean(second), rel=0.05)
        mean, wanted = found.mean(axis=0), truth.mean(axis=0)
        cosines[baseline] = mean @ wanted / np.linalg.norm(mean) / np.linalg.norm(wanted)
        # Twice the expected distance of a mean over so many trials from what it estimates.
        assert np.linalg.norm(mean - wanted) < 2 * np.sqrt(np.sum(np.var(found, axis=0)) / TRIALS)
    assert spreads["class"] < 0.8 * spreads["running"] < 0.8 * spreads["none"]
    assert cosines["class"] > cosines["running"] > cosines["none"]


def test_without_any_baseline_few_samples_tell_little() -> None:
    """The cosine of the mean estimate with the gradient at equal samples, averaged over many blocks of them."""
    given, found = stimuli(TRIALS), {}
    for baseline in ("class", "running", "none"):
        circuit, state, _ = expecting(baseline, given)
        sites = true_gradients(undisturbed(circuit), STEADY, state, given).sites
        wanted = np.concatenate([sites["hidden1"], sites["hidden2"]], axis=1).mean(axis=0)
        blocks = estimates(circuit, state, given).reshape(60, -1, len(wanted)).mean(axis=1)
        found[baseline] = np.mean(blocks @ wanted / np.linalg.norm(blocks, axis=1) / np.linalg.norm(wanted))
    assert found["class"] > found["running"] > found["none"]
    assert found["none"] < 0.7 * found["class"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_there_is_no_clean_phase_and_evaluation_is_clean(scheme: str) -> None:
    circuit, given = build("running", scheme), stimuli(40)
    assert [phase.name for phase in circuit.phases] == ["perturbed"]
    assert circuit.local
    clean = build("clean", scheme)
    _, outputs = BatchedEngine(clean, STEADY).run(initial_state(clean, 2), given, report=("loss",), learn=False)
    np.testing.assert_allclose(
        losses(undisturbed(circuit), initial_state(circuit, 2), given), outputs.ends["clean"]["loss"][:, 0], rtol=1e-12
    )
    assert undisturbed(clean) is clean


def test_a_network_without_biases_gets_the_unit_the_critic_needs() -> None:
    module = registry.load("schemes", "node_perturbation")
    network, task = Network(hidden=(4,), bias=False), SimpleNamespace(n_inputs=3, n_outputs=2)
    assert "one" in module.build(module.Config(baseline="running"), network, task).population
    assert "one" not in module.build(module.Config(baseline="class"), network, task).population


@pytest.mark.parametrize(
    ("scheme", "other"),
    [("node_perturbation", {"reward_scope": "batch"}), ("node_perturbation_only", {"factor": "activity"})],
)
def test_what_needs_a_clean_phase_says_so(scheme: str, other: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=f"got {next(iter(other))}.* with baseline 'class'"):
        registry.load("schemes", scheme).Config(baseline="class", **other)
