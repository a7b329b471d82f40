"""Trials over time: what an engine is given of them, and learning from them, by hand and on both engines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurosim import Circuit, Pathway, Phase, Population, Setting, initial_state
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.over_time import bytes_a_trial, held_steps
from neurosim.engines.stimuli import stimuli_of
from neurosim.errors import ArgumentError, CircuitError, ConfigError
from neurosim.neurons import NeuronModel, spike_source
from neurosim.readouts.squared_error import READOUT
from neurosim.rules import Rule
from neurosim.tasks import InputSpikes, Split, Task, TimedSplit
from neurosim.training import trial_order
from neurosim.training.config import Config
from neurosim.training.evaluation import evaluate
from neurosim.training.loop import train

STEPS, TRIALS, INPUTS, OUTPUTS, SIZE = 6, 8, 3, 2, 4
GRID, TAU = 4e-3, 10e-3
RATE = NeuronModel(
    "dv/dt = (drive - v)/tau : 1\nr = tanh(v) : 1\ndrive : 1", parameters={"tau": "10 ms"}, method="euler", name="rate"
)
DELTA = Rule(
    "w -= dt*learning_rate*error_post*r_pre", parameters={"learning_rate": 0.3}, timing="integral", name="delta"
)


def circuit(dt: float = GRID, *, phases: int = 1, spikes: bool = False, steps: int = STEPS) -> Circuit:
    """A recurrent network whose readout learns."""
    seen = spike_source.build(spike_source.Config()) if spikes else NeuronModel("r : 1", name="stimulus")
    struck = NeuronModel(
        "dv/dt = (drive - v)/tau : 1\nr = tanh(v) : 1\ndrive : 1", parameters={"tau": "10 ms"}, method="euler"
    )
    return Circuit(
        "in time",
        (
            Population("input", INPUTS, seen),
            Population("hidden", SIZE, struck if spikes else RATE),
            Population("output", OUTPUTS, NeuronModel("r = drive : 1\ndrive : 1")),
        ),
        (
            Pathway("Win", "input.spikes" if spikes else "input.r", "hidden.v" if spikes else "hidden.drive"),
            Pathway("R", "hidden.r", "hidden.drive"),
            Pathway("Wout", "hidden.r", "output.drive", rule=DELTA),
        ),
        tuple(
            Phase(f"trial{n}", f"{1e3 * (steps * GRID + dt)} ms", learn=("Wout",), restart=n > 0) for n in range(phases)
        ),
        READOUT,
        "output.r",
        over_time=True,
    )


def split(seed: int = 0, trials: int = TRIALS, **changes: Any) -> TimedSplit:
    drawn = np.random.default_rng(seed)
    given = {
        "inputs": drawn.normal(size=(trials, STEPS, INPUTS)),
        "targets": drawn.normal(size=(trials, STEPS, OUTPUTS)),
        "mask": drawn.uniform(size=(trials, STEPS)) * (drawn.uniform(size=(trials, STEPS)) > 0.4) + 1e-3,
        "dt": GRID,
    }
    return TimedSplit(**(given | changes))


def spiking_split(seed: int = 0) -> TimedSplit:
    fires = np.random.default_rng(seed).uniform(size=(TRIALS, STEPS, INPUTS)) < 0.3
    return split(seed, inputs=InputSpikes.of_dense(fires))


def task(**changes: Any) -> Task:
    return Task("made up", split(0, **changes), split(1, **changes), split(2, **changes), kind="regression")


def by_hand(state: dict[str, np.ndarray], trials: TimedSplit, dt: float, rate: float = 0.0) -> tuple[np.ndarray, Any]:
    """Losses of the trials, step by step as discrete models have it, and Wout when its increments are averaged."""
    win, recurrent, out = (np.asarray(state[f"{name}.w"], float) for name in ("Win", "R", "Wout"))
    held, losses = round(GRID / dt), np.zeros(len(trials))
    v, change = np.zeros((len(trials), SIZE)), np.zeros((len(trials), *out.shape))
    mask = np.asarray(trials.mask, float)
    weights = mask / mask.sum(axis=1, keepdims=True)
    for step in range(STEPS):
        for _ in range(held):
            v = v + dt / TAU * (np.tanh(v) @ recurrent.T + trials.inputs[:, step] @ win.T - v)
            r = np.tanh(v)
            error = r @ out.T - trials.targets[:, step]
            losses += weights[:, step] / held * 0.5 * (error**2).sum(axis=1)
            change -= rate * (weights[:, step] / held)[:, None, None] * error[:, :, None] * r[:, None, :]
    return losses, out + change.mean(axis=0)


@pytest.mark.parametrize("held", [1, 2])
def test_the_reported_loss_is_that_of_the_discrete_model(held: int) -> None:
    dt = GRID / held
    engine = BatchedEngine(circuit(dt), Setting(dt=dt, dtype="float64"))
    state, trials = initial_state(engine.circuit, 1), split()
    losses, _ = by_hand(state, trials, dt)
    assert evaluate(engine, state, trials, chunk=5).loss == pytest.approx(losses.mean(), rel=1e-12)


def test_courses_hold_and_end_with_a_step_for_the_last_input() -> None:
    trials, dt = split(), GRID / 2
    given = stimuli_of(circuit(dt, phases=2), trials, np.array([3, 0]), dt=dt)
    assert {name: each.values.shape for name, each in given.items()} == {
        "input.r": (2, 26, 3),
        "output.target": (2, 26, 2),
        "output.mask": (2, 26, 1),
    }
    for begin in (0, 13):
        inputs = given["input.r"].in_steps(begin, 13).values
        np.testing.assert_array_equal(inputs[:, :12:2], trials.inputs[[3, 0]])
        np.testing.assert_array_equal(inputs[:, 1:12:2], trials.inputs[[3, 0]])
        assert not inputs[:, 12].any()
        targets = given["output.target"].in_steps(begin, 13).values
        np.testing.assert_array_equal(targets[:, 1::2], trials.targets[[3, 0]])
        mask = given["output.mask"].in_steps(begin, 13).values
        assert not mask[:, 0].any()
        np.testing.assert_allclose(mask.sum(axis=1) * dt, 1, rtol=1e-12)


def test_spikes_are_events_of_the_first_step_they_would_be_held_for() -> None:
    trials, dt = spiking_split(), GRID / 2
    firing = stimuli_of(circuit(dt, spikes=True), trials, slice(None), dt=dt)["input.firing"]
    assert firing.kind == "events" and firing.values.shape == (TRIALS, 13, trials.inputs.most)
    fires = np.zeros((TRIALS, 13, INPUTS + 1))
    np.put_along_axis(fires, firing.values, 1.0, axis=2)
    np.testing.assert_array_equal(fires[:, :12:2, :-1], trials.inputs.dense())
    assert not fires[:, 1::2, :-1].any() and not fires[:, 12, :-1].any()


def test_a_unit_without_spikes_sees_them_as_ones() -> None:
    trials = spiking_split()
    given = stimuli_of(circuit(), trials, slice(0, 2), dt=GRID)
    np.testing.assert_array_equal(given["input.r"].values[:, :-1], trials.inputs.dense(slice(0, 2)))


@pytest.mark.parametrize("kind", ["numbers", "spikes"])
def test_engines_learn_the_same_from_trials_over_time(kind: str) -> None:
    spikes = kind == "spikes"
    trials = spiking_split() if spikes else split()
    network, setting = circuit(spikes=spikes), Setting(dt=GRID, dtype="float64", level="spiking" if spikes else "rate")
    state, order = initial_state(network, 1), np.array([[0, 3, 5], [1, 1, 7]])
    data = stimuli_of(network, trials, slice(None), dt=GRID)
    results = []
    for engine in (BatchedEngine(network, setting), BrianEngine(network, setting)):
        placed = engine.placed(data, 3)
        results.append(engine.train(state, placed, order, seed=0, first=0, report=["output.answer"]))
    (one, batched), (other, brian) = results
    np.testing.assert_allclose(one["Wout.w"], other["Wout.w"], rtol=1e-9)
    for name in ("total_loss", "output.answer"):
        np.testing.assert_allclose(batched.ends["trial0"][name], brian.ends["trial0"][name], rtol=1e-9, atol=1e-12)
    if not spikes:
        first, after = by_hand(state, _rows(trials, order[0]), GRID, rate=0.3)
        second, after = by_hand({**state, "Wout.w": after}, _rows(trials, order[1]), GRID, rate=0.3)
        np.testing.assert_allclose(batched.ends["trial0"]["total_loss"][:, 0], [*first, *second], rtol=1e-12)
        np.testing.assert_allclose(one["Wout.w"], after, rtol=1e-12)


def _rows(trials: TimedSplit, rows: np.ndarray) -> TimedSplit:
    return TimedSplit(trials.inputs[rows], trials.targets[rows], GRID, trials.mask[rows])


@pytest.fixture(scope="module")
def trained() -> tuple[BatchedEngine, Task, Config, Any]:
    engine = BatchedEngine(circuit(), Setting(dt=GRID, dtype="float64"))
    config = Config(epochs=2, batch_size=2, measure_every=0)
    data = task(labels=np.arange(TRIALS) % 2)
    return engine, data, config, train(engine, data, config, seed=0)


def test_training_reports_the_loss_over_time(trained: Any) -> None:
    engine, data, _, result = trained
    losses, _ = by_hand(result.state, data.test, GRID)
    assert result.test.loss == pytest.approx(losses.mean(), rel=1e-12)
    before = evaluate(engine, initial_state(engine.circuit, 0, dtype="float64"), data.train).loss
    assert evaluate(engine, result.state, data.train).loss < before
    assert np.isfinite(result.history.train_loss[1:]).all()
    assert 0 <= result.test.accuracy <= 100


def test_trials_that_do_not_fit_into_memory_come_call_by_call(trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, data, config, result = trained
    each = bytes_a_trial(engine.circuit, data.train, GRID, 8)
    assert each == 8 * (STEPS + 1) * (INPUTS + OUTPUTS + 1)
    monkeypatch.setattr(trial_order, "BYTES_PER_CALL", 5 * each)
    steps: list[tuple[int, int]] = []
    again = train(engine, data, config, seed=0, on_step=lambda *done: steps.append(done))
    assert steps == [(2, 4), (4, 4)] * 2
    np.testing.assert_allclose(again.state["Wout.w"], result.state["Wout.w"], rtol=1e-12)
    assert again.test.loss == pytest.approx(result.test.loss, rel=1e-12)


def test_an_answer_is_the_mean_output_over_the_mask(trained: Any) -> None:
    engine, data, _, result = trained
    _, outputs = engine.run(
        result.state, stimuli_of(engine.circuit, data.test, slice(None), dt=GRID), report=["output.answer"], learn=False
    )
    wanted = data.test.wanted()
    weights = data.test.mask / data.test.mask.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(wanted, (weights[:, :, None] * data.test.targets).sum(axis=1), rtol=1e-6)
    right = outputs.ends["trial0"]["output.answer"].argmax(axis=1) == wanted.argmax(axis=1)
    assert result.test.accuracy == pytest.approx(100 * right.mean())


def test_one_output_decides_by_its_sign() -> None:
    from neurosim.training.evaluation import summarise

    targets = np.array([1.0, -1.0, 1.0, -1.0])[:, None, None] * np.ones((4, STEPS, 1))
    signs = TimedSplit(np.zeros((4, STEPS, 1)), targets, GRID, labels=np.array([1, 0, 1, 0]))
    answers = np.array([[0.2], [-3.0], [-0.1], [np.nan]])
    assert summarise(np.zeros(4), answers, signs, np.arange(4)).accuracy == 50


PLAIN = Split(np.zeros((TRIALS, INPUTS)), np.zeros((TRIALS, OUTPUTS)))
REFUSED = {
    "no time in the circuit": (replace(circuit(), over_time=False), split(), GRID, "reads its loss at the end"),
    "no time in the task": (circuit(), PLAIN, GRID, "one input and one target for a whole presentation"),
    "another length": (
        circuit(steps=STEPS + 1),
        split(),
        GRID,
        r"'trial0' .* lasts 32.0 ms, 8 time steps of 4 ms; expected 7, the 6 grid steps of 4 ms .* a duration of 28 ms",
    ),
    "a step that does not divide": (circuit(), split(), 3e-3, "a value every 4 ms, and the engine steps by 3 ms"),
    "a step that is longer": (circuit(), split(), 8e-3, "expected a time step that divides the grid step"),
    "numbers for spikes": (
        circuit(spikes=True),
        split(),
        GRID,
        "fires when it is told .* are numbers; expected spikes",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_trials_that_a_circuit_cannot_take(case: str) -> None:
    network, trials, dt, message = REFUSED[case]
    with pytest.raises(CircuitError, match=message):
        stimuli_of(network, trials, slice(None), dt=dt)


def test_time_steps_are_needed_and_held() -> None:
    assert [held_steps(split(), dt) for dt in (GRID, GRID / 4)] == [1, 4]
    with pytest.raises(ArgumentError, match="the engine's time step"):
        stimuli_of(circuit(), split(), slice(None))


def test_training_refuses_before_it_draws() -> None:
    network = circuit()
    steady = BatchedEngine(network, Setting(level="steady"))
    with pytest.raises(ConfigError, match=r"engine.level: got 'steady' for the task 'made up' over time"):
        train(steady, task(), Config(batch_size=2), seed=0)
    engine = BatchedEngine(network, Setting(dt=GRID))
    plain = Task("plain", PLAIN, PLAIN, PLAIN, kind="regression")
    with pytest.raises(CircuitError, match="spreads its loss over time"):
        train(engine, plain, Config(batch_size=2), seed=0)
