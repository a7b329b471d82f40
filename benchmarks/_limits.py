"""What the machine can do at most: products of matrices, and bytes to and from memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks._measuring import timed

ROUNDS, SIDE, FLOATS = 11, 2048, 1 << 26


def product_speed() -> float:
    """Floating-point operations a second of a product of two large matrices, the median of several."""
    a = jnp.ones((SIDE, SIDE), jnp.float32)
    product = jax.jit(lambda a: a @ a)
    return 2 * SIDE**3 / _median(lambda: product(a).block_until_ready())


def memory_bandwidth() -> float:
    """Bytes a second, read and written, while one array that fits in no cache is added to another."""
    a = jnp.ones(FLOATS, jnp.float32)
    b = jnp.full(FLOATS, 2.0, jnp.float32)
    triad = jax.jit(lambda a, b: a + 3 * b)
    return 3 * 4 * FLOATS / _median(lambda: triad(a, b).block_until_ready())


def _median(call: Callable[[], Any]) -> float:
    call()
    return float(np.median([timed(call)() for _ in range(ROUNDS)]))
