"""Drawn tasks over time: published laws, floors in closed form, determinism, and settings that do not fit."""

from __future__ import annotations

from itertools import product
from typing import Any, cast

import numpy as np
import pydantic
import pytest

from neurosim import registry
from neurosim.tasks import (
    Task,
    TimedSplit,
    add,
    centre_out,
    delayed_match,
    delayed_xor,
    evidence_accumulation,
    mimic,
    pattern_generation,
    sine,
)
from neurosim.tasks._temporal import Config as Temporal
from neurosim.tasks._temporal import constant_floors

MODULES: list[Any] = [
    module for name in registry.names("tasks") if issubclass((module := registry.load("tasks", name)).Config, Temporal)
]
SHORT: dict[str, dict[str, Any]] = {
    "evidence_accumulation": {"dt": "10 ms", "delay": "100 ms", "cues": 3},
    "pattern_generation": {"dt": "10 ms"},
    "delayed_match": {
        "dt": "1 ms",
        "stimulus": "10 ms",
        "delay": "10 ms",
        "response_delay": "10 ms",
        "report": "10 ms",
    },
    "delayed_xor": {"dt": "5 ms", "report": "5 ms"},
}


def in_time(task: Task) -> TimedSplit:
    """The training split of a task over time."""
    return cast(TimedSplit, task.train)


def short(module: Any, **settings: Any) -> Any:
    return module.Config(**(SHORT.get(module.__name__.rpartition(".")[2], {}) | settings))


def dense(split: Any) -> np.ndarray:
    return split.inputs.dense() if split.events else split.inputs


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_splits_follow_the_seed_and_not_each_others_sizes(module: Any) -> None:
    first, more = (module.load(short(module, n_test=4, n_train=n), seed=3) for n in (2, 5))
    np.testing.assert_array_equal(dense(first.test), dense(more.test))
    np.testing.assert_array_equal(first.test.targets, more.test.targets)
    assert not len(module.load(short(module, n_validation=0), seed=3).validation)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_task_prints_floors_that_its_settings_tell(module: Any) -> None:
    task = module.load(short(module), seed=3)
    assert "nothing" in task.floors and "floors: " in repr(task)
    if hasattr(module, "floors"):
        seeded = {"seed": 3} if module is pattern_generation else {}
        assert task.floors == module.floors(short(module), **seeded)


@pytest.mark.parametrize("module", [add, mimic, sine, pattern_generation, centre_out, delayed_match, delayed_xor])
def test_to_know_nothing_is_to_answer_the_mean(module: Any) -> None:
    task = module.load(short(module, n_train=2000 if module in (add, mimic, delayed_match) else 8), seed=0)
    drawn = constant_floors(task.train, task.loss)
    assert drawn["nothing"] == pytest.approx(task.floors["nothing"], rel=0.01)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
@pytest.mark.parametrize("dt", ["0 ms", "1 mV", "7"])
def test_a_grid_step_is_a_time_above_zero(module: Any, dt: str) -> None:
    with pytest.raises((pydantic.ValidationError, ValueError), match="dt"):
        module.Config(dt=dt)


