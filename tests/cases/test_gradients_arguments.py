"""What gradients and comparisons are given is checked as engines check it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from neurosim import BrianEngine, Setting, alignment, initial_state, load, true_gradients
from neurosim.errors import CircuitError, NeurosimError
from neurosim.gradients.finite_difference import finite_difference_gradients
from neurosim.gradients.gauss_newton import gauss_newton_signals
from neurosim.gradients.gauss_newton_update import gauss_newton_updates
from neurosim.gradients.update_angles import update_angles

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "true_gradients": true_gradients,
    "alignment": alignment,
    "update_angles": update_angles,
    "gauss_newton_signals": gauss_newton_signals,
    "gauss_newton_updates": partial(gauss_newton_updates, damping=0.1),
    "finite_difference_gradients": partial(finite_difference_gradients, epsilon=0.1),
}
CIRCUIT = load(
    {
        "task": {"kind": "linear_regression", "n_inputs": 2, "n_outputs": 2},
        "network": {"hidden": [2], "readout": "squared_error"},
        "scheme": {"kind": "feedback_alignment"},
        "engine": {"level": "steady"},
    }
).circuit
X = np.ones((2, 2))
STIMULI = {"input.r": X, "output.target": X}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(
    ("stimuli", "state", "message"),
    [
        ({}, {}, "stimuli: got the shapes of nothing"),
        ({**STIMULI, "zz.r": X}, {}, "the stimulus 'zz.r' is no parameter"),
        ({**STIMULI, "input.r": "x"}, {}, "stimuli: 'input.r' is 'x'; expected a number"),
        ({**STIMULI, "input.r": np.ones((2, 5))}, {}, r"stimuli: 'input.r' has shape \(2, 5\)"),
        ({**STIMULI, 1: X}, {}, "a name in stimuli: got 1, expected text"),
        (STIMULI, {"W1.w": np.ones(3)}, r"state: 'W1.w' has shape \(3,\); expected \(2, 2\)"),
        (STIMULI, {"W1.w": "x"}, "state: 'W1.w' is 'x'; expected a number"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(name: str, stimuli: Any, state: Any, message: str) -> None:
    given = {**initial_state(CIRCUIT, 0), **state}
    with pytest.raises(NeurosimError, match=message):
        FUNCTIONS[name](CIRCUIT, Setting("steady"), given, stimuli)


def test_no_phase_at_all_is_told_of() -> None:
    engine = BrianEngine(CIRCUIT, Setting("rate"))
    with pytest.raises(CircuitError, match="phases: got none"):
        engine.run(initial_state(CIRCUIT, 0), STIMULI, phases=[])
