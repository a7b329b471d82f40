"""Laws of the weights in control loops: feedback that follows forward weights, and matrices that loops settle to.

They are data of a circuit, so that descriptions can be compared and printed; what computes is imported when it is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import NumericalError
from neurosim.untyped import Array, ArrayModule


@dataclass(frozen=True)
class NegativeTranspose:
    """Feedback that is the negative transpose of the forward weights, or of their product, times a scale."""

    scale: float = 1.0

    def __call__(self, drawn: np.ndarray, *forward: np.ndarray) -> np.ndarray:
        from neurosim.stability.inverse import chained

        # The transpose of kernels swaps the first two axes.
        return -self.scale * np.swapaxes(chained(forward), 0, 1)

    def __str__(self) -> str:
        return "negative transpose" + (f" times {self.scale:g}" if self.scale != 1 else "")


@dataclass(frozen=True)
class SequentialFeedback:
    """Feedback ``B_2 (W_2 B_2)^-1 B_3 ...`` with minus the transposes, for layers that do not expand."""

    def __call__(self, drawn: np.ndarray, *forward: np.ndarray) -> np.ndarray:
        feedback = -forward[-1].T
        for weights in reversed(forward[:-1]):
            feedback = np.linalg.pinv(weights) @ feedback
        return feedback

    def __str__(self) -> str:
        return "sequential inverse"


@dataclass(frozen=True)
class StabilisedFeedback:
    """Drawn feedback, changed until the loop is stable without leak, or with that given where the layer expands.

    Raises
    ------
    NumericalError
        If no stable feedback is found.
    """

    leak: float

    def __call__(self, drawn: np.ndarray, *forward: np.ndarray) -> np.ndarray:
        from neurosim.stability.abscissa import stabilised
        from neurosim.stability.inverse import chained

        weights = chained(forward)
        expands = weights.shape[0] > weights.shape[1]
        repaired = stabilised(weights, drawn, self.leak if expands else 0.0)
        if not repaired.succeeded:
            raise NumericalError(
                f"feedback of shape {drawn.shape} is still unstable after {repaired.steps} steps of repair (abscissa "
                f"{repaired.abscissa:.3g}); use feedback = 'negative_transpose', or a larger leak than {self.leak:g}"
            )
        return repaired.feedback

    def __str__(self) -> str:
        return f"stabilised, with a leak of {self.leak:g} where it has to be"


@dataclass(frozen=True)
class LoopInverse:
    """The matrix by which a loop's fixed point follows from its target, from forward and feedback weights."""

    leak: float

    def __call__(self, xp: ArrayModule, *weights: Array) -> Any:
        from neurosim.stability.inverse import inverse

        forward, feedback = weights
        return inverse(forward, feedback, self.leak, xp=xp)

    def __str__(self) -> str:
        return f"loop's inverse with a leak of {self.leak:g}"


@dataclass(frozen=True)
class PseudoInverse:
    """The Moore-Penrose inverse of forward weights."""

    def __call__(self, xp: ArrayModule, *weights: Array) -> Any:
        from neurosim.stability.inverse import pseudo_inverse

        return pseudo_inverse(weights[0], xp=xp)

    def __str__(self) -> str:
        return "pseudo-inverse"
