"""Numbers from a checked expression, with random draws by a generator of the caller's."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import numpy as np

from neurosim.equations.array_code import ArrayFunction, expression_function
from neurosim.untyped import Array


def evaluated(
    text: str, given: Mapping[str, Array], shape: tuple[int, ...], generator: np.random.Generator | None
) -> np.ndarray:
    """The values of an expression in SI units, float64.

    Parameters
    ----------
    text
        An expression that the grammar has checked.
    given
        The names that it may read -> numbers or arrays that broadcast to `shape`.
    shape
        Shape of the result; draws are made in this shape.
    generator
        What ``rand()`` (uniform between 0 and 1) and ``randn()`` (standard normal) are drawn by, call by call in the
        order of the text; needed if there are any.
    """
    function, compiled = _function(text)
    # Real numbers: whole ones would have an end, and no negative powers.
    arguments = {name: np.asarray(given[name], np.float64) for name in function.arguments if name in given}
    for name, law in function.draws:
        assert generator is not None, "whoever has no generator has checked that there are no draws"
        arguments[name] = generator.standard_normal(shape) if law == "normal" else generator.random(shape)
    with np.errstate(all="ignore"):  # whoever asks looks at the numbers
        return np.broadcast_to(compiled(**arguments), shape)


@functools.lru_cache(maxsize=256)
def _function(text: str) -> tuple[ArrayFunction, Callable[..., Array]]:
    function = expression_function("value", text)
    return function, function.compile(np)
