"""Trials over time and spiking inputs: what they hold, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim.errors import ArgumentError, DataError, UnitError
from neurosim.tasks import Criterion, InputSpikes, Split, Task, TimedSplit

N, T, D, K = 4, 6, 3, 2


def timed(**changes: Any) -> TimedSplit:
    given = {"inputs": np.zeros((N, T, D)), "targets": np.zeros((N, T, K)), "dt": "10 ms"}
    return TimedSplit(**(given | changes))


def with_one(shape: tuple[int, ...], place: tuple[int | slice, ...], value: float) -> np.ndarray:
    array = np.ones(shape)
    array[place] = value
    return array


def test_a_split_says_what_it_holds() -> None:
    split = timed(trial_type=np.array([0, 2, 1, 0]), labels=np.array([1, 0, 0, 1]))
    assert (len(split), split.steps, split.dt, split.n_inputs, split.n_outputs) == (N, T, 0.01, D, K)
    assert not split.events and split.trial_type.tolist() == [0, 2, 1, 0]
    assert repr(split) == "TimedSplit(4 trials of 6 steps of 10 ms, 3 inputs, 2 outputs)"
    assert timed().trial_type.tolist() == [0] * N and timed().labels is None


def test_what_is_alike_in_all_trials_is_kept_once() -> None:
    target, mask = np.arange(T * K, dtype=float).reshape(T, K), np.arange(T)
    split = timed(targets=target, mask=mask)
    assert split.targets.strides[0] == split.mask.strides[0] == timed().mask.strides[0] == 0
    np.testing.assert_array_equal(split.targets, np.broadcast_to(target, (N, T, K)))
    target[0], mask[:] = 7, 0
    assert split.targets[0, 0, 0] == 0 and split.mask[0].tolist() == list(range(T))


def test_the_density_of_a_mask_adds_up_to_one() -> None:
    mask = np.random.default_rng(0).uniform(size=(N, T))
    split = timed(mask=mask)
    np.testing.assert_allclose(split.density().sum(axis=1) * 0.01, 1, rtol=1e-12)
    np.testing.assert_allclose(split.density([2]) / split.density([2])[0, 0], mask[[2]] / mask[2, 0], rtol=1e-6)


def test_the_wanted_answer_is_the_mean_target_over_the_mask() -> None:
    targets = np.random.default_rng(0).normal(size=(N, T, K))
    mask = with_one((N, T), (0, 0), 3.0)
    expected = np.average(targets, axis=1, weights=np.repeat(mask[:, :, None], K, axis=2))
    np.testing.assert_allclose(timed(targets=targets, mask=mask).wanted(), expected, rtol=1e-5)


def test_trials_of_a_split() -> None:
    inputs = np.arange(N * T * D, dtype=float).reshape(N, T, D)
    some = timed(inputs=inputs, labels=np.arange(N)).of_trials(np.array([2, 0]))
    np.testing.assert_array_equal(some.inputs, inputs[[2, 0]])
    assert some.labels is not None and some.labels.tolist() == [2, 0]


BROKEN = with_one((N, T, D), (2, 3, 1), np.nan)
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "inputs without time": ({"inputs": np.zeros((N, D))}, r"inputs: got shape \(4, 3\), expected \(trials, steps"),
    "inputs of no number": ({"inputs": np.zeros((N, T, 0))}, "inputs: got shape"),
    "inputs that are text": ({"inputs": np.full((N, T, D), "a")}, "inputs: got <U1, expected numbers"),
    "trials of unequal length": (
        {"inputs": [np.zeros((T, D))] * 2 + [np.zeros((T - 1, D)), np.zeros((T, D))]},
        r"inputs: trial 2 has shape \(5, 3\), expected \(6, 3\) as trial 0; bring all trials to one length",
    ),
    "targets of another length": (
        {"targets": np.zeros((N, T + 1, K))},
        "targets: got 7 steps in each trial, expected 6 as in inputs; bring all trials to one length",
    ),
    "targets of other trials": ({"targets": np.zeros((N + 1, T, K))}, "targets: got 5 trials, expected 4"),
    "a mask of another length": ({"mask": np.ones((N, T - 1))}, "mask: got 5 steps in each trial, expected 6"),
    "a mask of other trials": ({"mask": np.ones((1, T))}, "mask: got 1 trials, expected 4 .* leave out the axis"),
    "a mask of each output": ({"mask": np.ones((N, T, K))}, r"mask: got shape \(4, 6, 2\), expected \(trials, steps\)"),
    "a mask of zeros": (
        {"mask": np.repeat([[1.0], [1.0], [0.0], [1.0]], T, axis=1)},
        "mask: trial 2 is zero at all steps, .* or leave the trial out",
    ),
    "a negative mask": ({"mask": with_one((N, T), (1, 4), -0.5)}, "mask: trial 1 has -0.5 at step 4, expected weights"),
    "a mask that is not finite": ({"mask": with_one((N, T), (3, 0), np.inf)}, "mask: trial 3 is not finite"),
    "NaN in one trial": (
        {"inputs": BROKEN},
        r"inputs: trial 2 is not finite in 1 of 6 steps, the first at 30 ms; expected finite .* or leave the trial out",
    ),
    "infinity in two trials": (
        {"targets": with_one((N, T, K), (slice(1, 3), 0, 0), np.inf)},
        r"targets: trial 1 .* the first at 0 second \(and 1 more trial\).* a mask of zero where targets are unknown",
    ),
    "types below zero": ({"trial_type": np.array([0, 1, -1, 0])}, "trial_type: trial 2 has -1, expected whole numbers"),
    "types that are real": ({"trial_type": np.zeros(N)}, "trial_type: got float64"),
    "labels of other trials": ({"labels": np.zeros(N + 1, int)}, r"labels: got int64 of shape \(5,\), expected"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_split_names_the_trial_at_fault(fault: str) -> None:
    changes, message = FAULTS[fault]
    with pytest.raises(DataError, match=message):
        timed(**changes)


def test_a_grid_step_is_a_time() -> None:
    with pytest.raises(UnitError, match="mV"):
        timed(dt="10 mV")
    with pytest.raises(ArgumentError, match="a finite time above zero"):
        timed(dt=0)


def spikes(**changes: Any) -> InputSpikes:
    given = {"trial": [0, 0, 1], "step": [1, 2, 0], "neuron": [0, 1, 1], "trials": 2, "steps": 4, "n": 2}
    return InputSpikes(**(given | changes))


def test_spikes_from_what_fires_and_back() -> None:
    fires = np.random.default_rng(0).uniform(size=(5, 7, 3)) < 0.4
    made = InputSpikes.of_dense(fires)
    assert made.shape == fires.shape and len(made) == 5 and made.most == fires.sum(axis=2).max()
    np.testing.assert_array_equal(made.dense(), fires)
    for rows in (np.array([4, 1]), slice(1, 3)):
        np.testing.assert_array_equal(made.dense(rows), fires[rows])
        np.testing.assert_array_equal(made.of_trials(rows).dense(), fires[rows])
        full = np.zeros((*fires[rows].shape[:2], 4))
        np.put_along_axis(full, made.firing(rows).astype(int), 1, axis=2)
        np.testing.assert_array_equal(full[:, :, :3], fires[rows])


def test_the_order_of_spikes_does_not_matter() -> None:
    again = spikes(trial=[1, 0, 0], step=[0, 2, 1], neuron=[1, 1, 0])
    np.testing.assert_array_equal(spikes().dense(), again.dense())


def test_silence_is_an_input() -> None:
    silent = InputSpikes([], [], [], trials=2, steps=3, n=4)
    assert silent.dense().shape == (2, 3, 4) and not silent.dense().any()
    assert silent.firing().tolist() == [[[4]] * 3] * 2


def test_a_spike_is_in_the_step_in_which_its_time_lies() -> None:
    times = ["0 ms", "0.99 ms", "1 ms", "2.99999999 ms"]
    made = InputSpikes.at_times([0, 1, 0, 0], times, [0, 0, 1, 0], trials=2, steps=4, n=2, dt="1 ms")
    assert made.step.tolist() == [0, 1, 3, 0]


SPIKE_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "another length": ({"step": [1, 2]}, r"different length \(trial 3, step 2, neuron 3\)"),
    "another trial": ({"trial": [0, 0, 2]}, "a spike has the trial 2, expected numbers from 0 to 1"),
    "another step": ({"step": [1, 4, 0]}, "a spike of trial 0 has the step 4, expected numbers from 0 to 3"),
    "another neuron": ({"neuron": [0, 1, -1]}, "a spike of trial 1 has the neuron -1, expected numbers from 0 to 1"),
    "real numbers": ({"neuron": [0.0, 1.0, 1.0]}, "neuron is float64"),
    "two in one step": (
        {"step": [1, 1, 0], "neuron": [1, 1, 1]},
        "neuron 1 has two in step 1 of trial 0, expected at most one in a step; give a smaller dt",
    ),
}


@pytest.mark.parametrize("fault", SPIKE_FAULTS)
def test_spikes_name_the_trial_at_fault(fault: str) -> None:
    changes, message = SPIKE_FAULTS[fault]
    with pytest.raises(DataError, match=message):
        spikes(**changes)


TIME_FAULTS: dict[str, tuple[list[int], list[float], str]] = {
    "not sorted": ([0, 1, 1], [0.0, 2e-3, 1e-3], "times of trial 1 are not sorted, 0.001 s follows 0.002 s"),
    "before the trial": ([0, 1], [0.0, -1e-3], "trial 1 has one at -0.001 s, expected times from 0 to below 4 ms"),
    "beyond the trial": ([0, 0], [0.0, 4e-3], "trial 0 has one at 0.004 s, .* leave out those beyond it"),
    "not finite": ([0, 1], [0.0, np.nan], "trial 1 has a time that is not finite"),
    "another length": ([0], [0.0, 1e-3], "got 2 times and 1 trials"),
}


@pytest.mark.parametrize("fault", TIME_FAULTS)
def test_times_name_the_trial_at_fault(fault: str) -> None:
    trial, time, message = TIME_FAULTS[fault]
    with pytest.raises(DataError, match=message):
        InputSpikes.at_times(trial, np.asarray(time), [0] * len(time), trials=2, steps=4, n=2, dt=1e-3)


PLAIN = Split(np.zeros((N, D)), np.zeros((N, K)))
TASK_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "a split without time": ({"test": PLAIN}, "the test split is a Split, expected a TimedSplit as the training split"),
    "another grid step": (
        {"test": timed(dt=0.02)},
        "6 steps of 20 ms and numbers as inputs, expected 6 steps of 10 ms",
    ),
    "another length": (
        {"validation": timed(inputs=np.zeros((N, 2, D)), targets=np.zeros((N, 2, K)))},
        "the validation split has 2 steps of 10 ms",
    ),
    "spikes": ({"test": timed(inputs=InputSpikes([], [], [], N, T, D))}, "spikes as inputs, expected .* numbers"),
    "an image": ({"shape": (1, 3, 1)}, "shape: got one, expected none of a task over time"),
    "augmentation": ({"augment": lambda inputs, seed, numbers: inputs}, "augment: got one, expected none"),
    "a stream without time": (
        {"train": PLAIN, "validation": PLAIN, "test": PLAIN, "stream": True},
        "stream: got true, expected false, since its examples have no time",
    ),
}


@pytest.mark.parametrize("fault", TASK_FAULTS)
def test_a_task_has_one_grid(fault: str) -> None:
    changes, message = TASK_FAULTS[fault]
    given: dict[str, Any] = {"train": timed(), "validation": timed(), "test": timed(), **changes}
    with pytest.raises(DataError, match=message):
        Task("t", kind="regression", **given)


def test_a_task_says_its_grid_and_its_floors() -> None:
    task = Task("t", timed(), timed(), timed(), kind="regression", floors={"nothing_accuracy": 50.0})
    assert (task.steps, task.dt, task.n_inputs, task.n_outputs, task.events) == (T, 0.01, D, K, False)
    assert repr(task).endswith("6 steps of 10 ms; 4 train, 4 validation, 4 test; floors: nothing accuracy 50)")
    plain = Task("p", PLAIN, PLAIN, PLAIN, kind="regression")
    assert (plain.steps, plain.dt, plain.events) == (None, None, False)


def test_a_criterion_is_met_or_not() -> None:
    assert Criterion("accuracy", 95).met(1.0, 95.0) and not Criterion("accuracy", 95).met(0.0, float("nan"))
    assert Criterion("loss", 0.1).met(0.1, 0.0) and not Criterion("loss", 0.1).met(0.2, 100.0)
