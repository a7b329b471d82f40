"""What pathways deliver, and the products of what their synapses see, for each kind of connectivity.

Images keep channels last. What leads back, and what kernels learn from, are the transposes of one linear map. JAX could
derive them, but within a loop XLA runs on the CPU only convolutions of one form fast: images (trial, row, column,
channel) and kernels (row, column, from, to). In any other form they take up to a thousand times as long, so the
transposes of convolutions are written here in that form.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from neurosim.circuit.connectivity import Connectivity, Dense, OneToOne, PerChannel, Sparse
from neurosim.circuit.description import Circuit
from neurosim.circuit.images import Convolution, Pooling, Window
from neurosim.circuit.synapses import Ends
from neurosim.engines.state import weights_of

_IMAGES = ("NHWC", "HWIO", "NHWC")


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
            return _to_largest(connectivity.window, ends.reversed, choice, full)
        return _largest(connectivity, ends, full) if connectivity.kind == "maximum" else _pool(connectivity, ends, full)
    if isinstance(connectivity, Sparse):
        made = connectivity.synapses(ends)
        arriving = full[:, made.pre] * weights
        return jnp.zeros((len(full), ends.n_post), arriving.dtype).at[:, made.post].add(arriving)
    if connectivity.transposed:
        return _back(connectivity.window, ends.reversed, transposed_weights(weights), full)
    return _convolve(connectivity.window, ends, weights, full)


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
        made = connectivity.synapses(ends)
        return jnp.sum(post[:, made.post] * pre[:, made.pre], axis=0)
    assert isinstance(connectivity, Convolution), "validation lets nothing else learn"
    if connectivity.transposed:
        return transposed_weights(_kernels(connectivity.window, ends.reversed, pre, post))
    return _kernels(connectivity.window, ends, post, pre)


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
    """As `apply`, from arrays to arrays in double precision, outside of any engine."""
    with jax.enable_x64(True):
        return np.asarray(apply(connectivity, ends, np.asarray(weights, np.float64), np.asarray(activity, np.float64)))


def returned(circuit: Circuit, state: Mapping[str, Any], pathways: Sequence[str], activity: np.ndarray) -> np.ndarray:
    """What comes back to the lowest of a chain of pathways, through the transpose of each.

    Parameters
    ----------
    pathways
        From the lowest up.
    activity
        Of the target of the last, shape (trial, n_post).
    """
    for name in reversed(pathways):
        back, ends = circuit.connectivity(name).reversed, circuit.ends(name).reversed
        assert back is not None, "forward pathways between layers have a way back"
        weights = weights_of(circuit, state, name) if back.weighted else np.zeros(0)
        if weights.ndim > 1:
            weights = np.swapaxes(weights, 0, 1)
        activity = delivered(back, ends, weights, activity)
    return activity


def synapses_of_each(connectivity: Connectivity, ends: Ends) -> np.ndarray | int:
    """How many synapses share each weight, broadcastable to the shape of the weights; some may have none."""
    if isinstance(connectivity, PerChannel):
        return math.prod(ends.post_image[:2])
    return connectivity.positions(ends) if isinstance(connectivity, Convolution) else 1


def _convolve(window: Window, ends: Ends, kernels: Any, activity: Any) -> Any:
    images = activity.reshape(len(activity), *ends.pre_image)
    kernels = jnp.transpose(kernels, (2, 3, 1, 0))
    padding = window.around(ends.pre_image)
    found = lax.conv_general_dilated(images, kernels, window.stride, padding, dimension_numbers=_IMAGES)
    return found.reshape(len(activity), -1)


def _back(window: Window, ends: Ends, kernels: Any, activity: Any) -> Any:
    """The transpose of `_convolve` with respect to its activity: each kernel, turned round, over errors spread out."""
    images = activity.reshape(len(activity), *ends.post_image)
    kernels = jnp.transpose(jnp.flip(kernels, (2, 3)), (2, 3, 0, 1))
    padding = [
        (size - 1 - low, length - _reach(maps, stride) + low)
        for size, stride, (low, _), length, maps in _axes(window, ends)
    ]
    found = lax.conv_general_dilated(
        images, kernels, (1, 1), padding, lhs_dilation=window.stride, dimension_numbers=_IMAGES
    )
    return found.reshape(len(activity), -1)


def _kernels(window: Window, ends: Ends, post: Any, pre: Any) -> Any:
    """The transpose of `_convolve` with respect to its kernels: the maps, as kernels, over what they were made from."""
    images = jnp.transpose(pre.astype(post.dtype).reshape(len(pre), *ends.pre_image), (3, 1, 2, 0))
    maps = jnp.transpose(post.reshape(len(post), *ends.post_image), (1, 2, 0, 3))
    padding = [
        (low, size - 1 + _reach(places, stride) - length - low)
        for size, stride, (low, _), length, places in _axes(window, ends)
    ]
    found = lax.conv_general_dilated(
        images, maps, (1, 1), padding, rhs_dilation=window.stride, dimension_numbers=_IMAGES
    )
    return jnp.transpose(found, (3, 0, 1, 2))


def _axes(window: Window, ends: Ends) -> Iterator[tuple[int, int, tuple[int, int], int, int]]:
    """Of rows and columns: the window's size, stride and padding, how many the image has, and how many the maps."""
    around = window.around(ends.pre_image)
    return zip(window.size, window.stride, around, ends.pre_image[:2], ends.post_image[:2], strict=True)


