"""The rule `exact_least_squares`: the closed form it accumulates, and that single precision does not lose samples."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurosim.rules.exact_least_squares import RULE


def start(n_post: int, n_pre: int, dtype: str) -> dict[str, np.ndarray]:
    sizes = {"post": n_post, "pre": n_pre}
    shapes = {name: tuple(sizes[side] for side in sides) for name, sides in RULE.variables.items()}
    return {name: np.zeros(shape, dtype) for name, shape in {"w": (n_post, n_pre), **shapes}.items()}


@pytest.mark.parametrize("memory", [float("inf"), 40.0])
def test_weights_are_the_ridge_regression_on_samples_that_fade(memory: float) -> None:
    generator = np.random.default_rng(0)
    errors, estimates = generator.standard_normal((20, 8, 3)), generator.standard_normal((20, 8, 5))
    values: dict[str, Any] = start(5, 3, "float64")
    for error, estimate in zip(errors, estimates, strict=True):
        inputs = {"delta_held_pre": error, "estimate_post": estimate}
        values = dict(RULE.step(np, values, inputs, {"gamma": 0.5, "memory": memory}))
    weight = np.exp(-8 / memory * np.arange(19, -1, -1))[:, None, None]
    moment = np.sum(weight * (np.swapaxes(errors, 1, 2) @ errors), axis=0) + 0.5 * np.eye(3)
    cross = np.sum(weight * (np.swapaxes(estimates, 1, 2) @ errors), axis=0)
    np.testing.assert_allclose(values["w"], np.linalg.solve(moment, cross.T).T, rtol=1e-12)


@pytest.mark.parametrize("memory", [float("inf"), 1e6])
def test_single_precision_finds_weights_that_rare_errors_tell(memory: float) -> None:
    # One direction of the error, along none of its components, is a hundred times weaker than the others: a sample
    # adds less to the second moment than is rounded away.
    generator = np.random.default_rng(0)
    mixing = (np.linalg.qr(generator.standard_normal((3, 3)))[0] * [1.0, 1.0, 1e-2]).T.astype("float32")
    steps, wanted = 50_000, generator.standard_normal((2, 3)).astype("float32")

    def step(values: Any, key: Any) -> Any:
        error = 10 * jax.random.normal(key, (4, 3), "float32") @ mixing
        inputs = {"delta_held_pre": error, "estimate_post": error @ wanted.T}
        parameters = {"gamma": jnp.float32(1e-4), "memory": jnp.float32(memory)}
        after = RULE.step(jnp, values, inputs, parameters)
        # As the engine does it: increments, which are added.
        return {name: array + (after[name] - array) for name, array in values.items()}, None

    keys = jax.random.split(jax.random.key(0), steps)
    values = jax.tree.map(jnp.asarray, start(2, 3, "float32"))
    learned = jax.jit(lambda values: jax.lax.scan(step, values, keys)[0])(values)
    np.testing.assert_allclose(learned["w"], wanted, rtol=2e-3)