FAULTS: list[tuple[Any, dict[str, Any], str]] = [
    (add, {"t1": 6}, "t2: got 6 as t1"),
    (add, {"samples": 6}, "samples: got 6, expected more than the longest lag, 6"),
    (add, {"t1": -1}, "t1"),
    (add, {"n_train": 10**7}, "numbers, expected at most"),
    (sine, {"harmonics": (1,)}, "harmonics: got 1, expected one for each of the 3 amplitudes"),
    (sine, {"amplitudes": (1.0, float("nan"), 1.0)}, "not finite"),
    (sine, {"duration": "100.5 ms"}, "duration: got 100.5 ms, expected a whole number of grid steps of 1 ms"),
    (sine, {"duration": "10 year"}, "unit"),
    (sine, {"dt": "1 us", "duration": "20 second"}, "got trials of 20000000 steps"),
    (pattern_generation, {"rate": "2000 Hz"}, "rate: got 2000 Hz, expected at most one spike in a grid step of 1 ms"),
    (pattern_generation, {"rate": "-1 Hz"}, "not negative"),
    (pattern_generation, {"cycles": (600,)}, "cycles: got 600, expected at most 500"),
    (mimic, {"n_outputs": 1}, "n_outputs"),
    (centre_out, {"cue": "21 ms"}, "cue: got 21 ms, expected at most the duration of 20 ms"),
    (centre_out, {"counted": "30 ms"}, "counted: got 30 ms"),
    (delayed_match, {"longest_delay": "100 ms"}, "longest_delay: got 100 ms, expected at least the delay of 199 ms"),
    (delayed_match, {"stimulus": "0 ms"}, "positive"),
    (evidence_accumulation, {"cues": 4}, "cues: got 4, expected an odd number, so that there is a majority"),
    (evidence_accumulation, {"active_rate": "1 kHz", "dt": "10 ms"}, "active_rate: got 1 kHz"),
    (evidence_accumulation, {"probability": 0.3}, "probability"),
    (delayed_xor, {"report": "901 ms"}, "report: got 901 ms"),
    (delayed_xor, {"noise": float("inf")}, "noise"),
]


@pytest.mark.parametrize(("module", "settings", "message"), FAULTS)
def test_settings_that_do_not_fit(module: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=message):
        module.Config(**settings)


# add


def test_the_floors_of_add_are_the_published_ones() -> None:
    """Marschall, Cho & Savin (2020): .66, .52 and .45 nats."""
    floors = add.floors(add.Config())
    expected = {"nothing": 0.6616, "first_lag": 0.5192, "second_lag": 0.6277, "both": 0.4545}
    assert floors == pytest.approx(expected, abs=5e-5)
    squares = add.floors(add.Config(loss="squared_error"))
    assert squares == pytest.approx({"nothing": 5 / 128, "first_lag": 1 / 128, "second_lag": 1 / 32, "both": 0.0})


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error", "sigmoid_cross_entropy"])
@pytest.mark.parametrize("labels", ["deterministic", "bernoulli"])
@pytest.mark.parametrize("unseen", ["masked", "counted"])
def test_the_floors_of_add_are_those_of_the_best_guesses(loss: Any, labels: Any, unseen: Any) -> None:
    config = add.Config(n_train=4000, loss=loss, labels=labels, unseen=unseen, t1=1, t2=2, samples=8, repeat=2)
    split = in_time(add.load(config, seed=1))
    coins, target, mask = split.inputs[:, ::2, 0], split.targets[:, ::2, 0].astype(float), split.mask[0, ::2]
    time, losses = np.arange(8), {}
    for name, (one, two) in {"nothing": (0, 0), "first_lag": (1, 0), "second_lag": (0, 1), "both": (1, 1)}.items():
        lagged = [np.where(time >= lag, np.roll(coins, lag, axis=1), 0.5) for lag in (1, 2)]
        first, second = (each if known else 0.5 for each, known in zip(lagged, (one, two), strict=True))
        guess = np.broadcast_to(0.5 + 0.5 * first - 0.25 * second, target.shape)
        if loss == "squared_error":
            each = 0.5 * (target - guess) ** 2
        else:
            each = -target * np.log(guess) - (1 - target) * np.log(np.where(guess < 1, 1 - guess, 1.0))
        losses[name] = float((each * mask).mean() / mask.mean())
    assert losses == pytest.approx(add.floors(config), rel=0.03, abs=1e-3)


