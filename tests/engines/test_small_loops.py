"""Small loops within loops, which XLA's closer look at copies gets wrong: the numbers are those without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from neurosim.engines.batched.host import program

pytestmark = pytest.mark.usefixtures("compiles_anew", "compiles_optimised")

STEPS, TRIALS = 6, 4


def counted(numbers: Any) -> Any:
    """How many halves reach the numbers, in a loop until all are reached, as counts are drawn."""
    start = (jnp.zeros_like(numbers), jnp.zeros_like(numbers))
    return lax.while_loop(lambda at: jnp.any(at[1] < numbers), lambda at: (at[0] + 1, at[1] + 0.5), start)[0]


def trial_by_trial(numbers: Any) -> Any:
    """Squares, as weights of each trial meet what is theirs."""
    return lax.map(lambda trial: trial * trial, numbers)


def settled(numbers: Any) -> Any:
    """What a few turns of a loop make of the numbers, as a presentation does of weights."""
    return lax.scan(lambda at, turn: (at + 0.1 * (numbers * turn - at), None), jnp.zeros_like(numbers), np.arange(3.0))[
        0
    ]


def over_time(inner: Callable[[Any], Any], start: Any, course: Any) -> tuple[Any, Any]:
    """The last state, and the sum of what an inner loop makes of it before it is overwritten in each step."""

    def step(at: tuple[Any, Any], given: Any) -> tuple[tuple[Any, Any], None]:
        state, total = at
        return (0.9 * state + given, total + inner(state)), None

    return lax.scan(step, (start, jnp.zeros_like(start)), course)[0]


def slope(inner: Callable[[Any], Any], start: Any, course: Any) -> Any:
    """The derivative of the sum, by a loop backwards."""
    return jax.grad(lambda course: jnp.sum(over_time(inner, start, course)[1] ** 2))(course)


@pytest.mark.parametrize("size", [1, 3, 20, 100])
@pytest.mark.parametrize(
    ("whole", "inner"),
    [(over_time, counted), (over_time, trial_by_trial), (over_time, settled), (slope, trial_by_trial)],
)
def test_a_loop_in_a_loop_reads_what_is_not_overwritten_yet(
    whole: Callable[..., Any], inner: Callable[[Any], Any], size: int
) -> None:
    start = np.ones((TRIALS, size))
    course = np.random.default_rng(0).normal(size=(STEPS, TRIALS, size))
    with jax.disable_jit():
        expected = whole(inner, jnp.asarray(start), jnp.asarray(course))
    compiled = program.program()(lambda start, course: whole(inner, start, course))
    jax.tree.map(
        lambda got, right: np.testing.assert_allclose(got, right, rtol=1e-12), compiled(start, course), expected
    )


def test_a_program_without_small_loops_keeps_all_options() -> None:
    compiled = program._Compiled(lambda start, course: over_time(jnp.tanh, start, course), ())
    start, course = np.ones((TRIALS, 100)), np.ones((STEPS, TRIALS, 100))
    compiled(start, course)
    assert list(compiled.chosen.values()) == [compiled.looking]
