"""A rule written in the model does what that rule does in a scheme that ships, and is refused where it does not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.errors import ConfigError
from neurosim.model_files.model_file import Model, load
from neurosim.tasks._task import Sizes

STEADY = Setting(level="steady", dtype="float64")


def model(kind: str, **settings: Any) -> Model:
    sections = {"network": {"hidden": [6, 5]}, "training": {}, "task": {"kind": "digits"}}
    return load({**sections, "scheme": {"kind": kind, **settings}})


def after_learning(model: Model) -> dict[str, np.ndarray]:
    circuit = model.build(Sizes(8, 4))
    generator = np.random.default_rng(0)
    stimuli = {"input.r": generator.normal(size=(64, 8)), "output.target": np.eye(4)[generator.integers(4, size=64)]}
    order = generator.integers(64, size=(20, 16))
    state, _ = BatchedEngine(circuit, STEADY).train(initial_state(circuit, 0), stimuli, order, seed=0, first=0)
    return {name: array for name, array in state.items() if name.endswith(".w")}


def test_its_default_is_learned_feedback() -> None:
    own = after_learning(model("own_rule", learning_rate=0.1, parameters={"rate": 0.05}))
    shipped = after_learning(model("node_perturbation", learning_rate=0.1, feedback_learning_rate=0.05))
    assert own.keys() == shipped.keys()
    for name in own:
        np.testing.assert_array_equal(own[name], shipped[name], err_msg=name)


def test_kolen_and_pollack_in_one_line() -> None:
    rule = "w += -rate*delta_held_pre*r_held_post"
    found = after_learning(model("own_rule", rule=rule, parameters={"rate": 0.1}, learning_rate=0.1))
    before = initial_state(model("own_rule").build(Sizes(8, 4)), 0, dtype="float64")
    # Both directions took the same steps.
    np.testing.assert_allclose(found["B1.w"] - before["B1.w"], (found["W2.w"] - before["W2.w"]).T, atol=1e-12)


def test_a_decay_alone_takes_the_weights_away() -> None:
    found = after_learning(model("own_rule", rule="w -= rate*w", parameters={"rate": 0.1}))
    before = initial_state(model("own_rule").build(Sizes(8, 4)), 0, dtype="float64")
    np.testing.assert_allclose(found["B2.w"], 0.9**20 * before["B2.w"], rtol=1e-12)


def test_the_rule_is_part_of_what_a_run_is() -> None:
    rules = ("w += rate*delta_held_pre*r_held_post", "w -= rate*delta_held_pre*r_held_post")
    first, second = (model("own_rule", rule=rule) for rule in rules)
    assert first.hash != second.hash
    assert first.circuit.local


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"rule": "w = 3"}, r"scheme: rule: line 1, column 5: expected \+= or -="),
        ({"rule": ""}, "scheme: rule: got no statement"),
        ({"rule": "w += rate.real"}, "attribute access"),
        ({"rule": "v += rate"}, "not 'v'"),
        ({"rule": "w += ratee*r_held_pre"}, "did you mean 'rate'"),
        ({"rule": "w += other*r_held_pre"}, "unknown name 'other'"),
        ({"rule": "w += other*r_held_pre", "parameters": {"rate": 1.0}}, "'rate' stands nowhere in the rule"),
        ({"rule": "w += ratee*r_held_pre", "parameters": {"rate": 1.0}}, "did you mean 'rate'"),
        ({"parameters": {"rate": "fast"}}, "scheme: parameters: .*'rate'.*'fast' does not start with a number"),
    ],
)
def test_what_does_not_fit_is_told(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        _ = model("own_rule", **settings).circuit
