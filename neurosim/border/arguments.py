"""Further checks of arguments: arrays, objects of libraries, text, and tables that several functions share."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, ParamSpec, TypeVar

import numpy as np

from neurosim.border import Check, number, public
from neurosim.errors import ArgumentError

P = ParamSpec("P")
R = TypeVar("R")


def array(*dimensions: int) -> Check:
    """An array of numbers (NumPy, JAX or nested lists), with one of the numbers of `dimensions` if given.

    JAX arrays are not converted, for functions that also run inside JAX.
    """
    expected = "an array of numbers"
    if dimensions:
        expected = f"an array of numbers with {' or '.join(map(str, dimensions))} dimensions"

    def check(name: str, value: Any) -> Any:
        numbers = value
        if not (hasattr(value, "dtype") and hasattr(value, "shape")):
            try:
                numbers = np.asarray(value)
            except (TypeError, ValueError) as error:  # lists of unequal lengths
                raise ArgumentError(name, value, expected) from error
        if getattr(numbers.dtype, "kind", "f") not in "biufcV":
            raise ArgumentError(name, value, expected)
        if dimensions and len(numbers.shape) not in dimensions:
            raise ArgumentError(name, value, f"{expected}; its shape is {tuple(numbers.shape)}")
        return numbers

    return check


def several(check: Check) -> Check:
    """A list, tuple or array whose values all pass a check."""

    def checked(name: str, value: Any) -> tuple[Any, ...]:
        listed = isinstance(value, Sequence) and not isinstance(value, str)
        if not listed and not (isinstance(value, np.ndarray) and value.ndim):
            raise ArgumentError(name, value, "a list or tuple")
        return tuple(check(f"{name}[{place}]", each) for place, each in enumerate(value))

    return checked


def one_or_more(check: Check) -> Check:
    """A value that passes a check, or a list or tuple of such values; a list of one stands for its value."""

    def checked(name: str, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return check(name, value)
        values = several(check)(name, value)
        if not values:
            raise ArgumentError(name, value, "at least one")
        return values[0] if len(values) == 1 else values

    return checked


def pair(expected: str) -> Check:
    """A list or tuple of two."""

    def checked(name: str, value: Any) -> Any:
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise ArgumentError(name, value, expected)
        return tuple(value)

    return checked


def having(expected: str, *attributes: str) -> Check:
    """An object with all of some attributes, for types of libraries that are imported late."""

    def check(name: str, value: Any) -> Any:
        if isinstance(value, type) or not all(hasattr(value, each) for each in attributes):
            raise ArgumentError(name, value, expected)
        return value

    return check


def _real(name: str, value: Any) -> Any:
    """A number, also one that JAX traces; the function itself checks its range."""
    number_like = isinstance(value, Real) and not isinstance(value, bool)
    if not number_like and getattr(value, "shape", None) != ():
        raise ArgumentError(name, value, "a number")
    return value


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    """A mapping whose keys are text."""
    if not isinstance(value, Mapping):
        raise ArgumentError(name, value, "names and values, as a dict")
    for key in value:
        if not isinstance(key, str):
            raise ArgumentError(f"a name in {name}", key, "text")
    return value


def _texts(name: str, value: Any) -> Mapping[str, str]:
    """A mapping from text to text."""
    for key, text in _mapping(name, value).items():
        if not isinstance(text, str):
            raise ArgumentError(f"{name}[{key!r}]", text, "text")
    return value


def _whole_kind(name: str, value: Any) -> int:
    """A whole number; its range is checked with the other faults of a circuit."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ArgumentError(name, value, "a whole number, at least 1")
    return int(value)


def or_traced(check: Check) -> Check:
    """The same check, but numbers that JAX traces pass: their values are not known yet."""

    def checked(name: str, value: Any) -> Any:
        return value if hasattr(value, "aval") else check(name, value)

    return checked


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ArgumentError(name, value, "text")
    return value


def _identifier(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ArgumentError(name, value, "a name")
    return value


def above(least: float) -> Check:
    """A finite number above `least`."""
    inner = number()

    def check(name: str, value: Any) -> float:
        if not inner(name, value) > least:
            raise ArgumentError(name, value, f"a finite number above {least:g}")
        return float(value)

    return check


def by_table(table: Mapping[str, Check]) -> Callable[..., Callable[[Callable[P, R]], Callable[P, R]]]:
    """A `public` for functions that share arguments: each takes the checks of its own argument names.

    Parameters
    ----------
    table
        Argument -> check in all of them; single functions can override it.
    """

    def shared(**checks: Check) -> Callable[[Callable[P, R]], Callable[P, R]]:
        def decorate(function: Callable[P, R]) -> Callable[P, R]:
            own = {name: table[name] for name in inspect.signature(function).parameters if name in table}
            return public(**{**own, **checks})(function)

        return decorate

    return shared


NAME: Check = _identifier
TEXT: Check = _text
ARRAY = array()
NUMBER = number()
WHOLE: Check = _whole_kind
REAL: Check = _real
MAPPING: Check = _mapping
TEXTS: Check = _texts
AXES = having("axes of Matplotlib, such as plt.gca()", "plot", "figure")
RECORDING = having("a recording of neurosim.simulate; of one on disk, neurosim.open_recording(path)", "data_vars")
POSITIVE = above(0.0)
