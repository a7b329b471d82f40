"""Where a pathway's weights come from: the law they are drawn from, another pathway, or a function of others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from neurosim.border import FLAG, NAMES, check_fields, one_of, optional
from neurosim.border.arguments import NAME, NUMBER
from neurosim.untyped import Array, ArrayModule


@dataclass(frozen=True)
class Initial:
    """The law initial weights are drawn from.

    Attributes
    ----------
    law
        ``normal`` (standard deviation `scale`), ``truncated_normal`` (the same, cut at two standard deviations, so
        narrower), ``uniform`` (between -`scale` and `scale`), ``orthogonal`` (`scale` times rows or columns of a random
        orthogonal matrix) or ``constant``.
    scale
        Its width, or the constant.
    fan
        Divide the width by the root of the number of presynaptic (``in``) or postsynaptic (``out``) neurons, or of
        ``both`` together, or of the neurons of all pathways that reach the same variable (``all``).
    beside, adjusted
        What becomes of the drawn weights: a function of them and of the initial weights of the pathways `beside`.

    Examples
    --------
    >>> Initial("normal", 0.5, "in").width(n_post=10, n_pre=25, n_all=25)
    0.1
    """

    law: Literal["normal", "truncated_normal", "uniform", "orthogonal", "constant"] = "normal"
    scale: float = 1.0
    fan: Literal["in", "out", "both", "all"] | None = "in"
    beside: tuple[str, ...] = ()
    adjusted: Callable[..., np.ndarray] | None = None

    def __post_init__(self) -> None:
        laws = one_of("normal", "truncated_normal", "uniform", "orthogonal", "constant")
        fans = optional(one_of("in", "out", "both", "all"))
        check_fields(self, law=laws, scale=NUMBER, fan=fans, beside=NAMES)

    def width(self, n_post: int, n_pre: int, n_all: int) -> float:
        """The width for a pathway of this shape, to a variable that `n_all` neurons reach."""
        counts = {"in": n_pre, "out": n_post, "both": n_pre + n_post, "all": n_all, None: 1}
        return self.scale / counts[self.fan] ** 0.5


@dataclass(frozen=True)
class Tie:
    """Weights shared with another pathway, in its direction or transposed.

    Attributes
    ----------
    pathway
        The pathway that owns the weights.
    transposed
        Whether they are used as ``(n_pre, n_post)`` of that pathway, which no synapse can.

    Examples
    --------
    >>> Tie("W2", transposed=True)
    Tie(pathway='W2', transposed=True)
    """

    pathway: str
    transposed: bool = False

    def __post_init__(self) -> None:
        check_fields(self, pathway=NAME, transposed=FLAG)


class WeightFunction(Protocol):
    """A function of weights; equal if it computes the same, so that circuits compare. Its text says what it is."""

    def __call__(self, xp: ArrayModule, *weights: Array) -> Array:
        """The value, computed by the array module `xp`."""


@dataclass(frozen=True)
class Derived:
    """Weights computed from other weights before each presentation; no synapse could do that, so they are not local.

    Attributes
    ----------
    function
        ``function(xp, *weights) -> weights``, with `xp` the array module.
    pathways
        The pathways whose weights it takes, in this order, each ``(n_post, n_pre)``.
    """

    function: WeightFunction
    pathways: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.function} of {', '.join(self.pathways)}"