def test_add_follows_from_lagged_coins_without_a_circular_shift() -> None:
    split = add.load(add.Config(unseen="counted", repeat=3, n_train=300), seed=0).train
    assert isinstance(split, TimedSplit) and split.steps == 90 and split.mask.all()
    x, y = split.inputs[:, ::3, 0], split.targets[:, ::3, 0]
    np.testing.assert_allclose(y[:, 6:], 0.5 + 0.5 * x[:, 3:-3] - 0.25 * x[:, :-6])
    np.testing.assert_allclose(split.targets.sum(axis=2), 1)
    np.testing.assert_array_equal(split.inputs[:, 1::3], split.inputs[:, ::3])
    # The first targets follow from coins that nobody has seen, not from the last ones.
    circular = 0.5 + 0.5 * np.roll(x, 3, axis=1) - 0.25 * np.roll(x, 6, axis=1)
    assert abs(np.corrcoef(y[:, :3].ravel(), circular[:, :3].ravel())[0, 1]) < 0.1


# patterns


def test_the_sine_is_the_published_one() -> None:
    task = sine.load(sine.Config(), seed=0)
    w = 2 * np.pi / 0.1
    time = 1e-3 * np.arange(100)
    expected = np.sin(w * time) + 0.5 * np.sin(2 * w * time) + 0.25 * np.sin(4 * w * time)
    np.testing.assert_allclose(task.train.targets[0, :, 0], expected, atol=1e-6)
    assert not task.train.inputs.any() and task.floors["nothing"] == pytest.approx(0.25 * (1 + 1 / 4 + 1 / 16))


def test_the_pattern_is_a_sum_of_four_sines_by_a_frozen_clock() -> None:
    task = pattern_generation.load(pattern_generation.Config(n_train=2), seed=4)
    shown = in_time(task).inputs
    target = task.train.targets[0, :, 0].astype(float)
    assert target[0] == 0 and np.abs(target).max() == pytest.approx(1)
    time = np.arange(1000)[:, None] / np.array([1000, 500, 333, 200])
    waves = np.concatenate([np.sin(2 * np.pi * time), np.cos(2 * np.pi * time), np.ones((1000, 1))], axis=1)
    assert np.abs(waves @ np.linalg.lstsq(waves, target, rcond=None)[0] - target).max() < 1e-6
    np.testing.assert_array_equal(shown.dense(slice(0, 1)), cast(TimedSplit, task.test).inputs.dense())
    assert shown.dense(slice(0, 1)).mean() == pytest.approx(0.05, rel=0.1)
    drawn = pattern_generation.load(pattern_generation.Config(n_train=2, frozen=False), seed=4)
    fresh = in_time(drawn).inputs.dense()
    assert not np.array_equal(fresh[0], fresh[1])


def test_the_pattern_follows_the_runs_seed_or_its_own() -> None:
    one, other = (pattern_generation.pattern(pattern_generation.Config(), seed=seed) for seed in (0, 1))
    assert not np.array_equal(one, other)
    own = pattern_generation.Config(pattern_seed=1)
    np.testing.assert_array_equal(pattern_generation.pattern(own, seed=0), other)


def test_the_teacher_of_mimic_answers_step_by_step() -> None:
    config = mimic.Config(n_train=3, samples=5, repeat=2)
    split = mimic.load(config, seed=2).train
    recurrent, inward, outward = mimic.weights(config)
    u = np.zeros(config.n_hidden)
    for step in range(10):
        u = 0.5 * u + 0.5 * (recurrent @ np.tanh(u) + inward @ split.inputs[1, step].astype(float))
        scores = np.exp(outward @ np.tanh(u))
        np.testing.assert_allclose(split.targets[1, step], scores / scores.sum(), rtol=1e-5)
    np.testing.assert_array_equal(split.inputs[:, ::2], split.inputs[:, 1::2])
    floors = mimic.floors(config)
    entropy = -(split.targets * np.log(split.targets)).sum(axis=2).mean()
    assert floors["teacher"] == pytest.approx(entropy, rel=0.1) and floors["teacher"] < floors["nothing"]
    assert mimic.floors(mimic.Config(loss="squared_error"))["teacher"] == 0


# decisions