def _reach(places: int, stride: int) -> int:
    """From the first of some places to the last, both included."""
    return (places - 1) * stride + 1


def _pool(connectivity: Pooling, ends: Ends, activity: Any) -> Any:
    forward = ends.reversed if connectivity.transposed else ends
    window, counts = connectivity.window, connectivity.counts(ends)

    def means(images: Any) -> Any:
        shaped = images.reshape(len(images), *forward.pre_image)
        around = ((0, 0), *window.around(forward.pre_image), (0, 0))
        summed = lax.reduce_window(shaped, 0.0, lax.add, (1, *window.size, 1), (1, *window.stride, 1), around)
        return (summed / counts[:, :, None].astype(images.dtype)).reshape(len(images), -1)

    if not connectivity.transposed:
        return means(activity)
    form = jax.ShapeDtypeStruct((len(activity), forward.n_pre), activity.dtype)
    return jax.linear_transpose(means, form)(activity)[0]


def _largest(connectivity: Pooling, ends: Ends, activity: Any) -> Any:
    window, image = connectivity.window, ends.pre_image
    shaped = activity.reshape(len(activity), *image)
    around = ((0, 0), *window.around(image), (0, 0))
    found = lax.reduce_window(shaped, -jnp.inf, lax.max, (1, *window.size, 1), (1, *window.stride, 1), around)
    return found.reshape(len(activity), -1)


def _to_largest(window: Window, ends: Ends, activity: Any, errors: Any) -> Any:
    """What pools deliver, to the first neuron that is largest in each window.

    Window by window place for place: XLA's own way, which scatters, takes five times as long on the CPU.

    Parameters
    ----------
    ends, activity
        Of the map forward, and what it pools, shape (trial, n_pre).
    errors
        Shape (trial, n_post).
    """
    image, maps = ends.pre_image, ends.post_image
    rows, columns = window.around(image)
    shaped = activity.reshape(len(activity), *image)
    padded = jnp.pad(shaped, ((0, 0), rows, columns, (0, 0)), constant_values=-jnp.inf)
    errors = errors.reshape(len(errors), *maps)
    reach = [_reach(places, stride) for places, stride in zip(maps[:2], window.stride, strict=True)]
    offsets = list(np.ndindex(*window.size))

    def seen(offset: tuple[int, ...]) -> Any:
        (top, left), (down, right) = offset, window.stride
        return padded[:, top : top + reach[0] : down, left : left + reach[1] : right]

    largest = functools.reduce(jnp.maximum, (seen(offset) for offset in offsets))
    waiting, total = jnp.ones(largest.shape, bool), jnp.zeros_like(shaped)
    for offset in offsets:
        chosen = waiting & (seen(offset) == largest)
        waiting = waiting & ~chosen
        axes = zip(offset, (rows[0], columns[0]), reach, image[:2], window.stride, strict=True)
        placed = [(at - low, length - (at - low) - span, stride - 1) for at, low, span, length, stride in axes]
        given = jnp.where(chosen, errors, jnp.zeros((), errors.dtype))
        total += lax.pad(given, jnp.zeros((), given.dtype), ((0, 0, 0), *placed, (0, 0, 0)))
    return total.reshape(len(activity), -1)


def _per_trial(factor: Any) -> Any:
    """At least (1, 1), so that the last axis is the neuron."""
    return None if factor is None else jnp.reshape(factor, (1,) * (2 - jnp.ndim(factor)) + jnp.shape(factor))


def _times(post: Any, pre: Any) -> Any:
    if post is None:
        return jnp.ones((1, 1)) if pre is None else pre
    return post if pre is None else post * pre
