"""What the text of a loop calls: random numbers of one step, and functions that Numba lacks.

The random numbers are those of `neurosim.random`: uniform ones have the same bits, normal ones are equal to single
precision.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from neurosim.random import _PARITY, _ROTATIONS, _ROUNDS

#: Of a step's key; that of `neurosim.random`.
_STEP = 0x73746570
_SERIES = tuple(1 / math.factorial(power) for power in range(15, 0, -1))
_SINE = tuple(np.float32(1 / (k * (k - 1))) for k in range(9, 1, -2))
_COSINE = tuple(np.float32(1 / (k * (k - 1))) for k in range(10, 0, -2))
_HALF, _ONE, _TURN = np.float32(0.5), np.float32(1), np.float32(2 * np.pi)
_TINY, _BELOW_ONE = np.float32(2**-24), np.float32(1 - 2**-24)


def compiled(function: Any) -> Any:
    """A function as part of a loop."""
    return njit(nogil=True, error_model="numpy", inline="never")(function)


@compiled
def exprel(x):
    """``(exp(x) - 1)/x`` in double precision: near zero by its series."""
    wide = np.float64(x)
    if abs(wide) < 0.5:
        total = _SERIES[0]
        for number in range(1, 15):
            total = total * wide + _SERIES[number]
        return total
    return (np.exp(wide) - 1.0) / wide


@compiled
def threefry(key0, key1, first, second):
    """Two words; see `neurosim.random`."""
    key2 = np.uint32(key0 ^ key1 ^ np.uint32(_PARITY))
    keys = (np.uint32(key0), np.uint32(key1), key2)
    a, b = np.uint32(first + keys[0]), np.uint32(second + keys[1])
    for number in range(_ROUNDS):
        a = np.uint32(a + b)
        turn = np.uint32(_ROTATIONS[number % 8])
        b = np.uint32(np.uint32(b << turn) | np.uint32(b >> np.uint32(np.uint32(32) - turn))) ^ a
        if number % 4 == 3:
            inject = number // 4 + 1
            a = np.uint32(a + keys[inject % 3])
            b = np.uint32(b + keys[(inject + 1) % 3] + np.uint32(inject))
    return a, b


@compiled
def unit(bits):
    """24 bits as a single-precision number strictly between 0 and 1."""
    return min((np.float32(bits >> np.uint32(8)) + _HALF) * _TINY, _BELOW_ONE)


@compiled
def circle(turns):
    """Cosine and sine of an angle in turns, between 0 and 1."""
    quarters = np.floor(np.float32(4) * turns + _HALF)
    angle = _TURN * (turns - np.float32(0.25) * quarters)
    square = angle * angle
    sine, cosine = _ONE, _ONE
    for number in range(4):
        sine = _ONE - square * sine * _SINE[number]
    for number in range(5):
        cosine = _ONE - square * cosine * _COSINE[number]
    sine = angle * sine
    quarter = np.int32(quarters)
    if quarter & 1:
        sine, cosine = cosine, sine
    if (quarter + 1) & 2:
        cosine = -cosine
    if quarter & 2:
        sine = -sine
    return cosine, sine


@compiled
def draw_uniform(key, presentation, number, out):
    """Uniform numbers in (0, 1) for all neurons of a trial at a step."""
    key0, key1 = threefry(key[0], key[1], np.uint32(number), np.uint32(_STEP))
    half = (out.shape[0] + 1) // 2
    for block in range(half):
        first, second = threefry(key0, key1, presentation, np.uint32(block))
        out[block] = unit(first)
        if block + half < out.shape[0]:
            out[block + half] = unit(second)


@compiled
def draw_normal(key, presentation, number, out):
    """Standard normal numbers for all neurons of a trial at a step, by Box and Muller."""
    key0, key1 = threefry(key[0], key[1], np.uint32(number), np.uint32(_STEP))
    half = (out.shape[0] + 1) // 2
    for block in range(half):
        first, second = threefry(key0, key1, presentation, np.uint32(block))
        radius = np.sqrt(np.float32(-2) * np.log(unit(first)))
        cosine, sine = circle(unit(second))
        out[block] = radius * cosine
        if block + half < out.shape[0]:
            out[block + half] = radius * sine
