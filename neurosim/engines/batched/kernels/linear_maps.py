"""What pathways deliver, and the products of what their synapses see, for each kind of connectivity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from neurosim.circuit.connectivity import Connectivity, Dense, OneToOne, PerChannel, Sparse
from neurosim.circuit.description import Circuit
from neurosim.circuit.images import Convolution, Pooling
from neurosim.circuit.synapses import Ends
from neurosim.engines.batched.kernels import windows
from neurosim.engines.state import weights_of


def transposed_weights(weights: Any) -> Any:
    """The weights of a map as its transpose has them: the first two axes swapped, if there are two."""
    return jnp.swapaxes(weights, 0, 1) if jnp.ndim(weights) > 1 else weights


def apply(connectivity: Connectivity, ends: Ends, weights: Any, activity: Any, *, choice: Any = None) -> Any:
    """What arrives at a target: weights times activity, shape (trial, n_post).

    Parameters
    ----------
    weights
        In the shape that the connectivity gives them; whatever, where it has none.
    activity
        Of the source, shape (trial, n_pre) or broadcastable to it; without a trial axis the result has none.
    choice
        Of the target, what was pooled, for a connectivity that leads back from maxima.
    """
    if isinstance(connectivity, OneToOne):
        return weights * activity
    if isinstance(connectivity, Dense) and ends.n_pre == 1:
        return activity * weights[:, 0]
    full = jnp.broadcast_to(activity, (*jnp.shape(activity)[:-1], ends.n_pre))
    if isinstance(connectivity, Dense):
        return full @ weights.T
    if choice is not None and jnp.ndim(choice) > full.ndim:
        full = jnp.broadcast_to(full, (len(choice), ends.n_pre))
    if full.ndim == 1:
        return apply(connectivity, ends, weights, full[None], choice=None if choice is None else choice[None])[0]
    if isinstance(connectivity, PerChannel):
        height, width, channels = ends.post_image
        summed = (full @ weights.T)[:, None, :]
        return jnp.broadcast_to(summed, (len(full), height * width, channels)).reshape(len(full), -1)
    if isinstance(connectivity, Pooling):
        if connectivity.chooses:
            assert choice is not None, "validation asks for it"
            choice = jnp.broadcast_to(choice, (len(full), ends.n_post))
            return windows.to_largest(connectivity.window, ends.reversed, choice, full)
        return (
            windows.maxima(connectivity, ends, full)
            if connectivity.kind == "maximum"
            else windows.averages(connectivity, ends, full)
        )
    if isinstance(connectivity, Sparse):
        pre, post = _indices(connectivity, ends)
        arriving = full[:, pre] * weights
        return jnp.zeros((len(full), ends.n_post), arriving.dtype).at[:, post].add(arriving)
    if connectivity.transposed:
        return windows.back(connectivity.window, ends.reversed, transposed_weights(weights), full)
    return windows.convolve(connectivity.window, ends, weights, full)


def apply_each(connectivity: Connectivity, ends: Ends, weights: Any, activity: Any) -> Any:
    """As `apply`, but of each trial by weights of its own, with a leading axis of trials."""
    if isinstance(connectivity, OneToOne):
        return weights * activity
    if isinstance(connectivity, Dense):
        full = jnp.broadcast_to(activity, (*jnp.shape(activity)[:-1], ends.n_pre))
        return jnp.einsum("...ij,...j->...i", weights, full)
    full = jnp.broadcast_to(activity, (len(weights), ends.n_pre))
    # One after the other: together they would be one convolution in as many groups, which takes no less time to run
    # and far more to compile.
    return lax.map(lambda given: apply(connectivity, ends, *given), (weights, full))


def product(connectivity: Connectivity, ends: Ends, post: Any, pre: Any, trials: int) -> Any:
    """For each weight, post times pre of its synapses, summed over them and over trials.

    Parameters
    ----------
    post, pre
        Shape (trial, n), or broadcastable to it; none where a side is one everywhere.

    Returns
    -------
    jax.Array
        Shape of the weights, or broadcastable to it.
    """
    post, pre = (_per_trial(factor) for factor in (post, pre))
    if isinstance(connectivity, OneToOne):
        return jnp.sum(jnp.broadcast_to(_times(post, pre), (trials, ends.n_post)), axis=0)
    if isinstance(connectivity, Dense) and (post is None or pre is None):
        # One side is the same for all its neurons: no product is needed.
        only = _times(post, pre)
        summed = jnp.sum(jnp.broadcast_to(only, (trials, jnp.shape(only)[-1])), axis=0)
        return summed[None, :] if post is None and pre is not None else summed[:, None]
    if not isinstance(connectivity, Dense) and all(factor is None or factor.shape[1] == 1 for factor in (post, pre)):
        # No neuron takes part: all synapses of a weight see the same.
        summed = jnp.sum(jnp.broadcast_to(_times(post, pre), (trials, 1)))
        return summed * jnp.asarray(synapses_of_each(connectivity, ends), summed.dtype)
    post = jnp.broadcast_to(jnp.ones(()) if post is None else post, (trials, ends.n_post))
    pre = jnp.broadcast_to(jnp.ones(()) if pre is None else pre, (trials, ends.n_pre))
    if isinstance(connectivity, Dense):
        return post.T @ pre
    if isinstance(connectivity, PerChannel):
        return jnp.sum(post.reshape(trials, -1, ends.post_image[2]), axis=1).T @ pre
    if isinstance(connectivity, Sparse):
        senders, receivers = _indices(connectivity, ends)
        return jnp.sum(post[:, receivers] * pre[:, senders], axis=0)
    assert isinstance(connectivity, Convolution), "validation lets nothing else learn"
    if connectivity.transposed:
        return transposed_weights(windows.kernel_products(connectivity.window, ends.reversed, pre, post))
    return windows.kernel_products(connectivity.window, ends, post, pre)


def product_each(connectivity: Connectivity, ends: Ends, post: Any, pre: Any, trials: int) -> Any:
    """As `product`, but of each trial, with a leading axis of trials."""
    post, pre = (_per_trial(jnp.ones(()) if factor is None else factor) for factor in (post, pre))
    if isinstance(connectivity, OneToOne):
        return post * pre
    if isinstance(connectivity, Dense):
        return post[:, :, None] * pre[:, None, :]
    post, pre = (jnp.broadcast_to(a, (trials, n)) for a, n in ((post, ends.n_post), (pre, ends.n_pre)))
    return lax.map(lambda given: product(connectivity, ends, given[0][None], given[1][None], 1), (post, pre))


def delivered(connectivity: Connectivity, ends: Ends, weights: np.ndarray, activity: np.ndarray) -> np.ndarray:
    """As `apply`, of weights as `weights_of` gives them: from arrays to arrays, in double precision, no engine."""
    if isinstance(connectivity, OneToOne | Sparse):
        connectivity = Dense()  # those of single synapses come as a matrix
    with jax.enable_x64(True):
        return np.asarray(apply(connectivity, ends, np.asarray(weights, np.float64), np.asarray(activity, np.float64)))


def returned(circuit: Circuit, state: Mapping[str, Any], pathway: str, activity: np.ndarray) -> np.ndarray:
    """What comes back from a pathway's target through its transpose, shape (trial, n_pre).

    Parameters
    ----------
    activity
        Of the target, shape (trial, n_post).
    """
    back = circuit.connectivity(pathway).reversed
    assert back is not None, "forward pathways between layers have a way back"
    weights = weights_of(circuit, state, pathway) if back.weighted else np.zeros(0)
    if weights.ndim > 1:
        weights = np.swapaxes(weights, 0, 1)
    return delivered(back, circuit.ends(pathway).reversed, weights, activity)


def synapses_of_each(connectivity: Connectivity, ends: Ends) -> np.ndarray | int:
    """How many synapses share each weight, broadcastable to the shape of the weights; some may have none."""
    if isinstance(connectivity, PerChannel):
        return math.prod(ends.post_image[:2])
    return connectivity.positions(ends) if isinstance(connectivity, Convolution) else 1


def _indices(connectivity: Sparse, ends: Ends) -> tuple[np.ndarray, np.ndarray]:
    """Both ends of each synapse."""
    made = connectivity.synapses(ends)
    # Short in either precision: JAX keeps parts of programs by the arrays in them, and mixes up the two.
    return made.pre.astype(np.int32), made.post.astype(np.int32)


def _per_trial(factor: Any) -> Any:
    """At least (1, 1), so that the last axis is the neuron."""
    return None if factor is None else jnp.reshape(factor, (1,) * (2 - jnp.ndim(factor)) + jnp.shape(factor))


def _times(post: Any, pre: Any) -> Any:
    if post is None:
        return jnp.ones((1, 1)) if pre is None else pre
    return post if pre is None else post * pre
