"""E-prop of spikes beyond its update: neurons of two kinds, rates towards a target, feedback learned from spikes."""

from __future__ import annotations

from dataclasses import replace
from math import erf
from typing import Any

import numpy as np
import pytest

from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.state import initial_state
from neurosim.errors import ConfigError
from neurosim.networks import Part, recurrent
from neurosim.schemes import eprop
from tests.schemes.in_time import DT, SETTING, TASK, TRIALS, changes, stimuli, trials

LIF: dict[str, Any] = {"kind": "discrete_lif", "tau_m": "5 ms", "tau_out": "8 ms", "v_th": 0.6, "sigma": 0.2}
ADAPTIVE = {**LIF, "beta": 0.4, "tau_theta": "50 ms", "refractory_steps": 3}
STEPS = 30


def built(neuron: dict[str, Any] = LIF, **config: Any) -> Any:
    settings = {"hidden": (8,), "neuron": Part.model_validate(neuron), "gain": 1.0, "input_weights": 1.5}
    given = {"duration": f"{STEPS + 1} ms", **config}
    return eprop.build(eprop.Config(**given), recurrent.Config.model_validate(settings), TASK)


@pytest.mark.parametrize("engine", [BatchedEngine, BrianEngine])
def test_the_rate_cost_moves_weights_by_mean_eligibilities(engine: type) -> None:
    cost, given, target = 40.0, trials(STEPS, spikes=True), 30.0
    state, plain, _ = changes(built(ADAPTIVE), given, engine)
    _, costly, _ = changes(built(ADAPTIVE, rate_cost=cost, rate_target=f"{target} Hz"), given, engine)
    recorded = ("hidden1.z", "hidden1.psi", "input.rbar", "hidden1.zbar")
    _, outputs = BatchedEngine(built(ADAPTIVE), SETTING).run(state, stimuli(given), record=recorded, learn=False)
    z, psi, inputs, spikes = (outputs.recordings[name] for name in recorded)
    away = z.sum(axis=0) / (STEPS + 1) - target * DT
    beta, rho = ADAPTIVE["beta"], np.exp(-1 / 50)
    for name, pre in (("Win1", inputs), ("R1", spikes)):
        slow = np.zeros((TRIALS, 8, pre.shape[2]))
        seen = np.zeros_like(slow)
        for slope, filtered in zip(psi[:, :, :, None], pre[:, :, None, :], strict=True):
            term = slope * (filtered - beta * slow)
            seen, slow = seen + term / (STEPS + 1), rho * slow + term
        expected = -0.1 * cost * np.mean(away[:, :, None] * seen, axis=0)
        expected -= np.diag(np.diag(expected)) if name == "R1" else 0
        np.testing.assert_allclose(costly[name] - plain[name], expected, rtol=1e-8, atol=1e-13, err_msg=name)
        assert np.abs(expected).max() > 1e-5


def test_a_share_of_the_neurons_adapts() -> None:
    given = trials(STEPS, spikes=True)
    shown, levels = stimuli(given), {}
    for share in (1.0, 0.5, 0.01):
        circuit = built({**ADAPTIVE, "adaptive_share": share})
        state = initial_state(circuit, 0)
        _, outputs = BatchedEngine(circuit, SETTING).run(state, shown, record=("hidden1.level", "hidden1.z"))
        spiked = outputs.recordings["hidden1.z"].any(axis=(0, 1))
        levels[share] = outputs.recordings["hidden1.level"].max(axis=(0, 1)) > ADAPTIVE["v_th"]
        np.testing.assert_array_equal(levels[share], spiked & (np.arange(8) >= 8 - np.ceil(share * 8)))
    assert levels[1.0].sum() > levels[0.5].sum() > levels[0.01].sum()


@pytest.mark.parametrize("engine", [BatchedEngine, BrianEngine])
def test_with_a_share_that_adapts_both_engines_learn_alike(engine: type) -> None:
    circuit, given = built({**ADAPTIVE, "adaptive_share": 0.5}), trials(STEPS, spikes=True)
    (_, one, _), (_, other, _) = changes(circuit, given), changes(circuit, given, engine)
    for name, change in one.items():
        np.testing.assert_allclose(other[name], change, rtol=1e-9, atol=1e-14, err_msg=name)


def test_a_spike_less_its_probability_is_what_could_not_be_foreseen() -> None:
    circuit = built(feedback="learned", feedback_weights=0.0)
    state, given = initial_state(circuit, 0), stimuli(trials(STEPS, spikes=True))
    many = {name: replace(each, values=np.repeat(each.values, 500, axis=0)) for name, each in given.items()}
    names = ("hidden1.v", "hidden1.jolt", "hidden1.z", "hidden1.factor", "hidden1.certainty", "hidden1.fluctuation")
    _, outputs = BatchedEngine(circuit, SETTING).run(state, many, record=names, learn=False)
    v, jolt, z, factor, certainty, noise = (outputs.recordings[name] for name in names)
    np.testing.assert_allclose(jolt[1:], LIF["sigma"] * noise[:-1], rtol=1e-12)
    apart = (v - jolt - LIF["v_th"]) / LIF["sigma"]
    chance = 0.5 * (1 + np.vectorize(erf)(apart / np.sqrt(2)))
    np.testing.assert_allclose(factor[1:], (z - chance)[1:], atol=3e-4)
    np.testing.assert_allclose(certainty[1:], (chance * (1 - chance))[1:], atol=3e-4)
    # It has no mean, whatever was before; nor is it correlated in time.
    spread = np.sqrt(certainty[1:].mean() / factor[1:].size)
    assert abs(factor[1:].mean()) < 5 * spread
    assert abs(np.mean(factor[2:] * factor[1:-1])) < 5 * certainty[1:].mean() / np.sqrt(factor[2:].size)
    np.testing.assert_allclose(np.mean(factor[1:] ** 2), certainty[1:].mean(), rtol=0.05)


def test_feedback_learned_from_spikes_comes_to_the_readout() -> None:
    settings = {"gamma": 0.0, "feedback_weights": 0.0, "feedback_learning_rate": 1.0, "learning_rate": 0.0}
    circuit, given = built({**LIF, "sigma": 0.6}, feedback="learned", **settings), trials(STEPS, spikes=True)
    assert circuit.phases[0].learn == ("B1",)
    state, engine = initial_state(circuit, 0), BatchedEngine(circuit, SETTING)
    many = {name: replace(each, values=np.repeat(each.values, 100, axis=0)) for name, each in stimuli(given).items()}
    data, order = engine.placed(many, 400), np.tile(np.arange(400), (150, 1))
    state, _ = engine.train(state, data, order, seed=0, first=0)
    learned, wanted = np.asarray(state["B1.w"]), np.asarray(state["Wout.w"]).T
    assert np.sum(learned * wanted) / np.linalg.norm(learned) / np.linalg.norm(wanted) > 0.8


@pytest.mark.parametrize(
    ("neuron", "config", "key", "said"),
    [
        ({"kind": "leaky_rate"}, {"rate_cost": 1.0}, "scheme.rate_cost", "does not spike"),
        ({**LIF, "sigma": 0.0}, {"feedback": "learned"}, "network.neuron.sigma", "above zero"),
        (LIF, {"feedback": "mirror"}, "scheme.feedback", "expected 'learned'"),
    ],
)
def test_what_cannot_be_is_refused(neuron: dict[str, Any], config: dict[str, Any], key: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        built(neuron, **config)
    assert refused.value.faults[0][0] == key
