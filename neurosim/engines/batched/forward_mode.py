"""Gradients carried along with the state: one direction for each weight, no way back through time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

#: Weights whose influence is carried along together.
TOGETHER = 64


def forward_gradient(loss: Callable[[Mapping[str, Any]], Any], weights: Mapping[str, Any]) -> dict[str, Any]:
    """The gradient of a scalar with respect to each weight, in the shapes of the weights.

    Parameters
    ----------
    loss
        Gives the scalar, by a run with these weights.
    weights
        Where.
    """
    nothing = {name: jnp.zeros_like(array) for name, array in weights.items()}

    def of(name: str) -> Any:
        shape, dtype = weights[name].shape, weights[name].dtype

        def one(number: Any) -> Any:
            direction = jnp.zeros(weights[name].size, dtype).at[number].set(1).reshape(shape)
            return jax.jvp(loss, (dict(weights),), ({**nothing, name: direction},))[1]

        return jax.lax.map(one, jnp.arange(weights[name].size), batch_size=TOGETHER).reshape(shape)

    return {name: of(name) for name in weights}
