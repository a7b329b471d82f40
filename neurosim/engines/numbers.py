"""Checks that arguments of engines are numbers, before they fail deep inside an engine."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neurosim.errors import CircuitError
from neurosim.untyped import UserValue


def check_numbers(what: str, given: Mapping[str, UserValue]) -> None:
    """Refuse anything but arrays of numbers; arrays on a device are not copied.

    Raises
    ------
    CircuitError
        Naming the argument and the variable.
    """
    for name, value in given.items():
        kind = getattr(getattr(value, "dtype", None), "kind", None)
        if kind is None:
            try:
                kind = np.asarray(value).dtype.kind
            except ValueError:
                kind = "O"  # lists of unequal lengths
        if kind not in "biufV":
            shown = f"{value!r}"[:60]
            raise CircuitError(f"{what}: '{name}' is {shown}; expected a number or an array of numbers in SI units")
