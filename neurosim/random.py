"""Named streams of random numbers from one integer seed.

`stream` gives a NumPy generator for numbers drawn once on the host: initial weights, data order. `held_normal` and
`held_pairs` are counter-based: each number is a function of (seed, labels, presentation, neuron) alone, so it does not
depend on the engine, the batch or the order of draws.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from neurosim.imports import require_jax
from neurosim.untyped import Array, ArrayModule

_ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
_PARITY = 0x1BD11BDA
#: Rounds of Threefry-2x32: 13 is the smallest number that passes BigCrush (Salmon et al. 2011, table 2).
_ROUNDS = 13


def stream(seed: int, *labels: str | int) -> np.random.Generator:
    """An independent NumPy generator for one purpose.

    Parameters
    ----------
    seed
        The run's seed.
    labels
        The purpose, e.g. ``("weights", "W1")``.
    """
    return np.random.Generator(np.random.Philox(key=_words(seed, labels, 4).view(np.uint64)))


def key_words(seed: int, *labels: str | int) -> np.ndarray:
    """The two 32-bit words that key the counter-based streams of one purpose; shape (2,), uint32."""
    return _words(seed, labels, 2)


def held_normal(key: Array, presentations: Array, size: int, *, step: Array = None) -> Array:
    """Standard normal numbers, one per trial and neuron.

    Parameters
    ----------
    key
        Words of `key_words`.
    presentations
        The running number of each trial's presentation, shape (trial,).
    size
        Number of neurons.
    step
        A time step, for noise that changes within the phase.

    Returns
    -------
    jax.Array
        Shape (trial, size), float32. Always drawn in float32, so that both precisions see the same numbers.
    """
    return normals_of(held_pairs([key], presentations, [size], step=step), [size])[0]


def held_pairs(
    keys: Sequence[Array], presentations: Array, sizes: Sequence[int], *, step: Array = None
) -> tuple[Array, Array]:
    """Standard normal numbers of several streams, drawn in pairs; `normals_of` separates them.

    Parameters
    ----------
    keys, sizes
        Keys and numbers of neurons, one for each stream.
    presentations, step
        As for `held_normal`.

    Returns
    -------
    tuple
        Two arrays, shape (trial, pairs of all streams).
    """
    return _compiled_pairs()(keys, presentations, tuple(sizes), step)


@functools.cache
def _compiled_pairs() -> Array:
    require_jax()
    import jax

    # Without jit, each operation would compile alone and last bits would round differently.
    return jax.jit(_pairs, static_argnums=2)


def _pairs(keys: Array, presentations: Array, sizes: tuple[int, ...], step: Array) -> tuple[Array, Array]:
    import jax.numpy as jnp

    blocks = [(size + 1) // 2 for size in sizes]
    words = jnp.stack([jnp.asarray(key, jnp.uint32) for key in keys])[np.repeat(np.arange(len(sizes)), blocks)].T
    counter = np.concatenate([np.arange(block, dtype=np.uint32) for block in blocks])
    first, second = _bits(words, presentations, counter, step)
    # Box and Muller (1958): two normal numbers from the two words of one block.
    radius = jnp.sqrt(-2.0 * jnp.log(_unit(first)))
    cosine, sine = _circle(_unit(second))
    return radius * cosine, radius * sine


def normals_of(pairs: tuple[Array, Array], sizes: Sequence[int]) -> list[Array]:
    """The numbers of each stream, shape (trial, size), from `held_pairs`.

    A separate step: where XLA on the CPU fuses this with drawing, it does not vectorise.
    """
    import jax.numpy as jnp

    numbers, start = [], 0
    for size in sizes:
        stop = start + (size + 1) // 2
        numbers.append(jnp.concatenate([pairs[0][..., start:stop], pairs[1][..., start : stop - size % 2]], axis=-1))
        start = stop
    return numbers


def held_uniform(key: Array, presentations: Array, size: int, *, step: Array = None) -> Array:
    """Uniform numbers in (0, 1); arguments and shape as `held_normal`."""
    require_jax()
    import jax.numpy as jnp

    first, second = _bits(key, presentations, np.arange((size + 1) // 2, dtype=np.uint32), step)
    return jnp.concatenate([_unit(first), _unit(second)], axis=1)[:, :size]


def drawn_at(law: str, key: Array, presentations: Array, size: int, step: Array, *, xp: ArrayModule) -> Array:
    """Numbers of a law, one per trial and neuron, the same to the last bit by NumPy and by JAX.

    Parameters
    ----------
    law
        ``uniform`` (strictly between 0 and 1, float32), ``normal`` (float32), or ``words`` (two random words, which
        `unit_of_words` makes uniform numbers of).
    key, presentations, size
        As for `held_normal`.
    step
        The time step: a number, or one for each of the presentations.
    xp
        `numpy` or `jax.numpy`.

    Returns
    -------
    array
        Shape (trial, size); of words (2, trial, size), uint32.
    """
    with np.errstate(over="ignore"):  # words are computed with modulo 2**32
        return _drawn_at(law, key, presentations, size, step, xp)


def _drawn_at(law: str, key: Array, presentations: Array, size: int, step: Array, xp: ArrayModule) -> Array:
    if law == "uniform":
        first, second = _bits(key, presentations, np.arange((size + 1) // 2, dtype=np.uint32), step, xp)
        return xp.concatenate([_unit(first, xp), _unit(second, xp)], axis=1)[:, :size]
    words = xp.stack(_bits(key, presentations, np.arange(size, dtype=np.uint32), step, xp))
    return _normal(xp, words) if law == "normal" else words


def _normal(xp: ArrayModule, words: Array) -> Array:
    """Standard normal numbers from two words each (Box & Muller 1958).

    In double precision, and rounded to single: what compilers round differently is lost in that.
    """
    with _x64(xp):
        first, second = ((word.astype(xp.float64) + 0.5) * 2.0**-32 for word in words)
        return (xp.sqrt(-2.0 * xp.log(first)) * xp.cos(2 * np.pi * second)).astype(xp.float32)


def unit_of_words(xp: ArrayModule, words: Array, number: Array) -> Array:
    """Uniform numbers strictly between 0 and 1, of 53 bits, in double precision: the `number`-th of two words each."""
    first, second = _threefry(words[0], words[1], number, xp.uint32(0))
    high, low = ((bits >> np.uint32(drop)).astype(xp.float64) for bits, drop in ((first, 5), (second, 6)))
    # The largest is rounded up to one.
    return xp.minimum((high * 2.0**26 + low + 0.5) * 2.0**-53, 1 - 2.0**-53)


def _x64(xp: ArrayModule) -> Array:
    if xp is np:
        return contextlib.nullcontext()
    import jax

    return jax.enable_x64(True)


def _words(seed: int, labels: tuple[str | int, ...], count: int) -> np.ndarray:
    text = "\x1f".join([str(int(seed)), *map(str, labels)]).encode()
    digest = hashlib.blake2b(text, digest_size=4 * count).digest()
    return np.frombuffer(digest, dtype="<u4").astype(np.uint32)


def _bits(key: Array, presentations: Array, counter: Array, step: Array, xp: ArrayModule = None) -> tuple[Array, Array]:
    if xp is None:
        import jax.numpy as xp
    key0, key1 = xp.asarray(key[0], dtype=xp.uint32), xp.asarray(key[1], dtype=xp.uint32)
    if step is not None:
        key0, key1 = _threefry(key0, key1, xp.asarray(step, dtype=xp.uint32), xp.uint32(0x73746570))
        if xp.ndim(step):
            key0, key1 = key0[:, None], key1[:, None]
    trial = xp.asarray(presentations).astype(xp.uint32)[:, None]
    return _threefry(key0, key1, trial, xp.asarray(counter, dtype=xp.uint32)[None, :])


def _threefry(key0: Array, key1: Array, first: Array, second: Array) -> tuple[Array, Array]:
    """Threefry-2x32 (Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3")."""
    keys = (key0, key1, key0 ^ key1 ^ np.uint32(_PARITY))
    first, second = first + keys[0], second + keys[1]
    for number in range(_ROUNDS):
        first = first + second
        rotation = _ROTATIONS[number % 8]
        second = ((second << np.uint32(rotation)) | (second >> np.uint32(32 - rotation))) ^ first
        if number % 4 == 3:
            inject = number // 4 + 1
            first = first + keys[inject % 3]
            second = second + keys[(inject + 1) % 3] + np.uint32(inject)
    return first, second


def _circle(turns: Array) -> tuple[Array, Array]:
    """Cosine and sine of an angle in turns, between 0 and 1; to 1e-7 in float32, and three times as fast as XLA's.

    The angle is brought to an eighth of a turn around zero, where truncated series are as exact as the precision.
    """
    import jax.numpy as jnp

    quarters = jnp.floor(4 * turns + np.float32(0.5))
    angle = np.float32(2 * np.pi) * (turns - np.float32(0.25) * quarters)
    square = angle * angle
    sine, cosine = angle * _series(square, 1, 5), _series(square, 0, 6)
    quarter = quarters.astype(jnp.int32)
    swapped = (quarter & 1) == 1
    cosine, sine = jnp.where(swapped, sine, cosine), jnp.where(swapped, cosine, sine)
    return jnp.where(((quarter + 1) & 2) == 2, -cosine, cosine), jnp.where((quarter & 2) == 2, -sine, sine)


def _series(square: Array, first: int, terms: int) -> Array:
    """``1 - x^2/((first+1)(first+2)) + ...``: Taylor's series of cosine (from 0) or sine over x (from 1)."""
    total: Any = np.float32(1)
    for number in range(2 * (terms - 1) + first, first, -2):
        total = 1 - square * total * np.float32(1 / (number * (number - 1)))
    return total


def _unit(bits: Array, xp: ArrayModule = None) -> Array:
    """24 bits as a float32 strictly between 0 and 1."""
    if xp is None:
        import jax.numpy as xp
    fraction = ((bits >> np.uint32(8)).astype(xp.float32) + np.float32(0.5)) * np.float32(2**-24)
    # The largest is rounded up to one.
    return xp.minimum(fraction, np.float32(1 - 2**-24))
