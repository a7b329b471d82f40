"""The weight mirror in continuous time: what it averages, when, and of which size."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import State, initial_state
from neurosim.errors import CircuitError
from neurosim.networks import Part
from neurosim.networks.layered import Config as Network
from neurosim.schemes import continuous_weight_mirror
from neurosim.stability.feedback import matched_gain, membrane_gain
from neurosim.training.loop import TrainingResult

RATE = Setting("rate", 1e-3, "float64")
TASK: Any = SimpleNamespace(n_inputs=3, n_outputs=6)
TRIALS = 48


def build(neuron: dict[str, Any] | None = None, **settings: Any) -> Circuit:
    part = {"kind": "leaky_rate", "activation": "identity", "sigma": 1.0, "tau_m": "20 ms", **(neuron or {})}
    network = Network(
        hidden=(12,),
        neuron=Part.model_validate(part),
        output_neuron=Part.model_validate({**part, "noise_site": "rate"} if "noise_site" in part else part),
        readout="squared_error",
        bias=False,
    )
    given = {"tau_mean": "1000 second", "feedback_weights": 0.0, "trace": False, "decay": 1e-9, **settings}
    return continuous_weight_mirror.build(continuous_weight_mirror.Config(**given), network, TASK)


def stimuli(size: float = 1.0) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(3)
    inputs = size * generator.standard_normal((TRIALS, TASK.n_inputs))
    return {"input.r": inputs, "output.target": generator.standard_normal((TRIALS, TASK.n_outputs))}


@functools.cache
def averages(seconds: float = 4.0, **settings: Any) -> np.ndarray:
    """Factors of W^T in what trials' feedback weights would be after mirroring alone, in groups of trials."""
    circuit = build(mirror_duration=f"{seconds} second", feedback_learning_rate=1.0, **settings)
    state, found = initial_state(circuit, 1), []
    for group in range(6):
        given = {name: array[:8] for name, array in stimuli().items()}
        after, _ = BatchedEngine(circuit, RATE).run(state, given, seed=2, first=8 * group, phases=("mirror",))
        weights = state["W2.w"]
        found.append(np.sum(after["B1.w"] / seconds * weights.T) / np.sum(weights**2))
    return np.array(found)


CASES: dict[str, tuple[dict[str, Any], float]] = {
    "as the membrane": ({"tau_noise": "20 ms"}, membrane_gain(20, 20)),
    "slow": ({"tau_noise": "100 ms"}, membrane_gain(100, 20)),
    "delayed": ({"tau_noise": "20 ms", "delay": "10 ms"}, membrane_gain(20, 20, delay=10)),
    "delayed, with a trace": ({"tau_noise": "20 ms", "delay": "10 ms", "trace": True}, matched_gain(20, 20, delay=10)),
}


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=[pytest.mark.slow] if c in ("as the membrane", "delayed") else []) for c in CASES]
)
def test_the_mean_is_the_transposed_weight_times_the_gain(case: str) -> None:
    settings, gain = CASES[case]
    found = averages(normalised=False, **settings)
    error = found.std(ddof=1) / np.sqrt(len(found))
    # Steps of 1 ms and ten stages instead of a sharp delay: two per cent each.
    assert error < 0.05 * gain
    assert abs(found.mean() - gain) < 4 * error + 0.04 * gain


@pytest.mark.parametrize("case", CASES)
def test_the_normaliser_is_the_gain(case: str) -> None:
    settings, gain = CASES[case]
    normaliser = float(initial_state(build(**settings), 0)["hidden1.normaliser"])
    assert normaliser == pytest.approx(gain, rel=0.03 if "delay" in settings else 1e-3)
    sharper = float(initial_state(build(delay_stages=100, **settings), 0)["hidden1.normaliser"])
    assert sharper == pytest.approx(gain, rel=3e-3)


@pytest.mark.parametrize(
    "settings",
    [{"factor": "noise"}, {"factor": "deviation", "tau_mean": "1 second"}, {"neuron": "current", "trace": True}],
    ids=str,
)
def test_normalised_weights_have_the_size_of_the_forward_weights(settings: dict[str, Any]) -> None:
    given = {**settings}
    if given.pop("neuron", None):
        circuit = build({"noise_site": "current"}, **given, feedback_learning_rate=1.0, mirror_duration="6 second")
    else:
        circuit = build(**given, feedback_learning_rate=1.0, mirror_duration="6 second")
    state = initial_state(circuit, 1)
    after, _ = BatchedEngine(circuit, RATE).run(state, stimuli(), seed=2, phases=("mirror",))
    weights = state["W2.w"]
    gain = np.sum(after["B1.w"] / 6 * weights.T) / np.sum(weights**2)
    # The variance of a deviation is at first one, as that of the noise is; what runs in costs some per cent.
    assert gain == pytest.approx(1.0, abs=0.1)


