"""The training loop: evaluation, schedules, and resuming."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim.engines.optimiser import Optimiser
from neurosim.errors import ConfigError, NumericalError
from neurosim.model_files.engine_section import make_engine
from neurosim.model_files.model_file import load
from neurosim.training import loop
from neurosim.training.evaluation import evaluate
from neurosim.training.loop import Progress, learning_rates, train
from neurosim.training.trial_order import order_of

SMALL: dict[str, Any] = {
    "task": {"kind": "teacher_student", "n_inputs": 6, "hidden": [5], "n_outputs": 3, "n_train": 90},
    "network": {"hidden": [8, 7], "readout": "squared_error"},
    "scheme": {"kind": "node_perturbation", "learning_rate": 0.05, "feedback_learning_rate": 0.05},
    "engine": {"level": "steady", "dtype": "float64"},
    "training": {
        "epochs": 3,
        "batch_size": 20,
        "measure_trials": 16,
        "learning_rate_decay": 0.5,
        "feedback_warm_up": 1,
    },
}


@pytest.fixture(scope="module")
def parts():
    model = load(SMALL)
    task = model.load_task(seed=0)
    return make_engine(model.engine, model.build(task)), task, model.training


@pytest.fixture(scope="module")
def result(parts):
    engine, task, config = parts
    return train(engine, task, config, seed=3)


def _answers(state: dict, inputs: np.ndarray) -> np.ndarray:
    activity = inputs.astype(float)
    for number in (1, 2, 3):
        activity = activity @ state[f"W{number}.w"].T + state[f"b{number}.w"].T
        activity = np.tanh(activity) if number < 3 else activity
    return activity


def test_evaluation_is_plain_forward_propagation(parts, result):
    _, task, _ = parts
    losses = 0.5 * ((_answers(result.state, task.test.inputs) - task.test.targets) ** 2).sum(axis=1)
    assert result.test.loss == pytest.approx(losses.mean(), rel=1e-9)
    assert np.isnan(result.test.accuracy)


def test_chunks_do_not_change_an_evaluation(parts, result):
    engine, task, _ = parts
    whole = evaluate(engine, result.state, task.validation, chunk=len(task.validation))
    assert evaluate(engine, result.state, task.validation, chunk=7).loss == pytest.approx(whole.loss, rel=1e-12)


def test_learning_lowers_the_loss_and_is_reported(result):
    history = result.history
    assert list(history.epoch.values) == [0, 1, 2, 3]
    assert history.validation_loss[-1] < history.validation_loss[0]
    assert np.isnan(history.train_loss[0]) and np.isfinite(history.train_loss[1:]).all()
    assert history.signal_angle_deg.dims == ("epoch", "layer")
    assert history.signal_angle_deg.attrs["units"] == "deg"
    assert {"hidden1", "hidden2", "output"} == set(history.layer.values)
    assert np.isfinite(history.signal_angle_deg.sel(layer=["hidden1", "hidden2"])).all()


def test_forward_weights_wait_for_the_warm_up(parts):
    engine, task, config = parts
    start = Progress(loop.initial_state(engine.circuit, 3, dtype="float64"))
    data = engine.placed(loop.stimuli_of(engine.circuit, task.train, slice(None)), 20)
    after, _ = loop._learn(start, engine, data, task, config, 3, None)
    for name in ("W1.w", "W2.w", "W3.w", "b1.w"):
        np.testing.assert_array_equal(after.state[name], start.state[name])
    assert not np.array_equal(after.state["B1.w"], start.state["B1.w"])


def test_learning_rates_decay_and_the_state_keeps_the_first_ones(parts, result):
    engine, _, config = parts
    rates = learning_rates(engine.circuit, result.state, config, 2)
    assert rates["W1.learning_rate"] == 0.05 * 0.25
    assert rates["B1.learning_rate"] == 0.05 * 0.25
    assert learning_rates(engine.circuit, result.state, config, 0)["W1.learning_rate"] == 0
    assert result.state["W1.learning_rate"] == 0.05


def test_no_warm_up_where_no_feedback_learns(parts):
    _, task, config = parts
    model = load({**SMALL, "scheme": {"kind": "feedback_alignment", "learning_rate": 0.05}})
    circuit = model.build(task)
    state = loop.initial_state(circuit, 0)
    assert learning_rates(circuit, state, config, 0)["W1.learning_rate"] == 0.05


def test_going_on_gives_the_same_bits(parts, result):
    engine, task, config = parts
    kept: list[Progress] = []

    def stop(report):
        if report.epoch == 2:
            raise KeyboardInterrupt

    original = loop._report

    def keeping(progress, *rest):
        kept.append(original(progress, *rest))
        return kept[-1]

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop, "_report", keeping)
        train(engine, task, config, seed=3, on_epoch=[stop])
    assert kept[-1].epoch == 1
    again = train(engine, task, config, seed=3, start=kept[-1])
    for name, array in result.state.items():
        np.testing.assert_array_equal(again.state[name], array)
    timed = ["samples_per_second"]
    assert again.history.drop_vars(timed).identical(result.history.drop_vars(timed))


def test_an_epoch_in_parts_is_the_same_epoch(parts, result, monkeypatch):
    engine, task, config = parts
    monkeypatch.setattr(loop, "STEPS_PER_CALL", 2)
    steps: list[tuple[int, int]] = []
    again = train(engine, task, config, seed=3, on_step=lambda *done: steps.append(done))
    np.testing.assert_allclose(again.state["W2.w"], result.state["W2.w"], rtol=1e-12)
    assert steps[:2] == [(2, 4), (4, 4)]


def test_where_steps_take_long_there_are_fewer_in_a_call(parts, monkeypatch):
    engine, task, config = parts
    monkeypatch.setattr(loop, "PRODUCTS_PER_CALL", 1)
    steps: list[tuple[int, int]] = []
    train(engine, task, config, seed=3, on_step=lambda *done: steps.append(done))
    assert steps[:4] == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_measuring_less_often(parts):
    engine, task, config = parts
    history = train(engine, task, config.model_copy(update={"measure_every": 2}), seed=0).history
    measured = np.isfinite(history.signal_angle_deg.sel(layer="hidden1")).values
    # The last epoch is always measured.
    assert measured.tolist() == [True, False, True, True]
    none = train(engine, task, config.model_copy(update={"measure_every": 0}), seed=0).history
    assert "layer" not in none.coords


def test_numbers_that_go_wrong_name_epoch_and_pathway(parts):
    engine, task, config = parts
    state = loop.initial_state(engine.circuit, 0, dtype="float64")
    state["W3.learning_rate"] = np.asarray(1e200)
    with pytest.raises(NumericalError, match=r"not finite in epoch 2, step \d+.*pathway .*W3"):
        train(engine, task, config.model_copy(update={"epochs": 4}), seed=0, start=Progress(state))


def test_a_batch_larger_than_the_data(parts):
    engine, task, config = parts
    with pytest.raises(ConfigError, match="batch_size: got 200, expected at most the 90"):
        train(engine, task, config.model_copy(update={"batch_size": 200}), seed=0)


def test_epochs_of_so_many_steps_go_on_through_the_passes(parts):
    _, _, config = parts
    window = config.model_copy(update={"steps_per_epoch": 3})
    presented = np.concatenate([order_of(window, epoch, 90, 3).ravel() for epoch in range(6)])
    assert order_of(window, 0, 90, 3).shape == (3, 20)
    # Four passes through 90 trials, each complete.
    for number in range(4):
        assert sorted(presented[number * 90 : (number + 1) * 90]) == list(range(90))
    assert not np.array_equal(presented[:90], presented[90:180])


def test_without_shuffling_every_pass_has_the_order_of_the_split(parts):
    _, _, config = parts
    fixed = config.model_copy(update={"shuffle": False})
    whole = 90 // config.batch_size * config.batch_size
    for epoch in range(3):
        assert order_of(fixed, epoch, 90, 3).ravel().tolist() == list(range(whole))
    window = fixed.model_copy(update={"steps_per_epoch": 3})
    presented = np.concatenate([order_of(window, epoch, 90, 3).ravel() for epoch in range(3)])
    assert presented.tolist() == [*range(90), *range(90)]
    # Models without the setting keep the hash that they had before there was one.
    assert "shuffle" not in config.model_dump()
    assert fixed.model_dump()["shuffle"] is False


def test_evaluating_less_often_and_with_noise(parts):
    engine, task, config = parts
    changed = config.model_copy(update={"evaluate_every": 2, "evaluate_perturbed": True, "measure_every": 0})
    history = train(engine, task, changed, seed=0).history
    assert np.isfinite(history.validation_loss).values.tolist() == [True, False, True, True]
    noisy = history.perturbed_loss.values[[0, 2, 3]]
    assert (
        np.isfinite(noisy).all() and not np.isclose(noisy, history.validation_loss.values[[0, 2, 3]], rtol=1e-9).any()
    )


def test_the_test_split_is_evaluated_after_epochs_if_asked_for(parts, result):
    engine, task, config = parts
    assert np.isnan(result.history.test_loss).all()
    changed = config.model_copy(update={"evaluate_every": 2, "evaluate_test": True, "measure_every": 0})
    asked = train(engine, task, changed, seed=3)
    assert np.isfinite(asked.history.test_loss).values.tolist() == [True, False, True, True]
    before = evaluate(engine, loop.initial_state(engine.circuit, 3, dtype="float64"), task.test).loss
    assert asked.history.test_loss.values[[0, -1]].tolist() == [before, asked.test.loss]
    # To look is not to learn.
    assert asked.test == result.test


def test_evaluation_with_noise_is_that_of_the_answer_with_noise(parts, result):
    engine, task, _ = parts
    loss = evaluate(engine, result.state, task.validation, perturbed=True).loss
    stimuli = loop.stimuli_of(engine.circuit, task.validation, slice(None))
    _, outputs = engine.run(result.state, stimuli, report=["loss"], learn=False)
    assert loss == pytest.approx(outputs.ends["perturbed"]["loss"].mean(), rel=1e-12)


@pytest.mark.parametrize("kind", ["momentum", "adam", "normalised"])
def test_an_optimiser_takes_the_steps_its_authors_write(kind):
    """Increments of plain steps, put together by hand; feedback weights follow their own rule."""
    model = load({**SMALL, "scheme": {"kind": "kolen_pollack", "learning_rate": 0.05}})
    task = model.load_task(seed=0)
    circuit = model.build(task)
    plain = make_engine(model.engine, circuit)
    engine = make_engine(model.engine, circuit, Optimiser(kind=kind, momentum=0.8, beta1=0.7, beta2=0.9))
    data = loop.stimuli_of(circuit, task.train, slice(None))
    order = np.arange(60).reshape(3, 20)
    state = by_hand = loop.initial_state(circuit, 0)
    first, second = 0.0, 0.0
    for step in range(3):
        # Three calls: what the optimiser remembers is in the state.
        state, _ = engine.train(state, data, order[step : step + 1], seed=0, first=20 * step)
        after, _ = plain.train(by_hand, data, order[step : step + 1], seed=0, first=20 * step)
        direction = (after["W2.w"] - by_hand["W2.w"]) / 0.05
        if kind == "momentum":
            first = direction + 0.8 * first
            move = first
        elif kind == "normalised":
            move = direction / np.linalg.norm(direction)
        else:
            first, second = 0.7 * first + 0.3 * direction, 0.9 * second + 0.1 * direction**2
            mean, square = first / (1 - 0.7 ** (step + 1)), second / (1 - 0.9 ** (step + 1))
            move = mean / (np.sqrt(square) + 1e-8)
        np.testing.assert_allclose(state["W2.w"], by_hand["W2.w"] + 0.05 * move, rtol=1e-12)
        np.testing.assert_allclose(state["B1.w"], after["B1.w"], rtol=1e-12)
        by_hand = {name: array for name, array in state.items() if not name.startswith("optimiser.")}


def test_brian_takes_plain_steps_only(parts):
    engine, _, _ = parts
    settings = load({**SMALL, "engine": {"kind": "brian"}}).engine
    with pytest.raises(ConfigError, match=r"training\.optimiser\.kind: got 'adam'"):
        make_engine(settings, engine.circuit, Optimiser(kind="adam"))
