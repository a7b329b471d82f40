"""What neurons find out of their gradient while noise never stops, against the gradient by differentiation.

(Over 300 lines: the one measurement that all of these tests read stands with them.)
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.noiseless import undisturbed
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.slots import carried_shapes
from neurosim.engines.state import State, initial_state
from neurosim.gradients.true_gradient import Gradients, true_gradients
from neurosim.networks import Part
from neurosim.networks.layered import Config as Network
from neurosim.schemes import continuous_node_perturbation
from neurosim.schemes._continuous import Filters, covariance
from neurosim.training.loop import TrainingResult

STEADY, RATE = Setting("steady", dtype="float64"), Setting("rate", 1e-3, "float64")
STIMULI, REPEATS, GROUPS = 4, 32, 8
HIDDEN = ("hidden1", "hidden2")
TASK: Any = SimpleNamespace(n_inputs=20, n_outputs=10)


@dataclass(frozen=True)
class Found:
    """What was accumulated over a presentation, and the truth.

    Attributes
    ----------
    estimates
        Layer -> mean estimate of each trial, ``(stimulus, repeat, n)``.
    updates
        Pathway -> change of its weights, over its learning rate and the time.
    """

    estimates: dict[str, np.ndarray]
    updates: dict[str, np.ndarray]
    truth: Gradients

    def cosine(self, layer: str) -> tuple[float, float]:
        """Between mean estimate and gradient at the site, mean over stimuli; with a jackknife error over repeats."""
        gradient = self.truth.sites[layer].reshape(STIMULI, REPEATS, -1)[:, 0]
        groups = self.estimates[layer].reshape(STIMULI, GROUPS, REPEATS // GROUPS, -1).mean(axis=2)

        def mean_cosine(estimate: np.ndarray) -> float:
            return float(np.mean([cosine(e, g) for e, g in zip(estimate, gradient, strict=True)]))

        without = [mean_cosine(np.delete(groups, group, axis=1).mean(axis=1)) for group in range(GROUPS)]
        error = np.sqrt((GROUPS - 1) * np.var(without))
        return mean_cosine(groups.mean(axis=1)), float(error)

    def slope(self, layer: str) -> tuple[float, float]:
        """The regression of the mean estimate on the gradient, which is one if the scale is right; with its error."""
        gradient = self.truth.sites[layer].reshape(STIMULI, REPEATS, -1)
        groups = self.estimates[layer].reshape(STIMULI, GROUPS, REPEATS // GROUPS, -1).mean(axis=2)
        slopes = np.einsum("sgn,sn->g", groups, gradient[:, 0]) / np.sum(gradient[:, 0] ** 2)
        return float(slopes.mean()), float(slopes.std(ddof=1) / np.sqrt(GROUPS))

    def update_cosine(self, pathway: str) -> float:
        """Between the accumulated update and minus the gradient of the mean loss."""
        return cosine(self.updates[pathway], -self.truth.weights[f"{pathway}.w"])


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    first, second = np.ravel(first), np.ravel(second)
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


@functools.cache
def built(site: str, seconds: float, **settings: Any) -> Circuit:
    """The small network, with a variable that adds up each neuron's estimate; every presentation from rest."""
    neuron = Part(kind="leaky_rate", noise_site=site)  # type: ignore[call-arg]
    network = Network(hidden=(30, 30), neuron=neuron, readout="squared_error", bias_weights=0.3)
    config = continuous_node_perturbation.Config(
        **{"feedback": "none", "carry": False, "duration": f"{seconds} second", **settings}
    )
    circuit = continuous_node_perturbation.build(config, network, TASK)
    # A leak that hardly matters, so that it has a steady level.
    summed = "dtotal/dt = (estimate - total)/(1000*second) : 1"
    populations = (
        dataclasses.replace(p, equations=f"{p.equations}\n{summed}") if p.name in HIDDEN else p
        for p in circuit.populations
    )
    return dataclasses.replace(circuit, populations=tuple(populations))


@functools.cache
def measure(site: str = "current", seconds: float = 5.0, baseline: bool = True, **settings: Any) -> Found:
    """Let the settled network run on steady stimuli, with weights that all but stand still."""
    structure = {name: settings[name] for name in ("factor", "trace", "feedback") if name in settings}
    # Time constants are data: what differs in them alone is not compiled again.
    circuit = built(site, seconds, **structure)
    state = initial_state(circuit, 1) | numbers(built(site, seconds, **settings))
    generator = np.random.default_rng(2)
    inputs = generator.standard_normal((STIMULI, TASK.n_inputs))
    targets = generator.standard_normal((STIMULI, TASK.n_outputs))
    given = {
        "input.r": np.repeat(inputs, REPEATS, axis=0),
        "output.target": np.repeat(targets, REPEATS, axis=0),
    }
    truth = true_gradients(undisturbed(circuit), STEADY, state, given)
    state |= settled(circuit, state, given)
    rate = 1e-9
    learning = [name for name in circuit.phases[0].learn]
    state |= {f"{name}.learning_rate": np.asarray(rate) for name in learning}
    if not baseline:
        state |= {f"{name}.w": 0 * state[f"{name}.w"] for name in circuit.pathway if name.startswith("R_")}
    report = tuple(f"{layer}.total" for layer in HIDDEN)
    after, outputs = BatchedEngine(circuit, RATE).run(state, given, seed=3, report=report)
    shape = (STIMULI, REPEATS, -1)
    estimates = {layer: outputs.ends["always"][f"{layer}.total"].reshape(shape) * 1000 / seconds for layer in HIDDEN}
    updates = {name: (after[f"{name}.w"] - state[f"{name}.w"]) / (rate * seconds) for name in learning}
    return Found(estimates, updates, truth)


