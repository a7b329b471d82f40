"""A phase that begins at rest, and spiking networks that learn, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state, learned_names
from neurosim.networks import Part
from neurosim.recording.courses import over_time
from neurosim.recording.inputs import apply_inputs
from tests.default_run import one_of_each

SETTING = Setting("spiking", 1e-3, "float64")
ENGINES = (BatchedEngine, BrianEngine)
OTHERS = ("node_perturbation_only", "weight_perturbation", "vector_response")


def spiking(
    build: Callable[..., Circuit], kind: str, *, restart: bool = True, output: str = "leaky_rate", **settings: Any
) -> Circuit:
    parts: dict[str, Any] = {"neuron": Part(kind=kind, **settings), "output_neuron": Part(kind=output)}
    choice: dict[str, Any] = {"restart": restart, "output_learning_rate": 0.03}
    return build("node_perturbation", "25 ms", choice, weights=4.0, bias_weights=1.5, **parts)


@pytest.mark.parametrize("engine", ENGINES)
def test_two_phases_from_rest_differ_by_the_noise_alone(
    engine: Any, build: Callable[..., Circuit], stimuli: Callable[[int], Any]
) -> None:
    for restart in (True, False):
        circuit = spiking(build, "lif", restart=restart)
        state = initial_state(circuit, 1) | {"hidden1.sigma": np.array(0.0), "hidden2.sigma": np.array(0.0)}
        # Nothing divides by the missing noise when phases are run without their estimates.
        _, outputs = engine(circuit, SETTING).run(
            state, stimuli(2), learn=False, report=("loss", "hidden1.r"), record=("hidden1.spikes",)
        )
        clean, perturbed = (outputs.ends[phase.name] for phase in circuit.phases)
        assert outputs.recordings["hidden1.spikes"].any()
        assert np.array_equal(perturbed["hidden1.r"], clean["hidden1.r"]) == restart
        assert np.array_equal(perturbed["loss"], clean["loss"]) == restart


@pytest.mark.parametrize(
    ("restart", "scheme"),
    one_of_each([(restart, scheme) for restart in (True, False) for scheme in OTHERS], lambda restart, _: restart),
)
def test_other_schemes_may_begin_at_rest_too(
    scheme: str, restart: bool, build: Callable[..., Circuit], stimuli: Callable[[int], Any]
) -> None:
    parts = {"neuron": Part(kind="lif"), "output_neuron": Part(kind="leaky_rate")}
    circuit = build(scheme, "25 ms", {"restart": restart}, weights=4.0, bias_weights=1.5, **parts)
    start = initial_state(circuit, 1)
    silent = {name: np.zeros_like(value) for name, value in start.items() if name.endswith(".sigma")}
    assert silent
    _, outputs = BatchedEngine(circuit, SETTING).run(start | silent, stimuli(2), learn=False, report=("loss",))
    clean, perturbed = (outputs.ends[phase.name] for phase in circuit.phases)
    assert np.array_equal(perturbed["loss"], clean["loss"]) == restart
    after, _ = BatchedEngine(circuit, SETTING).run(start, stimuli(2), seed=7)
    assert any(np.any(after[name] != start[name]) for name in learned_names(circuit))


@pytest.mark.parametrize(
    ("kind", "output", "restart"),
    [
        ("lif", "leaky_rate", True),
        ("lif", "lif", False),
        pytest.param("adaptive_lif", "lif", True, marks=pytest.mark.slow),
    ],
)
def test_learned_feedback_in_a_spiking_network(
    kind: str, output: str, restart: bool, build: Callable[..., Circuit], stimuli: Callable[[int], Any]
) -> None:
    # Read out from the potential of units that do not spike, or from filtered output spikes.
    circuit = spiking(build, kind, restart=restart, output=output)
    start = initial_state(circuit, 4)
    assert start["W3.learning_rate"] == 0.03 and start["W2.learning_rate"] == 0.1
    order = np.arange(6).reshape(3, 2)
    ours, theirs = (e(circuit, SETTING).train(start, stimuli(6), order, seed=7, first=11)[0] for e in ENGINES)
    for name in learned_names(circuit):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-9, atol=1e-9 * np.abs(theirs[name]).max())
        assert np.any(theirs[name] != start[name]), name


@pytest.mark.parametrize("site", ["count", pytest.param("current", marks=pytest.mark.slow)])
def test_learned_feedback_from_escape_noise_whose_numbers_are_given(
    site: str, build: Callable[..., Circuit], stimuli: Callable[[int], Any]
) -> None:
    generator = np.random.default_rng(2)
    courses = [over_time(generator.uniform(size=(50, 2, size))) for size in (5, 4)]
    draws = {f"hidden{number}.rand": course for number, course in enumerate(courses, 1)}
    plain = spiking(build, "lif_escape", noise_site=site)
    circuit, inputs = apply_inputs(plain, draws, steps=50, trials=2, dt=1e-3)
    start = initial_state(circuit, 4)
    given = stimuli(2) | inputs.stimuli
    report = ("hidden1.factor", "hidden2.factor")
    found = [engine(circuit, SETTING).run(start, given, report=report) for engine in ENGINES]
    (ours, our_ends), (theirs, their_ends) = found
    for name in learned_names(circuit):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-9, atol=1e-9 * np.abs(theirs[name]).max())
        assert np.any(theirs[name] != start[name]), name
    for name in report:
        expected = their_ends.ends["perturbed"][name]
        np.testing.assert_allclose(our_ends.ends["perturbed"][name], expected, rtol=1e-9, atol=1e-12)
        assert np.all(their_ends.ends["clean"][name] == 0) and np.any(expected)