def test_each_phase_moves_its_own_weights() -> None:
    circuit = build(trace=True, duration="20 ms", mirror_duration="20 ms")
    state = initial_state(circuit, 1)
    report = ("hidden1.drive", "input.seen")
    after, outputs = BatchedEngine(circuit, RATE).run(state, stimuli(), report=report, phases=("engaged",))
    assert np.array_equal(after["B1.w"], state["B1.w"])
    assert not np.array_equal(after["W2.w"], state["W2.w"])
    assert np.abs(outputs.ends["engaged"]["hidden1.drive"]).min() > 0
    after, outputs = BatchedEngine(circuit, RATE).run(state, stimuli(), report=report, phases=("mirror",))
    assert not np.array_equal(after["B1.w"], state["B1.w"])
    for name in ("W1.w", "W2.w"):
        assert np.array_equal(after[name], state[name])
    # The input is silent.
    assert not np.any(outputs.ends["mirror"]["input.seen"])
    assert not np.any(outputs.ends["mirror"]["hidden1.drive"])


def test_in_silence_weights_decay_and_nothing_else() -> None:
    circuit = build(factor="deviation", decay=2.0, feedback_weights=1.0, mirror_duration="50 ms")
    state = initial_state(circuit, 1) | {"hidden1.sigma": np.zeros(())}
    after, _ = BatchedEngine(circuit, RATE).run(state, stimuli(0.0), phases=("mirror",))
    rate = float(state["B1.learning_rate"])
    np.testing.assert_allclose(after["B1.w"], (1 - 1e-3 * rate * 2.0) ** 50 * state["B1.w"], rtol=1e-12)


def test_always_on_has_one_phase_with_everything() -> None:
    circuit = build(mode="always")
    (phase,) = circuit.phases
    assert set(phase.learn) == {"W1", "W2", "B1"}
    assert phase.switches == {"perturb": 1.0, "mirror": 1.0, "shown": 1.0}
    assert circuit.local and circuit.carry


def test_feedback_to_the_input_is_refused() -> None:
    config, network = continuous_weight_mirror.Config(), Network(feedback_to_input=True)
    with pytest.raises(CircuitError, match=r"network\.feedback_to_input"):
        continuous_weight_mirror.build(config, network, TASK)


def lif(**settings: Any) -> tuple[Circuit, State, State, np.ndarray]:
    """A spiking circuit before and after 40 s of mirroring, and the hidden neurons' filtered spike trains."""
    part = Part.model_validate({"kind": "lif", "sigma": 1.0})
    network = Network(
        hidden=(20,), neuron=part, output_neuron=part, readout="squared_error", bias_weights=0.3, weights=0.5
    )
    config = continuous_weight_mirror.Config(
        factor="deviation",
        background=1.2,
        tau_mean="1 second",
        feedback_weights=0.0,
        feedback_learning_rate=0.05,
        mirror_duration="40 second",
        **settings,
    )
    circuit = continuous_weight_mirror.build(config, network, TASK)
    # One common operating point above, unequal ones below.
    state = initial_state(circuit, 1) | {"b2.w": np.zeros((TASK.n_outputs, 1))}
    after, outputs = BatchedEngine(circuit, RATE).run(
        state, stimuli(), seed=4, phases=("mirror",), record=("hidden1.r",)
    )
    return circuit, state, after, outputs.recordings["hidden1.r"][5000:]


@pytest.mark.slow
def test_spiking_neurons_that_fire_more_do_not_get_larger_weights() -> None:
    correlation, angle = {}, {}
    for normalised in (True, False):
        _, state, after, trains = lif(normalised=normalised)
        weights, feedback = state["W2.w"], after["B1.w"]
        own = np.sum(feedback * weights.T, axis=1) / np.sum(weights**2, axis=0)
        rates = trains.mean(axis=(0, 1)) / 0.02
        assert rates.min() < 0.5 * rates.max() and rates.max() < 100
        correlation[normalised] = float(np.corrcoef(own, trains.var(axis=(0, 1)))[0, 1])
        cosine = np.sum(feedback * weights.T) / np.linalg.norm(feedback) / np.linalg.norm(weights)
        angle[normalised] = float(np.degrees(np.arccos(cosine)))
    assert correlation[False] > 0.7
    assert abs(correlation[True]) < 0.5
    assert angle[True] < angle[False]


@pytest.mark.slow
def test_digits(digits_in_time: Callable[..., TrainingResult], capsys: pytest.CaptureFixture[str]) -> None:
    result = digits_in_time("continuous_weight_mirror", mirror_duration="50 ms", measure_every=8)
    angles = result.history.weight_angle_deg.sel(epoch=8)
    below, above = (float(angles.sel(layer=layer)) for layer in ("hidden1", "hidden2"))
    with capsys.disabled():
        print(f"\ndigits: test accuracy {result.test.accuracy:.1f} %, angles {below:.0f} and {above:.0f} degrees")
    assert result.test.accuracy > 80
    # Ninety at the start; the forward weights move meanwhile.
    assert below < 45
    assert above < 60
