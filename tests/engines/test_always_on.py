"""Circuits that never stop: noise at every step, state that carries over, traces in synapses; on both engines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Setting
from neurosim.engines.slots import carried_shapes
from neurosim.engines.state import initial_state, learned_names
from neurosim.errors import EngineError, EquationError
from neurosim.rules._rule import Rule

SETTING = Setting("rate", 1e-3, "float64")
SCHEME = "continuous_node_perturbation"
CHOICES: list[dict[str, Any]] = [
    {},
    {"feedback": "none", "trace": "synapse"},
    {"factor": "deviation", "feedback": "none"},
]


def assert_same(got: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert got.keys() == expected.keys()
    for name, array in expected.items():
        assert np.shape(got[name]) == np.shape(array), name
        assert np.max(np.abs(got[name] - array)) <= 1e-9 * np.max(np.abs(array)), name


@pytest.mark.parametrize("choice", [*CHOICES[:2], pytest.param(CHOICES[2], marks=pytest.mark.slow)], ids=str)
def test_noise_that_changes_at_every_step(
    choice: dict[str, Any],
    build: Callable[..., Circuit],
    stimuli: Callable[[int], Any],
    given_noise: Callable[..., Any],
) -> None:
    steps, presentations = 8, 3
    circuit, noise = given_noise(build(SCHEME, duration=f"{steps} ms", choice=choice), presentations, steps)
    assert noise
    start, given = initial_state(circuit, 4), stimuli(presentations)
    states = {}
    for kind in (BatchedEngine, BrianEngine):
        engine: Any = kind(circuit, SETTING)
        state = start
        for number in range(presentations):
            chosen = {name: array[[number]] for name, array in given.items()}
            chosen |= {name: course.of_trials([number]) for name, course in noise.items()}
            state, _ = engine.run(state, chosen, first=number)
        states[kind] = state
    assert_same(states[BatchedEngine], states[BrianEngine])
    # Without feedback pathways the apical compartments rest.
    moving = [name for name in carried_shapes(circuit) if name.split(".")[1] != "a"]
    for name in (*learned_names(circuit), *moving):
        assert np.any(states[BrianEngine][name] != start[name]), name


@pytest.mark.parametrize("batch", [pytest.param(1, marks=pytest.mark.slow), 4])
def test_each_trial_of_a_batch_goes_on_where_it_ended(
    batch: int, build: Callable[..., Circuit], stimuli: Callable[[int], Any]
) -> None:
    # Rules at the ends of phases, which the reference can average over a batch; what phases hold carries over too.
    circuit = replace(build("node_perturbation", duration="3 ms"), carry=True)
    # Two halves of the same shape are compiled once.
    start, given, order = initial_state(circuit, 4), stimuli(4 * batch), np.arange(4 * batch).reshape(4, batch)
    found = {}
    for kind in (BatchedEngine, BrianEngine):
        engine: Any = kind(circuit, SETTING)
        whole, outputs = engine.train(start, given, order, seed=7, first=0)
        half, _ = engine.train(start, given, order[:2], seed=7, first=0)
        rest, _ = engine.train(half, given, order[2:], seed=7, first=2 * batch)
        assert_same(rest, whole)
        found[kind] = whole, outputs.ends["clean"]
    assert_same(found[BatchedEngine][0], found[BrianEngine][0])
    assert_same(found[BatchedEngine][1], found[BrianEngine][1])
    assert found[BatchedEngine][0]["hidden1.v"].shape == (batch, 5)
    # From rest, the second presentation would answer otherwise.
    fresh, _ = BatchedEngine(replace(circuit, carry=False), SETTING).train(start, given, order, seed=7, first=0)
    assert np.abs(fresh["W1.w"] - found[BatchedEngine][0]["W1.w"]).max() > 1e-6


def test_standalone_code_does_not_keep_trials_apart(
    build: Callable[..., Circuit], stimuli: Callable[[int], Any]
) -> None:
    circuit = replace(build("backpropagation"), carry=True)
    with pytest.raises(EngineError, match="state carries over in each of 2 trials"):
        BrianEngine(circuit, SETTING, "cpp_standalone").run(initial_state(circuit, 0), stimuli(2))


def test_a_trace_meets_its_own_trial_only(build: Callable[..., Circuit], stimuli: Callable[[int], Any]) -> None:
    # One compiled call for four trials that differ in everything is the mean of four calls, one trial each.
    circuit = build(SCHEME, choice={"feedback": "none", "trace": "synapse"})
    start, given, engine = initial_state(circuit, 4), stimuli(4), BatchedEngine(circuit, SETTING)
    # Weights all but stand still, so that they do not tie the trials together.
    rates = {name: np.asarray(1e-6) for name in start if name.endswith(".learning_rate")}
    start |= rates
    together, _ = engine.run(start, given, seed=3)
    alone = [engine.run(start, {n: a[[k]] for n, a in given.items()}, seed=3, first=k)[0] for k in range(4)]
    assert together["W1.eligibility"].shape == (4, 5, 3)
    for name in learned_names(circuit):
        mean = np.mean([state[name] - start[name] for state in alone], axis=0)
        np.testing.assert_allclose(together[name] - start[name], mean, rtol=1e-3, atol=1e-5 * np.abs(mean).max())
    eligibilities = np.concatenate([state["W1.eligibility"] for state in alone])
    np.testing.assert_allclose(together["W1.eligibility"], eligibilities, rtol=1e-6, atol=1e-12)


def test_traces_change_at_every_step() -> None:
    with pytest.raises(EquationError, match="expected timing='step'"):
        Rule("memory += r_pre", traces="memory : 1")


def test_the_engines_draw_noise_of_the_same_law(build: Callable[..., Circuit], stimuli: Callable[[int], Any]) -> None:
    circuit = build(SCHEME, duration="4000 ms", choice={"feedback": "none"})
    given = {name: array[:1] for name, array in stimuli(1).items()}
    record = ("hidden1.fluctuation", "hidden1.trace")
    variances = {}
    for kind in (BatchedEngine, BrianEngine):
        engine: Any = kind(circuit, SETTING)
        _, outputs = engine.run(initial_state(circuit, 4), given, seed=5, record=record, learn=False)
        noise, trace = (outputs.recordings[name][500:, 0] for name in record)
        variances[kind] = np.mean(noise**2), np.mean(trace * noise)
    # Five neurons for 3.5 seconds: about 440 independent samples. The Euler step adds dt/(2 tau) to the variance.
    for variance, joint in variances.values():
        assert variance == pytest.approx(1 / (1 - 1 / 40), rel=4.5 * np.sqrt(2 / 440))
        assert joint == pytest.approx(20 / 30, rel=4.5 * np.sqrt(2 / 440))
