"""What a synapse takes for noise, kicks, and what is expected of each type of trial."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.optimiser import Optimiser
from neurosim.engines.state import State, initial_state
from neurosim.engines.stimuli import stimuli_of
from neurosim.engines.variants import brian
from neurosim.errors import CircuitError, ConfigError
from neurosim.networks import Part, recurrent
from neurosim.schemes import eprop, node_perturbation_in_time
from neurosim.tasks import TimedSplit
from tests.schemes import in_time

STEPS, SIZE, TYPES = 8, 6, 2
TASK: Any = SimpleNamespace(n_inputs=3, n_outputs=2, steps=STEPS, dt=in_time.DT)
NEURON: dict[str, Any] = {"kind": "leaky_rate", "tau_m": "5 ms", "sigma": 0.5, "noise_site": "current"}
MICONI: dict[str, Any] = {
    "estimate": "episodic", "factor": "cubed_deviation", "times_expected": True, "kick_rate": "200 Hz",
    "baseline": "type", "trial_types": TYPES, "baseline_learning_rate": 0.25, "baseline_width": "9 ms",
    "learning_rate": 1.0,
}  # fmt: skip


def network(neuron: dict[str, Any] | None = None) -> recurrent.Config:
    given = {"hidden": (SIZE,), "neuron": Part.model_validate(neuron or NEURON), "gain": 1.2, "initial": 0.3}
    return recurrent.Config.model_validate(given)


def perturbed(settings: dict[str, Any], neuron: dict[str, Any] | None = None) -> Circuit:
    config = node_perturbation_in_time.Config(**settings)
    return node_perturbation_in_time.build(config, network(neuron), TASK)


def split(trials: int = in_time.TRIALS, types: int = TYPES) -> TimedSplit:
    """Trials whose types take turns."""
    drawn = np.random.default_rng(0)
    x, target = drawn.normal(size=(trials, STEPS, 3)), drawn.normal(size=(trials, STEPS, 2))
    return TimedSplit(x, target, in_time.DT, np.arange(STEPS) >= 2, np.arange(trials) % types)


def shown(circuit: Circuit, trials: int = in_time.TRIALS) -> dict[str, Any]:
    return stimuli_of(circuit, split(trials), slice(None), dt=in_time.DT)


def expecting(circuit: Circuit, density: float = 60.0) -> State:
    """A start at which some loss is expected already."""
    state = initial_state(circuit, 0)
    return state | {"V.w": state["V.w"] + density} if "V.w" in state else state


@pytest.mark.parametrize(
    "settings",
    [
        MICONI,
        {"factor": "deviation", "baseline": "type", "trial_types": TYPES, "gamma": 0.8, "times_expected": True},
        pytest.param({"kick_rate": "300 Hz"}, marks=pytest.mark.slow),
    ],
)
def test_both_engines_learn_alike(settings: dict[str, Any]) -> None:
    circuit = perturbed(settings)
    state = expecting(circuit)
    batched, other = (
        engine(circuit, in_time.SETTING).run(state, shown(circuit))[0] for engine in (BatchedEngine, BrianEngine)
    )
    for name in circuit.phases[0].learn:
        change = batched[f"{name}.w"] - state[f"{name}.w"]
        np.testing.assert_allclose(change, other[f"{name}.w"] - state[f"{name}.w"], rtol=1e-9, atol=1e-13, err_msg=name)
        assert np.abs(change).max() > 1e-6, name


@pytest.mark.parametrize("neuron", ["leaky_rate", "low_passed_rate"])
def test_the_cubed_rule_as_published(neuron: str) -> None:
    own = NEURON if neuron == "leaky_rate" else {"kind": neuron, "tau_m": "5 ms", "sigma": 0.5}
    circuit = perturbed(MICONI, own)
    state, record = expecting(circuit), ("hidden1.v", "hidden1.r", "input.r", "hidden1.fluctuation")
    after, outputs = BatchedEngine(circuit, in_time.SETTING).run(
        state, shown(circuit), record=record, report=("total_loss",)
    )
    v, r, x, kicks = (np.swapaxes(outputs.recordings[name], 0, 1) for name in record)
    assert 0.1 < np.mean(kicks != 0) < 0.35 and np.abs(kicks).max() <= 1
    loss = outputs.ends["presentation"]["total_loss"].ravel()
    usual, traces = np.zeros_like(v[:, 0]), dict[str, Any](R1=0.0, Win1=0.0)
    late = neuron == "leaky_rate"
    for step in range(v.shape[1]):
        for name, sent in (("R1", r), ("Win1", x)):
            before = sent[:, step - 1] if late else sent[:, step]
            if step or not late:
                product = (v[:, step] - usual)[:, :, None] * before[:, None, :]
                traces[name] = traces[name] + product**3
        usual = 0.05 * usual + 0.95 * v[:, step]
    expected = 60.0 * v.shape[1] * in_time.DT
    for name, trace in traces.items():
        change = -np.mean((expected * (loss - expected))[:, None, None] * trace, axis=0)
        moved = in_time.weights_of(circuit, after, name) - in_time.weights_of(circuit, state, name)
        if name == "R1":
            np.fill_diagonal(change, 0)
        np.testing.assert_allclose(moved, change, rtol=1e-9, atol=1e-13, err_msg=name)
    # What is expected of each type moves a quarter of the way to its loss, in the share of trials that are of it.
    wanted = np.array([np.mean((loss - expected) * (np.arange(len(loss)) % TYPES == c)) for c in range(TYPES)])
    np.testing.assert_allclose(after["V.w"].ravel() - 60.0, 0.25 * wanted / 9e-3, rtol=1e-9)


def test_of_one_type_it_is_the_running_mean() -> None:
    quiet = {"kind": "leaky_rate", "tau_m": "5 ms", "sigma": 0.1}
    given, states = in_time.stimuli(in_time.trials(STEPS)), []
    both: tuple[dict[str, Any], ...] = ({"baseline": "running"}, {"baseline": "type", "trial_types": 1})
    for settings in both:
        circuit = eprop.build(eprop.Config(feedback="learned", **settings), network(quiet), TASK)
        told = {"trial_type.r": in_time.Stimulus(np.ones((1, 1)))} if "trial_types" in settings else {}
        states.append(BatchedEngine(circuit, in_time.SETTING).run(initial_state(circuit, 0), given | told)[0])
    running, typed = states
    for name in ("B1.w", "V.w", "R1.w"):
        np.testing.assert_array_equal(running[name], typed[name], err_msg=name)


def test_a_step_is_clipped() -> None:
    circuit, most = perturbed(MICONI), 3e-4
    engine = BatchedEngine(circuit, in_time.SETTING, Optimiser(clip=most))
    state = expecting(circuit)
    after, _ = engine.train(state, shown(circuit), np.arange(4).reshape(1, 4), seed=0, first=0)
    free, _ = BatchedEngine(circuit, in_time.SETTING).train(
        state, shown(circuit), np.arange(4).reshape(1, 4), seed=0, first=0
    )
    step = free["R1.w"] - state["R1.w"]
    assert np.abs(step).max() > most
    np.testing.assert_allclose(after["R1.w"] - state["R1.w"], np.clip(step, -most, most), rtol=1e-9, atol=1e-15)
    with pytest.raises(ConfigError, match=r"training\.optimiser\.clip: got 0\.0003"):
        brian.build(brian.Config(kind="brian"), circuit, Optimiser(clip=most))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"baseline": "type"}, "trial_types: got none with baseline 'type'"),
        ({"trial_types": 2}, "trial_types: got 2 with baseline 'clean', expected 'type'"),
    ],
)
def test_types_and_baseline_go_together(settings: dict[str, Any], said: str) -> None:
    for config in (node_perturbation_in_time.Config, eprop.Config):
        with pytest.raises(ValidationError, match=said):
            config(**settings)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(CircuitError, match=r"type 2, counted from 0; expected at most 1: set scheme\.trial_types"):
        stimuli_of(perturbed(MICONI), split(types=3), slice(None), dt=in_time.DT)
    with pytest.raises(ConfigError, match=r"got 2000 Hz, .* at most one kick") as refused:
        perturbed({"kick_rate": "2000 Hz"})
    assert refused.value.faults[0][0] == "scheme.kick_rate"
    mirror = eprop.Config(feedback="mirror", baseline="type", trial_types=2)
    with pytest.raises(ConfigError, match="expected 'clean' or 'running'"):
        eprop.build(mirror, network({"kind": "leaky_rate"}), TASK)
