"""Updates averaged over noise against the gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurosim.engines.state import initial_state
from neurosim.engines.stimuli import stimuli_of
from neurosim.errors import CircuitError, ConfigError
from neurosim.gradients.true_gradient import true_gradients
from neurosim.probes import update
from neurosim.probes._learning import seed_of_repetition
from neurosim.random import stream
from tests.default_run import LAYERED, of_each_mechanism

SMALL: dict[str, Any] = {
    "task": {"kind": "teacher_student", "n_inputs": 5, "hidden": [4], "n_outputs": 3, "n_train": 50},
    "network": {
        "hidden": [6],
        "neuron": {"kind": "leaky_rate", "activation": "identity", "sigma": 0.001},
        "output_neuron": {"kind": "leaky_rate", "activation": "identity", "sigma": 0.001},
        "readout": "squared_error",
    },
    "scheme": {"kind": "node_perturbation_only"},
    "engine": {"level": "steady", "dtype": "float64"},
    "probe": {"kind": "update", "batch_size": 4},
}
NAMES = {"hidden1": ("W1.w", "b1.w"), "output": ("W2.w", "b2.w"), "all": ("W1.w", "b1.w", "W2.w", "b2.w")}


def flat(arrays: dict[str, np.ndarray], names: tuple[str, ...]) -> np.ndarray:
    return np.concatenate([np.ravel(arrays[name]) for name in names])


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def start(parts: Callable[..., Any], sections: dict[str, Any], batch: int, repetition: int = 0) -> tuple[Any, ...]:
    """Engine, state, trials and seed of one repetition, as the probe draws them."""
    engine, task = parts(sections)
    seed = seed_of_repetition(0, repetition)
    rows = stream(seed, "measure").permutation(len(task.train))[:batch]
    return engine, initial_state(engine.circuit, seed), stimuli_of(engine.circuit, task.train, rows), seed


@pytest.mark.parametrize("activation", ["tanh", "identity"])
def test_backpropagation_is_gradient_descent_at_every_draw(activation: str, probe: Callable[..., Any]) -> None:
    network = {**SMALL["network"], "neuron": {"kind": "leaky_rate", "activation": activation}, "hidden": [6, 5]}
    sections = {**SMALL, "network": network, "scheme": {"kind": "backpropagation"}}
    found = probe(sections, draws=[1, 3], until=1.0)
    for group in ("hidden1", "hidden2", "output", "all"):
        for n in (1, 3):
            assert found.numbers[f"{group}.cosine_{n}"] == pytest.approx(1, abs=1e-12)
        assert found.numbers[f"{group}.draws_until"] == 1
        assert found.numbers[f"{group}.presentations_until"] == 4


def test_increments_are_those_of_the_engine(probe: Callable[..., Any], parts: Callable[..., Any]) -> None:
    found = probe(SMALL, draws=[2, 5])
    engine, state, given, seed = start(parts, SMALL, 4)
    truth = true_gradients(engine.circuit, engine.setting, state, given).weights
    changes = []
    for draw in range(5):
        after, _ = engine.run(state, given, seed=seed, first=4 * draw)
        changes.append({name: after[name] - state[name] for name in NAMES["all"]})
    for group, names in NAMES.items():
        descent = -flat(truth, names)
        drawn = np.array([flat(change, names) for change in changes])
        so_far = [cosine(drawn[: n + 1].mean(axis=0), descent) for n in range(5)]
        np.testing.assert_allclose(found.curves.cosine.sel(group=group)[0, :5], so_far, rtol=1e-8)
        pairs = np.mean([cosine(drawn[i] + drawn[i + 1], descent) for i in (0, 2)])
        assert found.numbers[f"{group}.cosine_2"] == pytest.approx(pairs, rel=1e-8)
        assert found.numbers[f"{group}.cosine_5"] == pytest.approx(so_far[-1], rel=1e-8)


def test_node_perturbation_has_the_cosine_its_variance_predicts(
    probe: Callable[..., Any], parts: Callable[..., Any]
) -> None:
    # One trial: after n draws |g|^2 of the layer against (n_l G^2 + |g|^2)/n of noise.
    n, repetitions = 100, 20
    found = probe(SMALL, batch_size=1, draws=[n], repetitions=repetitions)
    ratios = []
    for number in range(repetitions):
        engine, state, given, _ = start(parts, SMALL, 1, number)
        own = np.sum(true_gradients(engine.circuit, engine.setting, state, given).sites["hidden1"] ** 2)
        _, outputs = engine.run(state, given, report=["output.error"], learn=False)
        everything = own + np.sum(outputs.ends["clean"]["output.error"] ** 2)
        expected = 1 / math.sqrt(1 + (6 * everything / own + 1) / n)
        got = float(found.curves.cosine_of_mean.sel(group="hidden1", draws=n)[number])
        ratios.append(got / expected)
    assert np.mean(ratios) == pytest.approx(1, abs=float(4.5 * np.std(ratios) / math.sqrt(repetitions)))
    assert np.std(ratios) < 0.2


def test_counting_stops_when_every_group_is_there(probe: Callable[..., Any]) -> None:
    found = probe(SMALL, draws=[1], until=45.0, repetitions=3)
    limit = math.cos(math.radians(45))
    counts = []
    for course in found.curves.cosine.sel(group="all"):
        within = np.flatnonzero(course.values > limit)
        counts.append(within[0] + 1 if len(within) else np.nan)
    assert found.numbers["all.draws_until"] == pytest.approx(np.mean(counts))
    assert found.numbers["all.draws_until"] > 3
    assert found.numbers["all.presentations_until"] == 4 * found.numbers["all.draws_until"]


def test_what_is_never_reached_is_not_a_number(probe: Callable[..., Any]) -> None:
    found = probe({**SMALL, "scheme": {"kind": "feedback_alignment"}}, draws=[1], until=1.0, most=7)
    assert math.isnan(found.numbers["hidden1.draws_until"])
    assert found.numbers["output.draws_until"] == 1


@pytest.mark.slow
def test_a_circuit_whose_state_carries_over_is_measured_where_it_has_settled(parts: Callable[..., Any]) -> None:
    sections = {
        **SMALL,
        "network": {**SMALL["network"], "neuron": {"kind": "leaky_rate", "activation": "tanh"}},
        "scheme": {"kind": "backpropagation", "duration": "5 ms"},
        "engine": {"level": "rate", "dtype": "float64", "dt": "1 ms"},
    }
    engine, task = parts(sections)
    config = update.Config(draws=(1, 2), batch_size=4, settle=60)
    short = update.measure(config, engine, task, seed=0)
    carrying = replace(engine, circuit=replace(engine.circuit, carry=True))
    settled = update.measure(config, carrying, task, seed=0)
    # Five milliseconds from rest are too short for the error to come back; carried on, it has long arrived.
    assert short.numbers["hidden1.cosine_2"] < 0.999
    for layer in ("hidden1", "output"):
        assert settled.numbers[f"{layer}.cosine_2"] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("scheme", of_each_mechanism(reversed(LAYERED)))
def test_every_scheme_is_measured(scheme: str, probe: Callable[..., Any]) -> None:
    model = {**SMALL, "scheme": {"kind": scheme}}
    if scheme == "continuous_node_perturbation":
        # What acts at every step has no steady level, and without a clean phase small noise is drowned by the loss.
        neuron = {**SMALL["network"]["neuron"], "sigma": 0.3}
        model |= {"engine": {"level": "rate"}, "network": {**SMALL["network"], "neuron": neuron}}
    if scheme in ("continuous_weight_mirror", "dynamic_inversion", "single_loop_dynamic_inversion"):
        # Nor has a loop.
        model |= {"engine": {"level": "rate"}}
    found = probe(model, draws=[1, 2])
    assert all(-1 <= value <= 1 + 1e-12 for value in found.numbers.values())
    assert {"hidden1.cosine_1", "output.cosine_2", "all.cosine_2"} <= found.numbers.keys()


def test_what_cannot_be_measured_is_refused(probe: Callable[..., Any], parts: Callable[..., Any]) -> None:
    with pytest.raises(ConfigError, match="got 51, expected at most the 50 trials"):
        probe(SMALL, batch_size=51)
    engine, task = parts(SMALL)
    silent = replace(engine.circuit, phases=tuple(replace(phase, learn=()) for phase in engine.circuit.phases))
    with pytest.raises(CircuitError, match=r"no forward weights .* learn"):
        update.measure(update.Config(), replace(engine, circuit=silent), task, seed=0)
