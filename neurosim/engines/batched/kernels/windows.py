"""The maps that windows over images make: convolutions, what leads back from them, what kernels learn from, and pools.

Images keep channels last. What leads back, and what kernels learn from, are the transposes of one linear map. JAX could
derive them, but within a loop XLA runs on the CPU only convolutions of one form fast: images (trial, row, column,
channel) and kernels (row, column, from, to). In any other form they take up to a thousand times as long, so the
transposes of convolutions are written here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from neurosim.circuit.images import Pooling, Window
from neurosim.circuit.synapses import Ends
from neurosim.engines.batched.kernels import winograd

_IMAGES = ("NHWC", "HWIO", "NHWC")
#: Numbers in the patches of images that are taken at a time.
PATCHES = 1 << 21


def convolve(window: Window, ends: Ends, kernels: Any, activity: Any) -> Any:
    """The input of maps: the same kernels at each place, shape (trial, n_post)."""
    images = activity.reshape(len(activity), *ends.pre_image)
    kernels = jnp.transpose(kernels, (2, 3, 1, 0))
    padding = window.around(ends.pre_image)
    received = lax.conv_general_dilated(images, kernels, window.stride, padding, dimension_numbers=_IMAGES)
    return received.reshape(len(activity), -1)


def back(window: Window, ends: Ends, kernels: Any, activity: Any) -> Any:
    """The transpose of `convolve` with respect to its activity: each kernel, turned round, over errors spread out."""
    images = activity.reshape(len(activity), *ends.post_image)
    kernels = jnp.transpose(jnp.flip(kernels, (2, 3)), (2, 3, 0, 1))
    padding = [
        (size - 1 - low, length - _reach(maps, stride) + low)
        for size, stride, (low, _), length, maps in _axes(window, ends)
    ]
    if _fewer(window, ends, ends.pre_image[1]):
        return winograd.convolve(images, kernels, padding).reshape(len(activity), -1)
    spread = lax.conv_general_dilated(
        images, kernels, (1, 1), padding, lhs_dilation=window.stride, dimension_numbers=_IMAGES
    )
    return spread.reshape(len(activity), -1)


def kernel_products(window: Window, ends: Ends, post: Any, pre: Any) -> Any:
    """The transpose of `convolve` with respect to its kernels."""
    if not _processor():
        products = by_convolution
    else:
        products = by_fewer_products if _fewer(window, ends, ends.post_image[1]) else by_products
    return products(window, ends, post, pre.astype(post.dtype))


def by_convolution(window: Window, ends: Ends, post: Any, pre: Any) -> Any:
    """The maps, as kernels, over what they were made from."""
    images = jnp.transpose(pre.reshape(len(pre), *ends.pre_image), (3, 1, 2, 0))
    maps = jnp.transpose(post.reshape(len(post), *ends.post_image), (1, 2, 0, 3))
    padding = [
        (low, size - 1 + _reach(places, stride) - length - low)
        for size, stride, (low, _), length, places in _axes(window, ends)
    ]
    products = lax.conv_general_dilated(
        images, maps, (1, 1), padding, rhs_dilation=window.stride, dimension_numbers=_IMAGES
    )
    return jnp.transpose(products, (3, 0, 1, 2))


def by_products(window: Window, ends: Ends, post: Any, pre: Any) -> Any:
    """Products of the maps with the patches that they were made from.

    On the CPU this takes two thirds of the time of XLA's convolution, if the patches stay in the processor's caches.
    """
    around = ((0, 0), *window.around(ends.pre_image), (0, 0))

    def product(images: Any, maps: Any) -> Any:
        padded, maps = jnp.pad(images, around), maps.reshape(-1, ends.post_image[2])
        patches = jnp.concatenate([_place(window, ends, padded, offset) for offset in np.ndindex(*window.size)], -1)
        return maps.T @ patches.reshape(len(maps), -1)

    products = _summed(ends, post, pre, math.prod((*ends.post_image[:2], *window.size, ends.pre_image[2])), product)
    return jnp.transpose(products.reshape(-1, *window.size, ends.pre_image[2]), (0, 3, 1, 2))


def by_fewer_products(window: Window, ends: Ends, post: Any, pre: Any) -> Any:
    """As `by_products`, without a stride, in half of the time where there are many maps (see `winograd`)."""
    numbers = winograd.numbers(window.size, ends.post_image) * ends.pre_image[2]

    def product(images: Any, maps: Any) -> Any:
        return winograd.kernel_products(images, maps, window.around(ends.pre_image))

    return jnp.transpose(_summed(ends, post, pre, numbers, product), (3, 2, 0, 1))


def _summed(ends: Ends, post: Any, pre: Any, numbers: int, product: Callable[[Any, Any], Any]) -> Any:
    """The sum of products over all images, of a few at a time, which need so many numbers for each."""
    images = max(k for k in range(1, max(1, PATCHES // numbers) + 1) if len(pre) % k == 0)
    blocks = (pre.reshape(-1, images, *ends.pre_image), post.reshape(-1, images, *ends.post_image))
    form = jax.eval_shape(product, *(block[0] for block in blocks))
    nothing = jnp.zeros(form.shape, form.dtype)
    return lax.scan(lambda total, block: (total + product(*block), None), nothing, blocks)[0]


def _processor() -> bool:
    return jax.default_backend() == "cpu"


def _fewer(window: Window, ends: Ends, places: int) -> bool:
    """Whether fewer multiplications take less time, of what may be rounded differently."""
    channels = (ends.pre_image[2], ends.post_image[2])
    return _processor() and window.stride == (1, 1) and winograd.pays(window.size[1], places, channels)


def _place(window: Window, ends: Ends, padded: Any, offset: tuple[int, ...]) -> Any:
    """The pixels that each map sees at one place of its window."""
    (top, left), (down, right) = offset, window.stride
    rows, columns = (_reach(places, stride) for _, stride, _, _, places in _axes(window, ends))
    return padded[:, top : top + rows : down, left : left + columns : right]


def _axes(window: Window, ends: Ends) -> Iterator[tuple[int, int, tuple[int, int], int, int]]:
    """For rows and for columns: size, stride and padding of the window, numbers in the image and in the maps."""
    around = window.around(ends.pre_image)
    return zip(window.size, window.stride, around, ends.pre_image[:2], ends.post_image[:2], strict=True)


def _reach(places: int, stride: int) -> int:
    """From the first of some places to the last, both included."""
    return (places - 1) * stride + 1


def averages(connectivity: Pooling, ends: Ends, activity: Any) -> Any:
    """The mean over each window, or what leads back from it."""
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


def maxima(connectivity: Pooling, ends: Ends, activity: Any) -> Any:
    """The largest of each window."""
    window, image = connectivity.window, ends.pre_image
    shaped = activity.reshape(len(activity), *image)
    around = ((0, 0), *window.around(image), (0, 0))
    largest = lax.reduce_window(shaped, -jnp.inf, lax.max, (1, *window.size, 1), (1, *window.stride, 1), around)
    return largest.reshape(len(activity), -1)


def to_largest(window: Window, ends: Ends, activity: Any, errors: Any) -> Any:
    """Delivery of pools back to the first neuron that is largest in each window.

    XLA's own way, which scatters, takes ten times as long on the CPU. Here each neuron asks the windows that it is in.
    Which they are depends on its row and column modulo the stride; all neurons alike in that are computed together.

    Parameters
    ----------
    ends, activity
        Of the map forward, and what it pools, shape (trial, n_pre).
    errors
        Shape (trial, n_post).
    """
    image, maps, trials = ends.pre_image, ends.post_image, len(activity)
    padded = jnp.pad(
        activity.reshape(trials, *image), ((0, 0), *window.around(image), (0, 0)), constant_values=-jnp.inf
    )
    winner = _winners(window, ends, padded)
    errors = errors.reshape(trials, *maps)
    axes = list(_axes(window, ends))
    sizes = [-(-length // stride) for _, stride, _, length, _ in axes]

    def alike(remainders: tuple[int, ...]) -> Any:
        total = jnp.zeros((trials, *sizes, maps[2]), errors.dtype)
        for offset in np.ndindex(*window.size):
            # How many windows on, for each axis; with a rest these neurons are in none at this place.
            later = [
                divmod(remainder + low - at, stride)
                for remainder, at, (_, stride, (low, _), _, _) in zip(remainders, offset, axes, strict=True)
            ]
            if not any(rest for _, rest in later):
                given = jnp.where(winner == offset[0] * window.size[1] + offset[1], errors, jnp.zeros((), errors.dtype))
                edges = [
                    (-by, size + by - places, 0) for (by, _), size, places in zip(later, sizes, maps[:2], strict=True)
                ]
                total += lax.pad(given, jnp.zeros((), given.dtype), ((0, 0, 0), *edges, (0, 0, 0)))
        return total

    down, right = window.stride
    rows = [jnp.stack([alike((row, column)) for column in range(right)], 3) for row in range(down)]
    whole = jnp.stack(rows, 2).reshape(trials, sizes[0] * down, sizes[1] * right, maps[2])
    return whole[:, : image[0], : image[1]].reshape(trials, -1)


def _winners(window: Window, ends: Ends, padded: Any) -> Any:
    """The number of the place in each window that is first to have the largest value."""
    first, *others = np.ndindex(*window.size)
    largest = _place(window, ends, padded, first)
    # A byte, wherever it is enough: what is written here is read once for each place.
    number = jnp.uint8 if math.prod(window.size) <= 256 else jnp.uint32
    winner = jnp.zeros(largest.shape, number)
    for place, offset in enumerate(others, start=1):
        seen = _place(window, ends, padded, offset)
        more = seen > largest
        largest, winner = jnp.where(more, seen, largest), jnp.where(more, number(place), winner)
    return winner
