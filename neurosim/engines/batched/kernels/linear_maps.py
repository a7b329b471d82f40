"""Kernels of each kind of connectivity: delivery, transposed delivery, and products over both ends of synapses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from neurosim.circuit.connectivity import Connectivity, Dense, OneToOne, PerChannel
from neurosim.circuit.images import Convolution, Pooling
from neurosim.circuit.synapses import Ends
from neurosim.engines.batched.kernels import windows
from neurosim.engines.batched.kernels.masked import Masked


def transposed_weights(weights: Any) -> Any:
    """The weights of a map as its transpose has them: the first two axes swapped, if there are two."""
    return jnp.swapaxes(weights, 0, 1) if jnp.ndim(weights) > 1 else weights


class _Map(ABC):
    """How weights of one kind of connectivity act; the general way, which kinds override where they have a better one.

    Parameters
    ----------
    connectivity, ends
        The kind with its settings, and the populations that it joins.
    """

    def __init__(self, connectivity: Any, ends: Ends) -> None:
        self.connectivity, self.ends = connectivity, ends

    def apply(self, weights: Any, activity: Any, choice: Any) -> Any:
        """See `apply`."""
        full = self.full(activity)
        if choice is not None and jnp.ndim(choice) > full.ndim:
            full = jnp.broadcast_to(full, (len(choice), self.ends.n_pre))
        if full.ndim == 1:
            return self.apply(weights, full[None], None if choice is None else choice[None])[0]
        return self.trials(weights, full, choice)

    @abstractmethod
    def trials(self, weights: Any, full: Any, choice: Any) -> Any:
        """The input, for activity (trial, n_pre)."""

    def apply_each(self, weights: Any, activity: Any) -> Any:
        """See `apply_each`."""
        full = jnp.broadcast_to(activity, (len(weights), self.ends.n_pre))
        # One after the other: together they would be one convolution in as many groups, which takes no less time to
        # run and far more to compile.
        return lax.map(lambda given: self.apply(given[0], given[1], None), (weights, full))

    def product(self, post: Any, pre: Any, trials: int) -> Any:
        """See `product`."""
        if all(factor is None or factor.shape[1] == 1 for factor in (post, pre)):
            # No neuron takes part: all synapses of a weight see the same.
            summed = jnp.sum(jnp.broadcast_to(_times(post, pre), (trials, 1)))
            return summed * jnp.asarray(self.connectivity.positions(self.ends), summed.dtype)
        return self.products(*self.both(post, pre, trials))

    @abstractmethod
    def products(self, post: Any, pre: Any) -> Any:
        """The sum over trials and shared synapses of both sides, (trial, n) each."""

    def product_each(self, post: Any, pre: Any, trials: int) -> Any:
        """See `product_each`."""
        post, pre = (jnp.broadcast_to(a, (trials, n)) for a, n in ((post, self.ends.n_post), (pre, self.ends.n_pre)))
        return lax.map(lambda given: self.product(given[0][None], given[1][None], 1), (post, pre))

    def full(self, activity: Any) -> Any:
        """Activity with an axis of all sources."""
        return jnp.broadcast_to(activity, (*jnp.shape(activity)[:-1], self.ends.n_pre))

    def both(self, post: Any, pre: Any, trials: int) -> tuple[Any, Any]:
        """Both sides at full shape."""
        post = jnp.broadcast_to(jnp.ones(()) if post is None else post, (trials, self.ends.n_post))
        return post, jnp.broadcast_to(jnp.ones(()) if pre is None else pre, (trials, self.ends.n_pre))


class _Dense(_Map):
    def apply(self, weights: Any, activity: Any, choice: Any) -> Any:
        return activity * weights[:, 0] if self.ends.n_pre == 1 else self.trials(weights, self.full(activity), choice)

    def trials(self, weights: Any, full: Any, choice: Any) -> Any:
        return full @ weights.T

    def apply_each(self, weights: Any, activity: Any) -> Any:
        return jnp.einsum("...ij,...j->...i", weights, self.full(activity))

    def product(self, post: Any, pre: Any, trials: int) -> Any:
        if post is not None and pre is not None:
            return self.products(*self.both(post, pre, trials))
        # One side is the same for all its neurons: no product is needed.
        only = _times(post, pre)
        summed = jnp.sum(jnp.broadcast_to(only, (trials, jnp.shape(only)[-1])), axis=0)
        return summed[None, :] if post is None and pre is not None else summed[:, None]

    def products(self, post: Any, pre: Any) -> Any:
        return post.T @ pre

    def product_each(self, post: Any, pre: Any, trials: int) -> Any:
        return post[:, :, None] * pre[:, None, :]


class _Masked(_Dense):
    def apply(self, weights: Any, activity: Any, choice: Any) -> Any:
        return self.trials(weights, self.full(activity), choice)

    def product(self, post: Any, pre: Any, trials: int) -> Any:
        return self.masked(super().product(post, pre, trials))

    def product_each(self, post: Any, pre: Any, trials: int) -> Any:
        return self.masked(super().product_each(post, pre, trials))

    def masked(self, products: Any) -> Any:
        """The products where there is a synapse."""
        return products * jnp.asarray(self.connectivity.mask(self.ends), products.dtype)


class _OneToOne(_Map):
    def apply(self, weights: Any, activity: Any, choice: Any) -> Any:
        return self.trials(weights, activity, choice)

    def trials(self, weights: Any, full: Any, choice: Any) -> Any:
        return weights * full

    def apply_each(self, weights: Any, activity: Any) -> Any:
        return weights * activity

    def product(self, post: Any, pre: Any, trials: int) -> Any:
        return jnp.sum(jnp.broadcast_to(_times(post, pre), (trials, self.ends.n_post)), axis=0)

    def products(self, post: Any, pre: Any) -> Any:
        return self.product(post, pre, len(post))

    def product_each(self, post: Any, pre: Any, trials: int) -> Any:
        return post * pre


class _PerChannel(_Map):
    def trials(self, weights: Any, full: Any, choice: Any) -> Any:
        height, width, channels = self.ends.post_image
        summed = (full @ weights.T)[:, None, :]
        return jnp.broadcast_to(summed, (len(full), height * width, channels)).reshape(len(full), -1)

    def products(self, post: Any, pre: Any) -> Any:
        return jnp.sum(post.reshape(len(post), -1, self.ends.post_image[2]), axis=1).T @ pre


class _Pooling(_Map):
    def trials(self, weights: Any, full: Any, choice: Any) -> Any:
        pooling = self.connectivity
        if pooling.chooses:
            assert choice is not None, "validation asks for it"
            choice = jnp.broadcast_to(choice, (len(full), self.ends.n_post))
            return windows.to_largest(pooling.window, self.ends.reversed, choice, full)
        pooled = windows.maxima if pooling.kind == "maximum" else windows.averages
        return pooled(pooling, self.ends, full)

    def products(self, post: Any, pre: Any) -> Any:
        raise AssertionError("a pool has no weights, and validation lets none learn")


class _Listed(_Map):
    def trials(self, weights: Any, full: Any, choice: Any) -> Any:
        pre, post = self.indices()
        arriving = full[:, pre] * weights
        return jnp.zeros((len(full), self.ends.n_post), arriving.dtype).at[:, post].add(arriving)

    def apply_each(self, weights: Any, activity: Any) -> Any:
        return self.trials(weights, jnp.broadcast_to(activity, (len(weights), self.ends.n_pre)), None)

    def products(self, post: Any, pre: Any) -> Any:
        senders, receivers = self.indices()
        return jnp.sum(post[:, receivers] * pre[:, senders], axis=0)

    def product_each(self, post: Any, pre: Any, trials: int) -> Any:
        # All at once: a loop within the loop over time is slower, and XLA's analysis of copies fails on it.
        senders, receivers = self.indices()
        post, pre = self.both(post, pre, trials)
        return post[:, receivers] * pre[:, senders]

    def indices(self) -> tuple[np.ndarray, np.ndarray]:
        """Both ends of each synapse."""
        made = self.connectivity.synapses(self.ends)
        # Short in either precision: JAX keeps parts of programs by the arrays in them, and mixes up the two.
        return made.pre.astype(np.int32), made.post.astype(np.int32)


class _Convolution(_Map):
    def trials(self, weights: Any, full: Any, choice: Any) -> Any:
        window = self.connectivity.window
        if self.connectivity.transposed:
            return windows.back(window, self.ends.reversed, transposed_weights(weights), full)
        return windows.convolve(window, self.ends, weights, full)

    def products(self, post: Any, pre: Any) -> Any:
        window = self.connectivity.window
        if self.connectivity.transposed:
            return transposed_weights(windows.kernel_products(window, self.ends.reversed, pre, post))
        return windows.kernel_products(window, self.ends, post, pre)


#: Kind of connectivity -> how its weights act. A kind that is new has an entry here, unless it is listed.
_MAPS: dict[type, type[_Map]] = {
    Dense: _Dense,
    Masked: _Masked,
    OneToOne: _OneToOne,
    PerChannel: _PerChannel,
    Pooling: _Pooling,
    Convolution: _Convolution,
}


def _map(connectivity: Connectivity, ends: Ends) -> _Map:
    kernels = _Listed if connectivity.listed else _MAPS[type(connectivity)]
    return kernels(connectivity, ends)


def apply(connectivity: Connectivity, ends: Ends, weights: Any, activity: Any, *, choice: Any = None) -> Any:
    """The input of a target: weights times activity, shape (trial, n_post).

    Parameters
    ----------
    weights
        In the shape that the connectivity gives them; whatever, where it has none.
    activity
        Of the source, shape (trial, n_pre) or broadcastable to it; without a trial axis the result has none.
    choice
        Of the target, what was pooled, for a connectivity that leads back from maxima.
    """
    return _map(connectivity, ends).apply(weights, activity, choice)


def apply_each(connectivity: Connectivity, ends: Ends, weights: Any, activity: Any) -> Any:
    """As `apply`, but of each trial by weights of its own, with a leading axis of trials."""
    return _map(connectivity, ends).apply_each(weights, activity)


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
    return _map(connectivity, ends).product(_per_trial(post), _per_trial(pre), trials)


def product_each(connectivity: Connectivity, ends: Ends, post: Any, pre: Any, trials: int) -> Any:
    """As `product`, but of each trial, with a leading axis of trials."""
    post, pre = (_per_trial(jnp.ones(()) if factor is None else factor) for factor in (post, pre))
    return _map(connectivity, ends).product_each(post, pre, trials)


def _per_trial(factor: Any) -> Any:
    """At least (1, 1), so that the last axis is the neuron."""
    return None if factor is None else jnp.reshape(factor, (1,) * (2 - jnp.ndim(factor)) + jnp.shape(factor))


def _times(post: Any, pre: Any) -> Any:
    if post is None:
        return jnp.ones((1, 1)) if pre is None else pre
    return post if pre is None else post * pre
