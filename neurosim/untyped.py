"""Names for values that no type describes. Each is `Any`, and says why.

A parameter with one of these names takes what the name says; pyright checks nothing about it.
"""

from __future__ import annotations

from typing import Any

#: An array of NumPy or JAX, or a number that broadcasts like one. Neither library has a type that covers both.
Array = Any
#: `numpy` or `jax.numpy`, which computes such arrays.
ArrayModule = Any
#: A value as a user gives it: a number, a quantity of Brian2, text or an array. It is of any type until it is checked.
UserValue = Any
#: A physical dimension of Brian2, which has no types.
BrianDimension = Any
#: A variable, a constant or a function, as Brian2's parsers look names up.
BrianVariable = Any
