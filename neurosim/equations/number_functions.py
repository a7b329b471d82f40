"""The functions of the equation language on plain numbers, for parts of an expression that are constant."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any


def _tangent(x: float) -> float:
    # Not a number at pi/2, of which a float is the nearest neighbour only.
    return math.tan(x) if abs(math.cos(x)) > 1e-15 else math.nan


def _sign(x: float) -> float:
    return float((x > 0) - (x < 0))


def _exprel(x: float) -> float:
    return math.expm1(x) / x if x else 1.0


def _clip(x: float, low: float, high: float) -> float:
    return min(max(x, low), high)


#: Each function by its name.
VALUES: dict[str, Callable[..., Any]] = {
    **{name: getattr(math, name) for name in ("exp", "log", "log10", "sqrt", "expm1", "log1p")},
    **{name: getattr(math, name) for name in ("sin", "cos", "sinh", "cosh", "tanh", "floor", "ceil")},
    **{"arcsin": math.asin, "arccos": math.acos, "arctan": math.atan, "abs": abs, "int": int},
    "tan": _tangent,
    "sign": _sign,
    "exprel": _exprel,
    "clip": _clip,
}
