"""What a synapse keeps: through phases, presentations and batches, in files, for gradients; alike on both engines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.circuit.weights import Initial
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Level, Setting
from neurosim.engines.state import initial_state
from neurosim.gradients.true_gradient import true_gradients
from neurosim.neurons._model import NeuronModel
from neurosim.recording.simulate import simulate
from neurosim.rules._rule import Rule
from tests.engines.synapse_pair import DT, RECORD, SENT, SETTING, STDP, TM, both, found, pair, weights_of


def test_without_learning_traces_and_deliveries_go_on() -> None:
    phases = (Phase("off", "20 ms"), Phase("on", "20 ms", learn=("W",)), Phase("off again", "20 ms"))
    made = pair(TM, phases=phases, delay="3 ms")
    found = both(made)
    frozen = both(made, learn=False)
    np.testing.assert_array_equal(frozen.synapse["W.w"], weights_of(made))
    np.testing.assert_allclose(frozen.synapse["W.x"], found.synapse["W.x"])
    assert (found.synapse["W.w"] > weights_of(made)).all()
    # Until learning begins, and with the same releases, both are the same.
    np.testing.assert_allclose(found.recorded["b.g"][:200], frozen.recorded["b.g"][:200])
    release = Rule(
        traces=TM.traces, on_pre="release = 0.4*x\nx -= release\ng_post += w*release", parameters=TM.parameters,
        initial={"x": 1},
    )  # fmt: skip
    both(pair(release, delay="3 ms")).same_as(frozen)


def test_a_restart_empties_what_is_under_way() -> None:
    phases = (Phase("first", "30 ms", learn=("W",)), Phase("second", "30 ms", learn=("W",), restart=True))
    found = both(pair(TM, phases=phases, delay="3 ms"))
    first = both(pair(TM, phases=phases[:1], delay="3 ms"))
    again = both(pair(TM, phases=phases[:1], delay="3 ms"), start={"W.w": first.synapse["W.w"]})
    np.testing.assert_allclose(found.recorded["b.g"][300:], again.recorded["b.g"], atol=1e-12)
    np.testing.assert_allclose(found.synapse["W.w"], again.synapse["W.w"], atol=1e-12)
    both(pair(source="a.v", target="b.k", delay="3 ms", phases=tuple(replace(p, learn=()) for p in phases)))


@pytest.mark.parametrize(
    "made",
    [pair(STDP, delay="2 ms"), pair(TM, delay="2.5 ms"), pair(source="a.v", target="b.k", delay="2 ms")],
    ids=["pairs", "release", "graded"],
)
def test_what_is_under_way_goes_on(made: Circuit) -> None:
    halves = replace(made, phases=tuple(replace(p, duration="30 ms") for p in made.phases))
    for kind, tolerance in ((BatchedEngine, 0.0), (BrianEngine, 1e-12)):
        state = initial_state(made, 3) | {"W.w": weights_of(made)}
        options: dict[str, Any] = {"trials": 1, "record": RECORD, "keep": True}
        whole = found(*kind(made, SETTING).run(state, SENT, **options))
        engine = kind(halves, SETTING)
        middle, outputs = engine.run(state, SENT, **options)
        end = found(*engine.run(middle, SENT, start=outputs.end, **options))
        for name, array in end.recorded.items():
            np.testing.assert_allclose(array, whole.recorded[name][300:], rtol=tolerance, atol=tolerance, err_msg=name)
        for name, array in end.synapse.items():
            np.testing.assert_allclose(array, whole.synapse[name], rtol=tolerance, atol=tolerance, err_msg=name)


def test_state_that_carries_over_takes_along_what_is_under_way() -> None:
    made = replace(pair(TM, delay="2 ms"), carry=True, phases=(Phase("all", "30 ms", learn=("W",)),))
    states = []
    for engine in (BatchedEngine(made, SETTING), BrianEngine(made, SETTING)):
        state = initial_state(made, 3) | {"W.w": weights_of(made)}
        for _ in range(2):
            state, outputs = engine.run(state, SENT, trials=1, record=RECORD)
        states.append((state, outputs.recordings))
    for name, array in states[0][0].items():
        np.testing.assert_allclose(array, states[1][0][name], rtol=1e-9, atol=1e-9, err_msg=name)
    np.testing.assert_allclose(states[0][1]["b.g"], states[1][1]["b.g"], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_batch_that_shares_weights_adds_up_increments(reduction: Any) -> None:
    rule = Rule(
        traces="x : 1", on_pre="x += 1\nw -= 0.02*z_post*w", on_post="w += 0.03*x*(1 - w)\nx = 0.5*x", name="counts"
    )
    made = replace(pair(rule, bounds=(0.12, 0.5), reduction=reduction), phases=(Phase("all", "30 ms", learn=("W",)),))
    given = {
        "a.i_ext": np.array([[1.5, 2.1, 3.3], [2.5, 1.7, 1.2], [1.1, 4.1, 2.0]]),
        "b.i_ext": np.array([[1.3, 1.9], [2.4, 1.6], [3.1, 1.2]]),
    }
    state = initial_state(made, 3) | {"W.w": weights_of(made)}
    record = ("a.spikes", "b.spikes", "a.z", "b.z")
    after, outputs = BatchedEngine(made, SETTING).run(state, given, record=record)
    spikes = {name: np.asarray(array, dtype=float) for name, array in outputs.recordings.items()}
    weights, x = weights_of(made), np.zeros((3, 2, 3))
    decay = np.exp(-DT / 8e-3)
    for step in range(300):
        here, there = spikes["a.spikes"][step], spikes["b.spikes"][step]
        z_post = spikes["b.z"][step] * decay
        fired = here[:, None, :] > 0
        x = x + fired
        for change in (
            np.where(fired, -0.02 * z_post[:, :, None] * weights, 0.0),
            None,
        ):
            if change is None:
                change = np.where(there[:, :, None] > 0, 0.03 * x * (1 - weights), 0.0)
                x = np.where(there[:, :, None] > 0, 0.5 * x, x)
            total = change.mean(axis=0) if reduction == "mean" else change.sum(axis=0)
            weights = np.clip(weights + total, 0.12, 0.5) if np.any(change) else weights
    np.testing.assert_allclose(after["W.w"], weights, rtol=1e-9)


@pytest.mark.parametrize("spiking", [True, False], ids=["surrogate", "rate"])
def test_gradients_go_back_through_delays(spiking: bool) -> None:
    lines = "dv/dt = (i_ext + g + k - v)/(4*ms) : 1\ndg/dt = -g/(3*ms) : 1\ni_ext : 1\nk : 1\nz = tanh(v) : 1"
    spikes: dict[str, Any] = {"threshold": "v > 0.6", "reset": "v = 0"} if spiking else {}
    cell = NeuronModel(lines, **spikes)
    rate = NeuronModel(lines)
    readout = registry.load("readouts", "squared_error").READOUT
    initial = Initial("uniform", 0.6, None)
    struck = Pathway("S", "a.spikes", "b.g", delay="1 ms", delivers="w*(1 + v_post)", initial=initial)
    pathways = (
        Pathway("W", "a.z", "b.k", delay="1.5 ms", initial=initial),
        Pathway("V", "b.z", "c.k", delay="2 ms", delivers="w*(z_pre - 0.3*z_post)", initial=initial),
        *([struck] if spiking else []),
    )
    made = Circuit(
        "late",
        (Population("a", 2, cell), Population("b", 3, rate), Population("c", 1, rate)),
        pathways,
        (Phase("all", "12 ms"),),
        readout,
        "c.v",
    )
    level: Level = "spiking" if spiking else "rate"
    setting = Setting(level, dt=5e-4, dtype="float64", surrogate_width=0.5 if spiking else None)
    given = {"a.i_ext": np.array([[0.9, 1.4]]), "c.target": np.array([[0.7]])}
    state = initial_state(made, 1)
    gradients = true_gradients(made, setting, state, given)
    for name, gradient in gradients.weights.items():
        for index in np.ndindex(gradient.shape):

            def loss(step: float, name: str = name, index: tuple[int, ...] = index) -> float:
                moved = state[name].copy()
                moved[index] += step
                _, outputs = BatchedEngine(made, setting).run(
                    state | {name: moved}, given, report=["loss"], learn=False
                )
                return float(outputs.ends["all"]["loss"].item())

            numeric = (loss(1e-5) - loss(-1e-5)) / 2e-5
            assert gradient[index] == pytest.approx(numeric, rel=1e-6, abs=1e-9), (name, index)
    assert all(np.any(gradient) for gradient in gradients.weights.values())


@pytest.mark.parametrize("engine", ["batched", "brian"])
def test_a_simulation_is_stored_with_what_is_under_way(engine: str, tmp_path: Path) -> None:
    made = pair(TM, delay="2 ms")
    options: dict[str, Any] = {"inputs": SENT, "dt": "0.1 ms", "dtype": "float64", "record": ["b.v", "b.g"]}
    options |= {"engine": engine, "learn": False}
    whole = simulate(made, "30 ms", **options)
    simulate(made, "15 ms", store=tmp_path / "end", **options)
    rest = simulate(made, "15 ms", restore=tmp_path / "end", **options)
    assert np.any(whole["b.g"].values)
    for name in ("b.v", "b.g"):
        np.testing.assert_array_equal(rest[name].values, whole[name].values[150:])


def test_trials_with_weights_of_their_own_assign_them() -> None:
    rule = Rule(on_pre="w = clip(1.1*w, 0, 0.9)", on_post="w *= 0.9")
    made = pair(rule, phases=(Phase("all", "20 ms", learn=("W",)),))
    given = {"a.i_ext": np.array([[1.5, 2.1, 3.3], [2.5, 1.7, 4.2]]), "b.i_ext": np.array([[1.3, 1.9], [2.4, 1.6]])}
    state = initial_state(made, 3)
    together = []
    for engine in (BatchedEngine(made, SETTING), BrianEngine(made, SETTING)):
        after, _ = engine.run(state, given, own_weights=True)
        alone = [
            engine.run(state, {n: a[[trial]] for n, a in given.items()}, first=trial)[0]["W.w"] for trial in range(2)
        ]
        np.testing.assert_allclose(after["W.w"], np.stack(alone), rtol=1e-12)
        together.append(after["W.w"])
    np.testing.assert_allclose(together[0], together[1], rtol=1e-9)
    assert not np.allclose(together[0][0], together[0][1])
