"""Repair of feedback: descent on the spectral abscissa of a dynamic inversion's loop.

The derivative of an eigenvalue from its left and right eigenvectors. Podlaski & Machens (2020) call their optimiser a
smoothed spectral abscissa (Vanbiervliet et al. 2009, SIAM Journal on Optimization 20:156), but shift it by nothing, so
that it is this gradient: that of the abscissa itself, without smoothing or normalisation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.errors import ConfigError
from neurosim.stability._arguments import checked_loop
from neurosim.stability.inversion import abscissa, checked, growth_rates, is_stable


@dataclass(frozen=True, eq=False)
class Stabilised:
    """The result of a repair.

    Attributes
    ----------
    feedback
        B, (n_pre, n_post), after the last step.
    succeeded
        Whether the loop is stable with it.
    abscissa
        Abscissa of the loop with it.
    steps
        How many were taken.
    """

    feedback: np.ndarray
    succeeded: bool
    abscissa: float
    steps: int


@checked_loop()
def abscissa_gradient(
    w: np.ndarray, b: np.ndarray, leak: float, *, tau_u: float = 1.0, tau_x: float = 1.0
) -> tuple[float, np.ndarray]:
    """The rate of the slowest mode that feedback moves, and its gradient with respect to the feedback weights.

    With eigenvectors of the smaller of W B and B W, ``d mu = l W dB r`` or ``l dB W r``, and
    ``ds/dmu = 1/(2 tau_u tau_x s + tau_u + leak*tau_x)``.

    Parameters
    ----------
    w, b
        Forward weights, (n_post, n_pre), and feedback weights, (n_pre, n_post).
    leak, tau_u, tau_x
        As in `inversion.loop_matrix`.

    Returns
    -------
    float, numpy.ndarray
        Modes of surplus units are left out of the rate. The gradient is (n_pre, n_post), and not finite where two
        modes meet.
    """
    contracting = w.shape[0] <= w.shape[1]
    mu, vectors = np.linalg.eig(w @ b if contracting else b @ w)
    rates = growth_rates(mu, leak, tau_u=tau_u, tau_x=tau_x)
    worst = int(np.argmax(rates.real))
    right = vectors[:, worst]
    try:
        # A row of the inverse, so that left and right vector multiply to one.
        left = np.linalg.solve(vectors.T, np.eye(len(mu))[worst])
    except np.linalg.LinAlgError:
        return float(rates[worst].real), np.full(b.shape, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = 1 / (2 * tau_u * tau_x * rates[worst] + tau_u + leak * tau_x)
        outer = np.outer(left @ w, right) if contracting else np.outer(left, w @ right)
        return float(rates[worst].real), (slope * outer).real


@checked_loop()
def stabilised(
    w: np.ndarray,
    b: np.ndarray,
    leak: float,
    *,
    rate: float = 0.05,
    steps_min: int = 10,
    steps_max: int = 200,
    margin: float = 0.01,
    tau_u: float = 1.0,
    tau_x: float = 1.0,
) -> Stabilised:
    """Move feedback weights down the gradient of the abscissa until the loop is stable.

    Parameters
    ----------
    w, b
        Forward weights, (n_post, n_pre), and the feedback weights to begin with, (n_pre, n_post); neither is changed.
    leak, tau_u, tau_x
        As in `inversion.loop_matrix`.
    rate
        Rate of the descent. The defaults are those published for linear regression.
    steps_min, steps_max
        At least and at most so many steps.
    margin
        Between these it goes on until modes that feedback moves decay at least at this rate.

    Returns
    -------
    Stabilised
        With `succeeded` false if steps were not enough, or weights stopped being finite.

    Raises
    ------
    ConfigError
        As for `inversion.loop_matrix`; numbers out of range; or a layer that no feedback stabilises, because it is
        expanding (n_post > n_pre) and has no leak.
    """
    w, b = checked(w, b, leak, tau_u, tau_x)
    if w.shape[0] > w.shape[1] and leak == 0:
        raise ConfigError(
            f"leak: got 0 for {w.shape[0]} units above {w.shape[1]}, which no feedback stabilises; expected a leak "
            "above 0"
        )
    if not rate > 0 or not 0 <= steps_min <= steps_max or not margin >= 0:
        raise ConfigError(
            f"repair: got rate {rate}, steps from {steps_min} to {steps_max} and margin {margin}, expected a rate "
            "above 0, rising numbers of steps, and a margin of 0 or above"
        )
    b = b.copy()
    steps = 0
    for steps in range(steps_max + 1):
        slowest, gradient = abscissa_gradient(w, b, leak, tau_u=tau_u, tau_x=tau_x)
        enough = steps >= steps_min and slowest <= -margin
        if enough or steps == steps_max or not np.isfinite(gradient).all():
            break
        b -= rate * gradient
        if not np.isfinite(b).all():
            return Stabilised(b, False, np.inf, steps + 1)
    current = abscissa(w, b, leak, tau_u=tau_u, tau_x=tau_x)
    return Stabilised(b, bool(is_stable(w, b, leak, tau_u=tau_u, tau_x=tau_x)), current, steps)
