"""Functions of the equations' text, running on JAX."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from neurosim.equations.array_code import ArrayFunction


@functools.lru_cache(maxsize=4096)
def compiled(function: ArrayFunction) -> Callable[..., Any]:
    """An array function, running on JAX."""
    return function.compile(jnp)  # type: ignore[arg-type]
