"""Stimuli that cannot be set are refused by both engines, in the same words; what changes in time says so."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.engines.stimuli import Stimulus
from neurosim.errors import ArgumentError, CircuitError
from neurosim.neurons import leaky_rate, stimulus

CIRCUIT = Circuit(
    "two",
    (
        Population("input", 2, stimulus.build(stimulus.Config())),
        Population("layer", 3, leaky_rate.build(leaky_rate.Config())),
    ),
    (Pathway("W", "input.r", "layer.drive"),),
    (Phase("run", "5 ms"),),
)


@pytest.mark.parametrize("engine", [BatchedEngine, BrianEngine])
@pytest.mark.parametrize(
    ("name", "message"),
    [("layer.drive", "the circuit computes it"), ("inptu.r", "did you mean 'input.r'"), ("layer.v", "no parameter")],
)
def test_what_cannot_be_set(engine: type[BatchedEngine] | type[BrianEngine], name: str, message: str) -> None:
    runner = engine(CIRCUIT, Setting("rate", 1e-3, "float64"))
    with pytest.raises(CircuitError, match=message):
        runner.run(initial_state(CIRCUIT, 0), {name: np.zeros((1, 3))})


@pytest.mark.parametrize("engine", [BatchedEngine, BrianEngine])
def test_three_axes_without_a_kind(engine: type[BatchedEngine] | type[BrianEngine]) -> None:
    runner = engine(CIRCUIT, Setting("rate", 1e-3, "float64"))
    with pytest.raises(CircuitError, match=r"'input.r' has shape \(4, 5, 2\).*neurosim.Stimulus\(array, 'course'\)"):
        runner.run(initial_state(CIRCUIT, 0), {"input.r": np.zeros((4, 5, 2))})


def test_there_is_no_time_at_fixed_points() -> None:
    runner = BatchedEngine(CIRCUIT, Setting("steady", dtype="float64"))
    with pytest.raises(CircuitError, match=r"'input.r' changes in time, and the level 'steady' has no time"):
        runner.run(initial_state(CIRCUIT, 0), {"input.r": Stimulus(np.zeros((4, 5, 2)), "course")})


@pytest.mark.parametrize("engine", [BatchedEngine, BrianEngine])
def test_trials_are_the_first_axis_of_a_course(engine: type[BatchedEngine] | type[BrianEngine]) -> None:
    runner = engine(CIRCUIT, Setting("rate", 1e-3, "float64"))
    course = np.random.default_rng(0).normal(size=(4, 5, 2))

    def recorded(given: Stimulus) -> np.ndarray:
        return runner.run(initial_state(CIRCUIT, 0), {"input.r": given}, record=["input.r"])[1].recordings["input.r"]

    np.testing.assert_array_equal(recorded(Stimulus(course, "course")), np.moveaxis(course, 1, 0))
    np.testing.assert_array_equal(recorded(Stimulus.from_steps(np.moveaxis(course, 1, 0))), np.moveaxis(course, 1, 0))


def test_a_course_on_a_device_is_not_brought_there_again() -> None:
    given = jnp.ones((5, 2, 3))
    whole = Stimulus.from_steps(given)
    assert whole.steps_first() is given
    assert whole.in_steps(1, 2).steps_first().shape == (2, 2, 3)
    assert whole.of_trials([0]).steps_first().shape == (5, 1, 3)


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        (np.zeros((2, 3)), "course", r"kind 'course' has shape \(2, 3\); expected \(trial, step, n\)"),
        (np.zeros((2, 3, 4)), "constant", r"kind 'constant' has shape \(2, 3, 4\); expected \(trial, n\)"),
        (np.zeros((2, 3)), "ramp", "Stimulus.kind: got 'ramp'"),
        ([[1.0], [1.0, 2.0]], "constant", "Stimulus.values: got"),
    ],
)
def test_the_shape_is_that_of_the_kind(values: object, kind: str, message: str) -> None:
    with pytest.raises((ArgumentError, CircuitError), match=message):
        Stimulus(values, kind)  # type: ignore[arg-type]