def numbers(circuit: Circuit) -> State:
    """All numbers of a circuit but its weights and learning rates."""
    return {
        name: value for name, value in initial_state(circuit, 1).items() if not name.endswith((".w", ".learning_rate"))
    }


def settled(circuit: Circuit, state: State, given: dict[str, np.ndarray]) -> State:
    """Potentials, running means and the expected loss, where they come to rest without noise."""
    names = [f"{p}.{v}" for p in (*HIDDEN, "output") for v in ("v", "a")]
    names += [f"{layer}.running_mean" for layer in (*HIDDEN, "output") if f"{layer}.running_mean" in state]
    quiet = undisturbed(circuit)
    _, outputs = BatchedEngine(quiet, STEADY).run(state, given, report=(*names, "critic.expected"), learn=False)
    return {name: outputs.ends["always"][name] for name in (*names, "critic.expected")}


ROWS: dict[str, dict[str, Any]] = {
    "noise filtered like the membrane": {},
    "the same, noise at the rate": {"site": "rate"},
    "white noise, filtered": {"tau_noise": "1 ms"},
    "white noise, no trace": {"tau_noise": "1 ms", "trace": "none"},
    "slow noise, no trace": {"trace": "none"},
    "trace of 200 ms": {"tau_trace": "200 ms"},
    "trace in the synapse": {"trace": "synapse"},
    "no baseline": {"baseline": False},
    "deviation": {"factor": "deviation", "trace": "none"},
    "deviation, no baseline": {"factor": "deviation", "trace": "none", "baseline": False},
}


def table() -> str:
    """All cosines, one row each."""
    lines = [f"{'':34s}{'hidden1':>16s}{'hidden2':>16s}{'W1':>7s}{'W2':>7s}{'W3':>7s}{'slope 1':>14s}{'slope 2':>14s}"]
    for label, settings in ROWS.items():
        found = measure(**settings)
        line = f"{label:34s}"
        synaptic = settings.get("trace") == "synapse"
        for layer in HIDDEN:
            mean, error = found.cosine(layer)
            line += f"{'-':>16s}" if synaptic else f"{mean:9.3f} ±{error:5.3f}"
        line += "".join(f"{found.update_cosine(name):7.3f}" for name in ("W1", "W2", "W3"))
        for layer in HIDDEN:
            mean, error = found.slope(layer)
            line += f"{'-':>14s}" if synaptic else f"{mean:8.3f} ±{error:4.3f}"
        lines.append(line)
        print(lines[-1], flush=True)
    return "\n".join(lines)


def test_the_covariance_has_the_known_closed_forms() -> None:
    noise, first, second = 0.02, 0.01, 0.07
    assert covariance(Filters(), Filters(), noise) == pytest.approx(1)
    one = noise / (noise + first)
    assert covariance(Filters(), Filters((first,)), noise) == pytest.approx(one)
    assert covariance(Filters((first,)), Filters(), noise) == pytest.approx(one)
    # A low-pass with itself: the variance of Ornstein-Uhlenbeck noise through a membrane.
    assert covariance(Filters((first,)), Filters((first,)), noise) == pytest.approx(one)
    two = one * noise / (noise + second)
    assert covariance(Filters(), Filters((first, second)), noise) == pytest.approx(two)
    assert covariance(Filters(), Filters((second, first)), noise) == pytest.approx(two)
    assert covariance(Filters(), Filters(high=(first,)), noise) == pytest.approx(1 - one)


def test_the_covariance_is_that_of_a_simulation() -> None:
    dt, noise, poles, mean = 1e-4, 0.02, (0.01, 0.015), 0.05
    generator, trials = np.random.default_rng(0), 4000
    values = generator.standard_normal((1, trials)) * np.ones((5, 1))
    values[1:] = 0
    total, count = 0.0, 0
    for step in range(6000):
        source, trace, low, lower, follows = values
        values = values + dt * np.array(
            [
                -source / noise,
                (source - trace) / poles[0],
                (source - low) / poles[0],
                (low - lower) / poles[1],
                (lower - follows) / mean,
            ]
        )
        values[0] += np.sqrt(2 * dt / noise) * generator.standard_normal(trials)
        if step >= 3000 and step % 200 == 0:
            total, count = total + float(np.mean(values[1] * (values[3] - values[4]))), count + 1
    expected = covariance(Filters(poles[:1]), Filters(poles, (mean,)), noise)
    # 15 moments 20 ms apart of 4,000 processes; the product's standard deviation is about that of its factors'.
    assert total / count == pytest.approx(expected, abs=4.5 * 0.6 / np.sqrt(4000 * 7))


