"""Counts that equations draw: Poisson and binomial, by inversion of their distribution.

The smallest count whose cumulative probability is at least a uniform number of 53 bits (Devroye 1986, Non-Uniform
Random Variate Generation, chapter X). Probabilities are added up in double precision from zero on, for all neurons at
once. Large means and numbers are split into parts, each drawn by words of its own: sums of independent Poisson counts
are Poisson, those of binomial ones of one probability binomial. So both are exact but for rounding, up to `MOST`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from neurosim.imports import require_jax
from neurosim.random import unit_of_words
from neurosim.untyped import Array, ArrayModule

#: The largest mean of a Poisson, and the largest number of a binomial count; a step's time grows with it.
MOST = 10_000
#: The largest part: the probability of zero is at least exp(-256), or 2**-1000, of which doubles have all digits.
_PART_OF_MEAN, _PART_OF_NUMBER = 256.0, 1000.0

#: From a count and the probability of the one before it, its own.
Next = Callable[[Array, Array], Array]


def poisson(xp: ArrayModule, words: Array, mean: Array) -> Array:
    """Poisson counts, not a number where the mean is negative or above `MOST`.

    Parameters
    ----------
    xp
        `numpy` or `jax.numpy`.
    words
        Random 32-bit words, shape (2, trial, n).
    mean
        Broadcasts to (trial, n).
    """
    result = xp.result_type(float)
    with _double(xp):
        full = xp.broadcast_to(xp.asarray(mean, dtype=xp.float64), words.shape[1:])
        fits = (full >= 0) & (full <= MOST)

        def part(uniform: Array, left: Array) -> tuple[Array, Array]:
            here = xp.minimum(left, _PART_OF_MEAN)
            return _inverse(xp, uniform, xp.exp(-here), lambda k, before: before * here / k), left - here

        return xp.where(fits, _in_parts(xp, words, xp.where(fits, full, 0.0), part), xp.nan).astype(result)


def binomial(xp: ArrayModule, words: Array, number: Array, probability: Array) -> Array:
    """Binomial counts; not a number where `number` is not whole or beyond `MOST`, or `probability` is none."""
    result = xp.result_type(float)
    with _double(xp):
        shape = words.shape[1:]
        full = xp.broadcast_to(xp.asarray(number, dtype=xp.float64), shape)
        chance = xp.broadcast_to(xp.asarray(probability, dtype=xp.float64), shape)
        fits = (full >= 0) & (full <= MOST) & (xp.floor(full) == full) & (chance >= 0) & (chance <= 1)
        # The rarer of success and failure is counted.
        rare = xp.where(fits, xp.minimum(chance, 1 - chance), 0.0)
        odds = rare / (1 - rare)

        def part(uniform: Array, left: Array) -> tuple[Array, Array]:
            here = xp.minimum(left, _PART_OF_NUMBER)
            none = xp.exp(here * xp.log1p(-rare))
            return _inverse(xp, uniform, none, lambda k, before: before * ((here - k + 1) * odds) / k), left - here

        total = _in_parts(xp, words, xp.where(fits, full, 0.0), part)
        return xp.where(fits, xp.where(chance > 0.5, full - total, total), xp.nan).astype(result)


def fault_of(function: str, numbers: Sequence[float]) -> str | None:
    """The fault in the arguments of `poisson` or `binomial`, with its remedy."""
    if function == "poisson" and not 0 <= numbers[0] <= MOST:
        remedy = "give a mean per step that is not negative" if numbers[0] < 0 else "use mean + sqrt(mean)*randn()"
        return f"poisson({numbers[0]:g}) is not drawn; expected a mean between 0 and {MOST}: {remedy}"
    if function == "binomial":
        number, chance = numbers
        if not (0 <= number <= MOST and number == int(number) and 0 <= chance <= 1):
            return (
                f"binomial({number:g}, {chance:g}) is not drawn; expected a whole number between 0 and {MOST}, and a "
                "probability between 0 and 1"
            )
    return None


def _in_parts(
    xp: ArrayModule, words: Array, whole: Array, part: Callable[[Array, Array], tuple[Array, Array]]
) -> Array:
    """The sum of counts of parts until nothing of `whole` is left."""

    def on(reached: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        number, left, total = reached
        count, after = part(unit_of_words(xp, words, number), left)
        return number + xp.uint32(1), after, total + count

    start = (xp.asarray(0, dtype=xp.uint32), whole, xp.zeros_like(whole))
    return _while(xp, lambda reached: xp.any(reached[1] > 0), on, start)[2]


def _inverse(xp: ArrayModule, uniform: Array, none: Array, following: Next) -> Array:
    """The smallest count whose cumulative probability reaches a uniform number; `none` is the probability of zero."""

    def short(reached: tuple[Array, Array, Array]) -> Array:
        # Rounded, all probabilities together may stay below the largest uniform number.
        return (uniform > reached[2]) & (reached[1] > 0)

    def on(reached: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        count, mass, sum_so_far = reached
        going = short(reached)
        after = xp.where(going, count + 1, count)
        mass = xp.where(going, following(xp.maximum(after, 1.0), mass), mass)
        return after, mass, xp.where(going, sum_so_far + mass, sum_so_far)

    return _while(xp, lambda reached: xp.any(short(reached)), on, (xp.zeros_like(none), none, none))[0]


def _while(xp: ArrayModule, condition: Callable[[Array], Array], body: Callable[[Array], Array], state: Array) -> Array:
    if xp.__name__ != "numpy":
        require_jax()
        import jax

        return jax.lax.while_loop(condition, body, state)
    while condition(state):
        state = body(state)
    return state


def _double(xp: ArrayModule) -> Array:
    """A context with double precision, whatever that of the run: both count alike."""
    if xp.__name__ == "numpy":
        return contextlib.nullcontext()
    import jax

    return jax.enable_x64(True)
