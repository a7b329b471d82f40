"""Derivatives through time that count recurrent transmissions: none, so many, or all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

#: What a derivative is asked of: gives a scalar with the activity that cut pathways' sources send, and whatever else is
#: wanted of the same run. The last argument has the probes of cut pathways, by name.
Presented = Callable[..., tuple[tuple[Any, Any], Any]]


def in_full(presented: Presented, at: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """Through all transmissions: what else is wanted, and the derivative with respect to each argument."""

    def fully(*at: Any) -> Any:
        (total, _), wanted = presented(*at, {})
        return total, wanted

    (_, wanted), derivatives = jax.value_and_grad(fully, argnums=tuple(range(len(at))), has_aux=True)(*at)
    return wanted, derivatives


def by_transmissions(
    presented: Presented, at: tuple[Any, ...], cut: Any, hops: Any
) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """Through none and through at most so many transmissions; each takes one backward pass more.

    Parameters
    ----------
    at
        Arguments with respect to which is differentiated.
    cut
        Zeros that cut pathways receive, by their names.
    hops
        How many; an array, so that one program has them all.

    Returns
    -------
    tuple
        What else is wanted, the derivatives through none, and those through at most so many.
    """
    (total, sent), pull, wanted = jax.vjp(presented, *at, cut, has_aux=True)
    *local, credit = pull((jnp.ones_like(total), jax.tree.map(jnp.zeros_like, sent)))

    def once_more(_: Any, reached: tuple[Any, Any]) -> tuple[Any, Any]:
        so_far, credit = reached
        *more, credit = pull((jnp.zeros_like(total), credit))
        return jax.tree.map(jnp.add, so_far, more), credit

    derivatives = jax.lax.fori_loop(0, hops, once_more, (local, credit))[0]
    return wanted, tuple(local), tuple(derivatives)
