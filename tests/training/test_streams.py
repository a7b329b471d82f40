"""Endless streams in windows: by hand, as one long trial, on both engines; what does not go with them is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurosim import Circuit, Setting, initial_state, load
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.over_time import courses_of, for_whole_streams
from neurosim.engines.slots import carried_shapes
from neurosim.engines.state import weights_of
from neurosim.engines.stimuli import stimuli_of
from neurosim.errors import CircuitError, ConfigError, DataError
from neurosim.model_files.engine_section import make_engine
from neurosim.tasks import InputSpikes, Task, TimedSplit, mimic, recorded_trials
from neurosim.tasks._windows import Windows
from neurosim.training import loop
from neurosim.training.config import Config
from neurosim.training.evaluation import evaluate
from neurosim.training.loop import train
from neurosim.training.progress import packed, unpacked

STEPS, STREAMS, TAU, TAU_OUT, DT = 50, 3, 5e-3, 4e-3, 1e-3
MODEL: dict[str, Any] = {
    "task": {"kind": "add", "loss": "squared_error", "stream": True, "samples": STEPS, "burn_in": 7, "n_train": STREAMS,
             "n_validation": 2, "n_test": 2},
    "network": {"kind": "recurrent", "hidden": [5], "bias_weights": 0.5, "initial": 0.3,
                "neuron": {"kind": "leaky_rate", "activation": "tanh", "tau_m": "5 ms"},
                "output_neuron": {"kind": "leaky_rate", "activation": "identity", "tau_m": "4 ms"}},
    "scheme": {"kind": "eprop", "learning_rate": 0.2},
    "engine": {"level": "rate", "dt": "1 ms", "dtype": "float64"},
    "training": {"epochs": 2, "batch_size": STREAMS, "update_every": 5, "shuffle": False, "measure_every": 0},
}  # fmt: skip
WEIGHTS = ("Win1.w", "R1.w", "b1.w", "Wout.w", "bout.w")


def parts(*overrides: str) -> tuple[Any, Any, Config]:
    model = load(MODEL, list(overrides))
    task = model.load_task(seed=0)
    return make_engine(model.engine, model.build(task)), task, model.training


def started(engine: Any) -> dict[str, np.ndarray]:
    return initial_state(engine.circuit, 1, dtype="float64")


def by_hand(circuit: Circuit, state: dict[str, np.ndarray], split: TimedSplit) -> np.ndarray:
    """The loss of each grid step, ``(stream, T)``, of the state after its input has acted."""
    v, y = np.tile(state["hidden1.v"], (len(split), 1)), np.zeros((len(split), 1))
    losses, recurrent = np.empty((len(split), split.steps)), weights_of(circuit, state, "R1")
    for step in range(split.steps):
        r = np.tanh(v)
        y = y + DT / TAU_OUT * (r @ state["Wout.w"].T + state["bout.w"][:, 0] - y)
        drive = r @ recurrent.T + split.inputs[:, step] @ state["Win1.w"].T + state["b1.w"][:, 0]
        v = v + DT / TAU * (drive - v)
        losses[:, step] = 0.5 * ((y - split.targets[:, step]) ** 2).sum(axis=1)
    return losses


@pytest.mark.parametrize("every", [1, 5, STEPS])
def test_windows_have_the_losses_of_one_long_trial_and_their_increments_add_up_to_its_own(every):
    engine, task, _ = parts(f"training.update_every={every}")
    state = started(engine)
    windows = Windows(task.train, every)
    stimuli = stimuli_of(engine.circuit, windows, slice(None), dt=DT)
    still = {**state, **{name: 0.0 * array for name, array in state.items() if name.endswith("learning_rate")}}
    order = np.arange(len(windows)).reshape(-1, STREAMS)
    _, outputs = engine.train(still, stimuli, order, seed=0, first=0)
    losses = outputs.ends["presentation"]["total_loss"].reshape(-1, STREAMS)
    counted = task.train.mask * (np.arange(STEPS) < STEPS - 1)
    each = counted * by_hand(engine.circuit, state, task.train) * windows.count / counted.sum(axis=1, keepdims=True)
    late = np.pad(each[:, :-1], ((0, 0), (1, 0))).reshape(STREAMS, -1, every).sum(axis=2)
    np.testing.assert_allclose(losses, late.T, atol=1e-12)

    moving, increments = state, dict.fromkeys(WEIGHTS, 0.0)
    for rows in order:
        after, _ = engine.run(moving, {name: each.of_trials(rows) for name, each in stimuli.items()})
        increments = {name: total + after[name] - state[name] for name, total in increments.items()}
        moving = {**state, **{name: after[name] for name in carried_shapes(engine.circuit)}}
    whole = engine.with_circuit(for_whole_streams(engine.circuit, task.train, DT))
    shown = replace(task.train, mask=counted)
    after, _ = whole.run(state, stimuli_of(whole.circuit, shown, slice(None), dt=DT))
    for name, total in increments.items():
        np.testing.assert_allclose(total / windows.count, after[name] - state[name], atol=1e-12, err_msg=name)
        assert np.abs(total).max() > 1e-6


def test_both_engines_learn_the_same_from_streams():
    engine, task, _ = parts("task.samples=20", "task.burn_in=3", "training.epochs=1")
    state, windows = started(engine), Windows(task.train, 5)
    stimuli = stimuli_of(engine.circuit, windows, slice(None), dt=DT)
    order = np.arange(len(windows)).reshape(-1, STREAMS)
    after, outputs = engine.train(state, stimuli, order, seed=0, first=0)
    brian = BrianEngine(engine.circuit, Setting("rate", DT, "float64"))
    other, others = brian.train(state, stimuli, order, seed=0, first=0)
    for name in (*WEIGHTS, *carried_shapes(engine.circuit)):
        np.testing.assert_allclose(other[name], after[name], atol=1e-9, err_msg=name)
    loss = "total_loss"
    np.testing.assert_allclose(others.ends["presentation"][loss], outputs.ends["presentation"][loss], atol=1e-9)
    assert "output.spent" not in carried_shapes(engine.circuit)


def test_the_loss_of_an_epoch_is_that_of_the_streams_and_evaluation_shows_them_whole_from_rest():
    engine, task, config = parts("training.epochs=1")
    state = started(engine)
    split = task.validation
    loss = (split.mask * by_hand(engine.circuit, state, split)).sum() / split.mask.sum()
    assert evaluate(engine, state, split).loss == pytest.approx(loss, abs=1e-12)
    still = {**state, **{name: 0.0 * array for name, array in state.items() if name.endswith("learning_rate")}}
    reports = []
    train(engine, task, config, seed=0, start=loop.Progress(still), on_epoch=[reports.append])
    counted = task.train.mask * (np.arange(STEPS) < STEPS - 1)
    each = (counted * by_hand(engine.circuit, state, task.train)).sum(axis=1) / counted.sum(axis=1)
    assert reports[-1].train_loss == pytest.approx(each.mean(), abs=1e-12)


def test_going_on_in_the_middle_of_a_stream_gives_the_same_bits(monkeypatch):
    engine, task, config = parts("training.measure_every=1")
    monkeypatch.setattr(loop, "STEPS_PER_CALL", 4)
    kept = []
    result = train(engine, task, config, seed=1, on_progress=kept.append)
    middle = next(each for each in kept if each.epoch == 1 and each.part.steps)
    assert middle.carried.keys() == carried_shapes(engine.circuit).keys()
    again = train(engine, task, config, seed=1, start=unpacked(*packed(middle), like=started(engine)))
    for name, array in result.state.items():
        np.testing.assert_array_equal(again.state[name], array, err_msg=name)
    np.testing.assert_array_equal(again.history.validation_loss, result.history.validation_loss)
    angle = result.history.update_angle_deg.sel(layer="hidden1")
    assert np.isfinite(angle).all()
    np.testing.assert_array_equal(again.history.update_angle_deg.sel(layer="hidden1"), angle)


@pytest.mark.parametrize("held", [1, 3])
@pytest.mark.parametrize("spikes", [False, True])
def test_windows_beside_each_other_are_the_stream(held, spikes):
    engine, _, _ = parts(f"engine.dt='{1 / held!r} ms'")
    drawn = np.random.default_rng(0)
    fires = drawn.uniform(size=(STREAMS, 17, 2)) < 0.3
    inputs = InputSpikes.of_dense(fires) if spikes else fires
    dt: Any = "1 ms"
    split = TimedSplit(inputs, drawn.normal(size=(STREAMS, 17, 1)), dt, mask=drawn.uniform(size=(STREAMS, 17)))
    windows = Windows(split, 5)
    assert len(windows) == 9
    whole = courses_of(for_whole_streams(engine.circuit, split, DT / held), split, slice(None), DT / held)
    own = courses_of(engine.circuit, windows, slice(None), DT / held)
    for name, course in whole.items():
        beside = own[name].reshape(3, STREAMS, 5 * held, -1).swapaxes(0, 1).reshape(STREAMS, 15 * held, -1)
        part = course[:, : 15 * held]
        if name.endswith("mask"):
            # Of windows it is another share of one that each step has.
            assert not beside[:, 0].any()
            part = part * (beside.sum(axis=1, keepdims=True) / part.sum(axis=1, keepdims=True))
        np.testing.assert_allclose(beside, part, rtol=1e-6)
    np.testing.assert_allclose(own["output.mask"].reshape(3, STREAMS, -1).sum(axis=2).mean(axis=0) * DT / held, 1.0)
    rows = np.array([4, 0])
    for name, course in courses_of(engine.circuit, windows, rows, DT / held).items():
        np.testing.assert_array_equal(course, own[name][rows])
    if spikes:
        told = windows.firing(slice(None), held).reshape(3, STREAMS, 5, held, -1)
        assert (told[:, :, :, 1:] == 2).all()
        seen = (told[:, :, :, 0, :, None] == np.arange(2)).any(axis=3).swapaxes(0, 1).reshape(STREAMS, 15, 2)
        np.testing.assert_array_equal(seen, fires[:, :15])


def _written(changes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    merged = {name: {**MODEL[name], **changes.get(name, {})} for name in MODEL}
    if changes.get("network", {}).get("kind") == "layered":
        merged["network"] = {"hidden": [4], "readout": "squared_error"}
        merged["scheme"] = {"kind": "feedback_alignment"}
    return merged


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"training": {"shuffle": True}}, r"training\.shuffle: got true for a stream, expected false"),
        ({"training": {"update_every": None}}, r"training\.update_every: missing for a stream, expected"),
        ({"training": {"update_every": 51}}, r"training\.update_every: got 51, expected at most the 50 grid steps"),
        ({"task": {"stream": False, "burn_in": 0}}, r"training\.update_every: got 5 for trials, expected none"),
        ({"task": {"stream": False}}, r"task\.burn_in|burn_in: got 7 without stream, expected 0"),
        ({"task": {"burn_in": 50}}, r"burn_in: got 50, expected fewer than the 50 samples"),
        ({"network": {"kind": "layered"}}, r"task\.stream: got true for 'feedback_alignment', whose loss is read at"),
        ({"scheme": {"kind": "weight_perturbation_in_time"}}, r"task\.stream: .* presents everything in 2 phases"),
        (
            {"scheme": {"kind": "node_perturbation_in_time", "estimate": "episodic"},
             "network": {"neuron": {"kind": "leaky_rate", "tau_m": "5 ms", "sigma": 0.1, "noise_site": "current"},
                         "output_neuron": {"kind": "relay"}}},
            r"task\.stream: .* compares the loss of whole presentations \(in ",
        ),
        ({"scheme": {"kind": "bptt"}, "training": {"update_every": 1}}, r"training\.update_every: got a single time"),
    ],
)  # fmt: skip
def test_what_does_not_go_with_streams_is_refused_when_the_model_is_checked(changes, said):
    written = _written(changes)
    if written["training"]["update_every"] is None:
        del written["training"]["update_every"]
    with pytest.raises(ConfigError, match=said):
        _ = load(written).circuit


def test_what_does_not_go_with_the_data_is_refused_before_training():
    engine, task, config = parts()
    with pytest.raises(ConfigError, match=r"training\.batch_size: got 2, expected 3, the streams"):
        train(engine, task, config.model_copy(update={"batch_size": 2}), seed=0)
    resting = engine.with_circuit(replace(engine.circuit, carry=False))
    with pytest.raises(ConfigError, match=r"circuit\.carry: got false for a stream, expected true"):
        train(resting, task, config, seed=0)
    with pytest.raises(CircuitError, match=r"carries its state over, and the trials do not follow one another"):
        stimuli_of(engine.circuit, task.train, slice(1), dt=DT)
    with pytest.raises(CircuitError, match=r"begins each presentation from rest, and the task is a stream"):
        stimuli_of(resting.circuit, Windows(task.train, 5), slice(1), dt=DT)
    with pytest.raises(DataError, match=r"windows: got 51 grid steps, expected 1 to 50"):
        Windows(task.train, 51)
    late = replace(task.train, mask=np.arange(STEPS) == STEPS - 1)
    with pytest.raises(DataError, match=r"mask: stream 0 is zero in all windows"):
        stimuli_of(engine.circuit, Windows(late, 5), slice(1), dt=DT)
    labelled = replace(task.train, labels=np.zeros(STREAMS, int))
    with pytest.raises(DataError, match=r"task add: stream: got true with labels, expected none"):
        Task("add", labelled, task.validation, task.test, kind="regression", stream=True)


def test_mimic_is_a_stream_whose_teacher_answers_to_all_of_it_and_own_data_can_be_one(tmp_path):
    settings = mimic.Config(stream=True, samples=40, burn_in=10, n_train=2, n_validation=0, n_test=1)
    task: Any = mimic.load(settings, seed=0)
    assert task.stream
    assert mimic.sizes(settings).stream
    np.testing.assert_allclose(task.train.targets, mimic.answer(settings, task.train.inputs), rtol=1e-6)
    np.testing.assert_array_equal(task.train.mask, np.tile(np.arange(40) >= 10, (2, 1)))
    # Settings that say nothing of streams are written as they were before there were any.
    assert not {"stream", "burn_in"} & mimic.Config().model_dump().keys()
    assert mimic.load(settings.model_copy(update={"burn_in": 0}), seed=0).floors["teacher"] > 0
    drawn = np.random.default_rng(0)
    np.savez(tmp_path / "long.npz", inputs=drawn.normal(size=(6, 30, 2)), targets=drawn.normal(size=(6, 30, 1)))
    own = recorded_trials.Config(path=tmp_path / "long.npz", inputs="inputs", dt="1 ms", stream=True)
    assert recorded_trials.load(own, seed=0).stream
    with pytest.raises(ValueError, match=r"labels: got 'side' with stream = true, expected none"):
        recorded_trials.Config(path=tmp_path / "long.npz", inputs="inputs", dt="1 ms", stream=True, labels="side")


def test_the_samples_of_add_follow_from_those_before_without_a_shift_in_a_circle():
    split = parts()[1].train
    first, second = (split.inputs[:, 6 - lag : STEPS - lag, 0] for lag in (3, 6))
    np.testing.assert_allclose(split.targets[:, 6:, 0], 0.5 + 0.5 * first - 0.25 * second)
    np.testing.assert_array_equal(split.mask[0], np.arange(STEPS) >= 7)


@pytest.mark.slow  # 40,000 updates
def test_the_readout_of_an_orthogonal_network_alone_comes_to_half_a_nat_in_a_stream_of_add():
    model = load(
        {
            "task": {"kind": "add", "stream": True, "samples": 10_000, "burn_in": 20, "n_train": 16, "n_validation": 4,
                     "n_test": 4},
            "network": {"kind": "recurrent", "hidden": [24], "recurrent_law": "orthogonal", "autapses": True,
                        "readout": "cross_entropy",
                        "neuron": {"kind": "leaky_rate", "activation": "tanh", "tau_m": "1 ms"}},
            "scheme": {"kind": "readout_only", "learning_rate": 0.01},
            "engine": {"level": "rate", "dt": "1 ms"},
            "training": {"epochs": 4, "steps_per_epoch": 10_000, "batch_size": 16, "update_every": 1, "shuffle": False,
                         "measure_every": 0, "evaluate_every": 4},
        }
    )  # fmt: skip
    task = model.load_task(seed=0)
    assert task.floors["second_lag"] == pytest.approx(0.6277, abs=1e-4)
    learned = train(make_engine(model.engine, model.build(task)), task, model.training, seed=0)
    assert learned.test.loss == pytest.approx(0.5, abs=0.02)
