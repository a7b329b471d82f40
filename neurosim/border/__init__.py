"""The border between users and the package: checks of arguments, and translation of other libraries' errors.

A public function declares checks of its arguments, which run before anything else:

    @public(n=COUNT, seed=SEED, dt=TIME, out=optional(PATH))
    def simulate(...)

While it runs, an exception of another library (Brian2, JAX, pandas, Zarr, NumPy ...) becomes one of neurosim's, with
the original as its cause. Exceptions of the user's own code, such as a callback, pass unchanged.
"""

from __future__ import annotations

import functools
import inspect
import math
import os
from collections.abc import Callable, Collection
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar

from neurosim import registry
from neurosim.border.translation import root_sentence as root_sentence
from neurosim.border.translation import translated
from neurosim.border.translation import translation as translation
from neurosim.errors import ArgumentError, UnitError
from neurosim.suggestions import hint
from neurosim.units import parse_quantity

P = ParamSpec("P")
R = TypeVar("R")


class Check(Protocol):
    """A check of an argument."""

    def __call__(self, name: str, value: Any, /) -> Any:
        """Return the value in the form that the package uses, or raise."""


def whole(least: int, most: int | None = None) -> Check:
    """A whole number in a range, Python's or NumPy's, but no bool."""
    most_text = "" if most is None else f" and at most {most}"

    def check(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise ArgumentError(name, value, f"a whole number, at least {least}{most_text}")
        number = int(value)
        if number < least or (most is not None and number > most):
            raise ArgumentError(name, value, f"at least {least}{most_text}")
        return number

    return check


def number(least: float = -math.inf, most: float = math.inf) -> Check:
    """A finite number in a range."""
    limits = [f"at least {least:g}"] if least > -math.inf else []
    limits += [f"at most {most:g}"] if most < math.inf else []
    expected = ", ".join(["a finite number", *limits])

    def check(name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, Real) or not _is_finite(value):
            raise ArgumentError(name, value, expected)
        if not least <= float(value) <= most:
            raise ArgumentError(name, value, expected)
        return float(value)

    return check


def _is_finite(value: Real | float) -> bool:
    """Whether a number is finite as a float; some whole numbers are too large."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def one_of(*allowed: str) -> Check:
    """One of the words `allowed`."""

    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise ArgumentError(name, value, f"one of {', '.join(map(repr, allowed))}{hint(str(value), allowed)}")
        return value

    return check


def known(kind: str) -> Check:
    """One of the names of the registry's `kind`, as there are when the check is made."""
    return lambda name, value: one_of(*registry.names(kind))(name, value)


def instance(*types: type, expected: str = "") -> Check:
    """An instance of one of `types`."""

    def check(name: str, value: Any) -> Any:
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise ArgumentError(name, value, expected or " or ".join(each.__name__ for each in types))
        return value

    return check


def optional(check: Check) -> Check:
    """The same check, or ``None``."""
    return lambda name, value: None if value is None else check(name, value)


def _seconds(name: str, value: Any, expected: str) -> float:
    """A time of either sign, in seconds."""
    if isinstance(value, bool) or not (isinstance(value, str | Real) or hasattr(value, "dimensions")):
        raise ArgumentError(name, value, "a time such as '10 ms', or a number of seconds")
    quantity: Any = value
    plain = isinstance(value, Real) and not hasattr(value, "dimensions")
    if plain and not _is_finite(quantity):
        raise ArgumentError(name, value, expected)
    try:
        seconds = float(quantity) if plain else parse_quantity(quantity, "second")
    except UnitError as error:
        raise UnitError(f"{name}: {error}") from error
    if not math.isfinite(seconds):
        raise ArgumentError(name, value, expected)
    return seconds


def _time(name: str, value: Any) -> float:
    """A length of time above zero, in seconds."""
    expected = "a finite time above zero, such as '10 ms'"
    if not (seconds := _seconds(name, value, expected)) > 0:
        raise ArgumentError(name, value, expected)
    return seconds


def _moment(name: str, value: Any) -> float:
    """A moment in seconds, also zero or before it."""
    return _seconds(name, value, "a finite time, such as '-10 ms'")


def _path(name: str, value: Any) -> Path:
    """A path, made absolute, with ``~`` expanded."""
    if not isinstance(value, str | os.PathLike) or not str(value).strip() or "\0" in str(value):
        raise ArgumentError(name, value, "a path")
    try:
        return Path(os.path.abspath(Path(value).expanduser()))
    except RuntimeError as error:
        raise ArgumentError(name, value, f"a path ({error})") from error


def _words(name: str, value: Any) -> tuple[str, ...]:
    """Several names; a single text is refused, since it would be split into letters."""
    if isinstance(value, str) or not isinstance(value, Collection) or not all(isinstance(v, str) for v in value):
        raise ArgumentError(name, value, f"a list of names, such as [{value!r}]" if isinstance(value, str) else "names")
    return tuple(value)


#: A positive count.
COUNT = whole(1)
#: A random seed that NumPy accepts and files can hold.
SEED = whole(0, 2**63 - 1)
PRECISION = one_of("float32", "float64")
ENGINE = known("engines")
TARGET = one_of("numpy", "cython", "cpp_standalone")
LEVEL = one_of("steady", "rate", "spiking")
FLAG = instance(bool, expected="True or False")
TIME: Check = _time
MOMENT: Check = _moment
PATH: Check = _path
NAMES: Check = _words


def public(**checks: Check) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a public function: check its arguments, and translate other libraries' errors.

    Parameters
    ----------
    checks
        Argument -> check. Defaults are not checked.

    Raises
    ------
    TypeError
        At definition, if the function lacks an argument that has a check.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        if unknown := checks.keys() - signature.parameters.keys():
            raise TypeError(f"{function.__name__}() has no arguments {sorted(unknown)} to check")

        @functools.wraps(function)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
            given = signature.bind(*args, **kwargs)
            # Arguments are checked in the order of the signature, so that the same of two faults is always reported.
            for name in [name for name in given.arguments if name in checks]:
                given.arguments[name] = checks[name](name, given.arguments[name])
            with translated():
                return function(*given.args, **given.kwargs)

        wrapped.__checks__ = checks  # type: ignore[attr-defined]
        return wrapped

    return decorate


def set_fields(description: object, **values: object) -> None:
    """Set fields of a frozen dataclass, in its ``__post_init__``: values in the form in which they are kept."""
    for name, value in values.items():
        object.__setattr__(description, name, value)


def check_fields(description: Any, **checks: Check) -> None:
    """Check fields of a frozen dataclass, in its ``__post_init__``.

    Raises
    ------
    ArgumentError
        Naming the class and the field.
    """
    for name, check in checks.items():
        value = check(f"{type(description).__name__}.{name}", getattr(description, name))
        set_fields(description, **{name: value})
