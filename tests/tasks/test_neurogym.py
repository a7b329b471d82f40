"""Tasks of neurogym, where it is installed; without it, how to install it."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

from neurosim.errors import ConfigError, DataError
from neurosim.tasks import neurogym

FEW: dict[str, Any] = {"n_train": 12, "n_validation": 0, "n_test": 4}
INSTALLED = importlib.util.find_spec("neurogym") is not None
needed = pytest.mark.skipif(not INSTALLED, reason="neurogym is not installed: pip install neurosim-lab[tasks]")
MATCH = "DelayMatchSample-v0"


def load(environment: str = MATCH, seed: int = 0, **settings: Any) -> Any:
    return neurogym.load(neurogym.Config(environment=environment, **(FEW | settings)), seed=seed)


@pytest.mark.skipif(INSTALLED, reason="neurogym is installed")
def test_without_neurogym_there_is_a_command() -> None:
    with pytest.raises(DataError, match=r"needs neurogym, which cannot be imported .*; pip install .*\[tasks\]"):
        load()


@needed
def test_the_delayed_match_of_neurogym() -> None:
    task = load()
    split = task.train
    assert (split.steps, split.n_inputs, split.n_outputs, task.dt) == (32, 3, 3, 0.1)
    assert task.kind == "classification" and task.loss == "cross_entropy"
    assert split.mask[0].nonzero()[0].tolist() == list(range(23, 32))
    np.testing.assert_array_equal(split.wanted().argmax(axis=1), split.labels)
    np.testing.assert_array_equal(split.trial_type, split.labels)
    assert set(split.labels.tolist()) == {1, 2}
    np.testing.assert_array_equal(load().train.inputs, split.inputs)
    assert not np.array_equal(load(seed=1).train.inputs, split.inputs)


@needed
def test_trials_of_several_lengths_are_padded_without_weight() -> None:
    task = load("ReadySetGo-v0", dt="80 ms", period="production")
    ends = task.train.steps - (task.train.mask[:, ::-1] > 0).argmax(axis=1)
    assert ends.max() == max(ends) and len(set(ends.tolist())) > 1
    # What is right changes within the period, so there is no one decision.
    assert task.kind == "regression" and task.train.labels is None and task.loss == "cross_entropy"


@needed
def test_actions_that_are_numbers() -> None:
    task = load("ReachingDelayResponse-v0")
    assert task.kind == "regression" and task.loss == "squared_error" and task.n_outputs == 2
    assert np.ptp(task.train.wanted()[:, 1]) > 0.1


@needed
def test_periods_have_the_lengths_that_are_given() -> None:
    assert load(timing={"delay": "300 ms"}).train.steps == 32 - 7
    assert load(dt="50 ms", outside=0.1).train.mask[0, 0] == np.float32(0.1)
    assert load(period="", steps=40).train.mask.sum(axis=1).tolist() == [32] * 12


FAULTS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"environment": "DelayMatch-v0"}, ConfigError, "task.environment: neurogym has no 'DelayMatch-v0'"),
    ({"environment": "antigravity:x-v0"}, ConfigError, "neurogym has no 'antigravity:x-v0'"),
    ({"period": "decisoin"}, ConfigError, "task.period: .* has no 'decisoin'; did you mean 'decision'"),
    ({"timing": {"dealy": "1 ms"}}, ConfigError, "task.timing: .* has no 'dealy'; did you mean 'delay'"),
    ({"options": {"foo": 1}}, ConfigError, "task.options: .* cannot be made with these"),
    ({"steps": 3}, ConfigError, "task.steps: got 3, expected at least 32"),
    ({"environment": "Bandit-v0"}, DataError, "does not say at each step which action is right"),
]


@needed
@pytest.mark.parametrize(("settings", "kind", "message"), FAULTS)
def test_what_neurogym_does_not_have(settings: dict[str, Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        load(**settings)