@pytest.mark.slow
def test_the_table_of_cosines(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print()
        table()
    matched, site, deviation = (
        measure(**ROWS[label])
        for label in ("noise filtered like the membrane", "the same, noise at the rate", "deviation")
    )
    for layer in HIDDEN:
        for found in (matched, site):
            assert found.cosine(layer)[0] > 0.9
        # It needs no access to the noise, and has that of the layers below in it.
        assert deviation.cosine(layer)[0] > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("site", ["current", "rate"])
def test_the_mean_estimate_has_the_size_of_the_gradient(site: str) -> None:
    # Normalisers of the two layers differ by a fifth to a third; wrong ones would show.
    found = measure(site=site) if site == "rate" else measure()
    for layer in HIDDEN:
        slope, error = found.slope(layer)
        assert error < 0.06
        assert abs(slope - 1) < 3 * error + 0.03


@pytest.mark.slow
def test_what_the_estimate_needs() -> None:
    found = {label: measure(**settings) for label, settings in ROWS.items() if label != "trace in the synapse"}
    cosines = {label: {layer: row.cosine(layer) for layer in HIDDEN} for label, row in found.items()}

    def significantly_above(better: str, worse: str, layer: str) -> bool:
        (high, high_error), (low, low_error) = cosines[better][layer], cosines[worse][layer]
        return high - low > 3 * np.hypot(high_error, low_error)

    matched = "noise filtered like the membrane"
    for layer in HIDDEN:
        assert significantly_above(matched, "white noise, no trace", layer)
        assert significantly_above(matched, "no baseline", layer)
        # Deviations are centred by themselves, so they need a baseline less.
        assert significantly_above("deviation, no baseline", "no baseline", layer)
        assert significantly_above("deviation", "deviation, no baseline", layer)
        # Without a trace white noise is gone before the loss answers.
        mean, error = cosines["white noise, no trace"][layer]
        assert abs(mean) < 4 * error


@pytest.mark.slow
def test_a_trace_in_the_synapse_is_as_good_where_the_input_is_steady() -> None:
    # There it is the same filter in another place.
    inside, outside = measure(trace="synapse"), measure()
    for pathway in ("W1", "W2", "W3"):
        assert inside.update_cosine(pathway) == pytest.approx(outside.update_cosine(pathway), abs=0.02)


@pytest.mark.slow
def test_feedback_learns_the_gradient_in_passing(capsys: pytest.CaptureFixture[str]) -> None:
    circuit = learning_feedback()
    generator, trials, seconds = np.random.default_rng(6), 64, 20
    given = {
        "input.r": generator.standard_normal((trials, TASK.n_inputs)),
        "output.target": generator.standard_normal((trials, TASK.n_outputs)),
    }
    state = initial_state(circuit, 1)
    before = signal_cosines(circuit, state, given)
    # Each trial sees its own stimulus all the time.
    order = np.tile(np.arange(trials), (5 * seconds, 1))
    after, _ = BatchedEngine(circuit, RATE).train(state, given, order, seed=3, first=0)
    unmoved = {name: state[name] for name in carried_shapes(circuit)}
    learned = signal_cosines(circuit, {**after, **unmoved}, given)
    with capsys.disabled():
        print(f"\ncosine of the delivered signal with the gradient: {before} before, {learned} after {seconds} s")
    for layer in HIDDEN:
        assert abs(before[layer]) < 0.3
        assert learned[layer] > 0.7


def learning_feedback() -> Circuit:
    """The small network with feedback that learns and forward weights that all but stand still."""
    network = Network(hidden=(30, 30), readout="squared_error", bias_weights=0.3)
    config = continuous_node_perturbation.Config(learning_rate=1e-12, feedback_learning_rate=0.1)
    return continuous_node_perturbation.build(config, network, TASK)


def signal_cosines(circuit: Circuit, state: State, given: dict[str, np.ndarray]) -> dict[str, float]:
    """Of what feedback delivers with the gradient at the site of noise, without noise; mean over trials."""
    quiet = undisturbed(circuit)
    truth = true_gradients(quiet, STEADY, state, given).sites
    names = {layer: f"{layer}.signal_now" for layer in HIDDEN}
    _, outputs = BatchedEngine(quiet, STEADY).run(state, given, report=tuple(names.values()), learn=False)
    found = {}
    for layer, name in names.items():
        pairs = zip(outputs.ends["always"][name], truth[layer], strict=True)
        found[layer] = round(float(np.mean([cosine(*pair) for pair in pairs])), 3)
    return found


@pytest.mark.slow
def test_digits(digits_in_time: Callable[..., TrainingResult], capsys: pytest.CaptureFixture[str]) -> None:
    result = digits_in_time("continuous_node_perturbation", feedback_weights=0.5)
    with capsys.disabled():
        print(f"\ndigits, learned feedback: test accuracy {result.test.accuracy:.1f} % after 8 epochs")
    assert result.test.accuracy > 80
