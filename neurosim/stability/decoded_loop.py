"""The fixed point of a loop whose numbers are carried by populations that send rates instead of spikes.

What remains between this and the exact fixed point is what the populations distort; what a simulation adds to it is
the noise of spikes. The loop is that of `inversion`, the populations those of `population_code`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurosim.stability._arguments import checked_loop
from neurosim.stability.inversion import checked
from neurosim.stability.population_code import PopulationCode

# Number of steps towards the fixed point, and the fraction of the way of the first ones.
_STEPS, _FIRST, _SLOWER = 200, 0.3, 20
# The mismatch that may remain, as a share of the target's length. Rates rise steeply just above threshold, so that a
# number can rest where no other number that a computer knows is nearer to balance.
_ARRIVED = 0.05


class Decoded:
    """Numbers decoded from the rates of their populations.

    Attributes
    ----------
    codes
        One for each number.
    ranges
        (n,), the size of each number that is 1 to its population.
    tau
        Time constant of the filter by which spikes are read, in seconds.
    """

    def __init__(self, codes: Sequence[PopulationCode], ranges: np.ndarray, tau: float) -> None:
        self.codes, self.ranges = tuple(codes), np.asarray(ranges, dtype=float)
        self.decoders = [code.decoder(tau) for code in codes]

    def read(self, numbers: np.ndarray) -> np.ndarray:
        """The decoded values of `numbers`; both (trial, n)."""
        scaled = numbers / self.ranges
        decoded = [c.rates(part) @ d for c, part, d in zip(self.codes, scaled.T, self.decoders, strict=True)]
        return np.stack(decoded, axis=-1) * self.ranges


@checked_loop()
def decoded_fixed_point(
    w: np.ndarray, b: np.ndarray, leak: float, targets: np.ndarray, controller: Decoded, error: Decoded
) -> np.ndarray:
    """The error x with ``x = B read(u)`` and ``leak u = W read(x) - target``.

    Steps are those that would lead there if nothing were distorted, ever smaller parts of them; the best is kept.

    Parameters
    ----------
    w, b
        Forward weights, (n_post, n_pre), and feedback weights, (n_pre, n_post).
    leak
        Leak of the controller, above 0.
    targets
        (trial, n_post).
    controller, error
        How u and x are read.

    Returns
    -------
    numpy.ndarray
        (trial, n_pre); not a number in trials in which more than a twentieth of the target remains as a mismatch.
    """
    w, b = checked(w, b, leak)
    undistorted = np.linalg.inv(w @ b - leak * np.eye(len(w))).T
    u = best = targets @ undistorted
    least = np.full((len(targets), 1), np.inf)
    for step in range(_STEPS):
        mismatch = error.read(controller.read(u) @ b.T) @ w.T - leak * u - targets
        left = np.linalg.norm(mismatch, axis=-1, keepdims=True)
        best, least = np.where(left < least, u, best), np.minimum(left, least)
        u = u - _FIRST / (1 + step / _SLOWER) * mismatch @ undistorted
    arrived = least <= _ARRIVED * np.linalg.norm(targets, axis=-1, keepdims=True)
    return np.where(arrived, controller.read(best) @ b.T, np.nan)
