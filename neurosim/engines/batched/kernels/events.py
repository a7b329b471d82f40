"""Sums over sparse activity: on the CPU the weights of active neurons are added up, instead of a dense product."""

from __future__ import annotations

import functools
import importlib.util
import warnings
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

#: The share of a stimulus that is not zero below which it counts as sparse. (Spikes always do: measured, the dense
#: product is faster only where more than a third of all neurons spike in each step.)
SPARSE = 0.2
#: Smaller matrices, or fewer targets, are multiplied as they are.
LEAST_PRODUCTS, LEAST_TARGETS = 1 << 20, 64
#: The sums of so many targets are whole vectors in either precision.
COLUMNS = 16


def worthwhile(trials: int, n_post: int, n_pre: int) -> bool:
    """Whether sparse activity should be summed by events here, for a matrix of this size."""
    large = trials * n_post * n_pre >= LEAST_PRODUCTS and n_post >= LEAST_TARGETS
    return large and jax.default_backend() == "cpu" and available()


def sparse_courses(courses: Mapping[str, Any]) -> tuple[str, ...]:
    """The courses ``(step, trial, n)`` that are mostly zero; looked at here and there."""
    sparse = []
    for name, array in courses.items():
        if array.size and not np.issubdtype(array.dtype, np.integer):
            steps, trials, _ = array.shape
            seen = np.asarray(array)[:: max(1, steps // 8), :: max(1, trials // 8)]
            if np.count_nonzero(seen) < SPARSE * seen.size:
                sparse.append(name)
    return tuple(sparse)


@functools.cache
def available() -> bool:
    """Whether sums by events can be had: Numba is there, and XLA takes what it compiles."""
    if importlib.util.find_spec("numba") is None:
        return False
    one = np.eye(COLUMNS, dtype=np.float32)
    try:
        with jax.ensure_compile_time_eval():
            product_of_one = np.asarray(jax.jit(product)(one, one))
    except Exception as error:  # another version of either may refuse in any way
        warnings.warn(f"spikes are summed by dense products, which are slower: {error}", RuntimeWarning, stacklevel=2)
        return False
    return bool(np.all(product_of_one == one))


def rows_of(weights: Any) -> Any:
    """The weights (n_post, n_pre) sender by sender: (n_pre, n_post), with zeros up to a multiple of `COLUMNS`."""
    return jnp.pad(weights.T, ((0, 0), (0, -weights.shape[0] % COLUMNS)))


@jax.custom_jvp
def product(activity: Any, rows: Any) -> Any:
    """``activity @ rows`` by events; differentiated like the dense product.

    Each sum is taken in the order of the senders, whatever else is in the batch.

    Parameters
    ----------
    activity
        Shape (trial, n_pre).
    rows
        The weights of each sender, of `rows_of`.
    """
    # Imported late: compiling it takes a second, and most circuits have no need of it.
    from neurosim.engines.batched.kernels import xla_call as foreign

    shape = jax.ShapeDtypeStruct((activity.shape[0], rows.shape[1]), rows.dtype)
    call = jax.ffi.ffi_call(foreign.register(np.dtype(rows.dtype).name), shape, vmap_method="sequential")
    return call(activity.astype(rows.dtype), rows)


def _derivative(primals: Any, tangents: Any) -> Any:
    (activity, rows), (of_activity, of_rows) = primals, tangents
    result = product(activity, rows)
    change = jnp.zeros_like(result)
    if not isinstance(of_activity, jax.custom_derivatives.SymbolicZero):
        change += of_activity @ rows
    if not isinstance(of_rows, jax.custom_derivatives.SymbolicZero):
        change += activity @ of_rows
    return result, change


product.defjvp(_derivative, symbolic_zeros=True)