def test_the_published_match_to_sample() -> None:
    split = in_time(delayed_match.load(delayed_match.Config(), seed=0))
    assert split.steps == 1000
    np.testing.assert_array_equal(split.trial_type[:8], [0, 1, 2, 3] * 2)
    for trial, (first, second) in enumerate(product((0, 1), repeat=2)):
        expected = np.zeros((1000, 2))
        expected[1:201, first] += 1
        expected[400:600, second] += 1
        np.testing.assert_array_equal(split.inputs[trial], expected)
        sign = 0.98 if first != second else -0.98
        np.testing.assert_allclose(split.targets[trial, 800:, 0], sign, rtol=1e-6)
        assert split.labels is not None and split.labels[trial] == (first != second)
    assert not split.mask[:, :800].any() and (split.mask[:, 800:] == 1).all()


def test_match_and_classes_are_settings() -> None:
    settings = {**SHORT["delayed_match"], "fixation": "0 ms"}
    match = delayed_match.load(delayed_match.Config(**settings, high="match", target="classes"), seed=0)
    assert in_time(match).steps == 50 and match.loss == "cross_entropy"
    assert match.train.labels is not None and match.train.labels[:4].tolist() == [1, 0, 0, 1]
    np.testing.assert_array_equal(match.train.targets[0, -1], [0, 1])
    np.testing.assert_array_equal(match.train.targets[0, 0], [0.5, 0.5])
    assert match.floors["nothing"] == pytest.approx(np.log(2))


def test_delays_vary_and_reports_follow_them() -> None:
    settings = {**SHORT["delayed_match"], "longest_delay": "25 ms", "outside": 0.1, "n_train": 200, "noise": 0.1}
    config = delayed_match.Config(**settings)
    split = in_time(delayed_match.load(config, seed=0))
    clean = in_time(delayed_match.load(config.model_copy(update={"noise": 0.0}), seed=0))
    assert (split.inputs - clean.inputs).std() == pytest.approx(0.1, rel=0.05)
    quiet = (clean.inputs.sum(axis=2) == 0).sum(axis=1)
    assert (quiet == split.steps - 20).all()
    first, second = clean.inputs[:, :11].any(axis=2), clean.inputs[:, 11:].any(axis=2)
    delays = second.argmax(axis=1)
    assert first[:, 1:].all() and set(delays.tolist()) == set(range(10, 26))
    reports = (split.mask == 1).argmax(axis=1)
    np.testing.assert_array_equal(reports, 11 + delays + 10 + 10)
    assert ((split.mask > 0).sum(axis=1) == reports + 10).all()


def test_the_published_exclusive_or() -> None:
    config = delayed_xor.Config(noise=0.0)
    split = in_time(delayed_xor.load(config, seed=0))
    assert split.steps == 900 and split.mask[0].nonzero()[0].tolist() == [899]
    for trial, (first, second) in enumerate(product((0, 1), repeat=2)):
        inputs = split.inputs[trial].astype(float) - 0.02
        assert inputs[:100, first].argmax() in (49, 50) and inputs[800:, second].argmax() in (49, 50)
        assert inputs.max() == pytest.approx(2, rel=1e-3) and not np.abs(inputs[100:800]).max() > 1e-6
        assert inputs[25, first] / inputs[49, first] == pytest.approx(np.exp(-0.5 * (24.5**2 - 0.25) / 625), rel=1e-5)
        assert split.labels is not None and split.labels[trial] == (first == second)
        np.testing.assert_array_equal(split.targets[trial, -1], [first != second, first == second])


def test_targets_around_the_centre() -> None:
    split = in_time(centre_out.load(centre_out.Config(), seed=0))
    np.testing.assert_allclose(split.targets[:, -1], [[1, 1], [-1, 1], [-1, -1], [1, -1]], atol=1e-6)
    np.testing.assert_array_equal(split.inputs[:, 0], np.eye(4))
    assert not split.inputs[:, 10:].any() and split.inputs[:, :10].sum() == 40
    assert split.mask[0].tolist() == [0.0] * 10 + [1.0] * 10
    assert centre_out.floors(centre_out.Config()) == pytest.approx({"zero": 1.0, "nothing": 1.0})
