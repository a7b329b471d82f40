"""Stability of dynamic inversion in discrete time: of the loop of `inversion` in its time steps."""

from __future__ import annotations

from typing import Literal

import numpy as np

from neurosim.errors import ConfigError
from neurosim.stability._arguments import checked_loop
from neurosim.stability.inversion import (
    ROUNDING,
    LoopStability,
    checked,
    growth_rates,
    is_stable,
    product_eigenvalues,
    shown,
    slowest_mode,
)

#: ``controller_first``: the new u moves x (as published). ``together``: both move from the old state (plain Euler).
Order = Literal["controller_first", "together"]


@checked_loop()
def is_stable_in_steps(
    w: np.ndarray,
    b: np.ndarray,
    leak: float,
    dt: float,
    *,
    tau_u: float = 1.0,
    tau_x: float = 1.0,
    order: Order = "controller_first",
) -> LoopStability:
    """Whether the loop settles when it is integrated by Euler's method.

    The spectral radius of a step, from the two by two step matrix of every eigenvalue of W B. It may be below one
    where the loop is unstable in continuous time: moving the controller first damps.

    Parameters
    ----------
    w, b, leak, tau_u, tau_x
        As for `loop_matrix`.
    dt
        The time step.
    order
        What is advanced first. Advancing x first instead of u has the same modes.

    Returns
    -------
    Verdict
        Its `abscissa` is the logarithm of the spectral radius over `dt`.

    Raises
    ------
    ConfigError
        As for `loop_matrix`, or a time step that is not above zero.
    """
    w, b = checked(w, b, leak, tau_u, tau_x, dt)
    mu = product_eigenvalues(w, b)
    sizes = step_radii(mu, leak, dt, tau_u=tau_u, tau_x=tau_x, order=order)
    above, below = w.shape
    surplus = 0.0 if above == below else abs(1 - dt / tau_x) if above < below else abs(1 - dt * leak / tau_u)
    with np.errstate(divide="ignore"):
        worst, rate = slowest_mode(mu, np.log(sizes) / dt, float(np.log(surplus)) / dt)
    largest = max(float(sizes.max()), surplus)
    if largest < 1 - ROUNDING:
        return LoopStability(True, False, worst, rate)
    marginal = largest <= 1 + ROUNDING
    limit = largest_step_stable(w, b, leak, tau_u=tau_u, tau_x=tau_x, order=order)
    if limit > 0:
        how = "neither grow nor decay" if marginal else "grow"
        what = f"Steps of {dt:.3g} {how} (eigenvalue {shown(worst)} of W B): a time step below {limit:.3g} is needed"
        text = f"{what}, a slower controller, or smaller feedback."
    else:
        text = is_stable(w, b, leak, tau_u=tau_u, tau_x=tau_x).remedy
    return LoopStability(False, marginal, worst, rate, text)


@checked_loop()
def largest_step_stable(
    w: np.ndarray,
    b: np.ndarray,
    leak: float,
    *,
    tau_u: float = 1.0,
    tau_x: float = 1.0,
    order: Order = "controller_first",
) -> float:
    """The time step below which all steps are stable; zero if the loop is not stable in continuous time.

    Plain Euler: ``min -2 Re(s)/|s|^2`` over all modes. Controller first: a step has determinant D, which is real, and
    trace T, and is stable while T lies within the ellipse with half axes 1 + D and 1 - D; in the step length that is
    a polynomial of degree four for every eigenvalue of W B. For real eigenvalues and no leak the limits are
    ``-1/mu`` (mu < -1/4) and ``(4 - 2 dt)/dt^2 = -mu``.

    Parameters and errors as for `is_stable_in_steps`.
    """
    w, b = checked(w, b, leak, tau_u, tau_x)
    if not is_stable(w, b, leak, tau_u=tau_u, tau_x=tau_x):
        return 0.0
    mu = product_eigenvalues(w, b)
    above, below = w.shape
    limit = np.inf if above == below else 2 * tau_x if above < below else 2 * tau_u / leak
    if order == "together":
        first = growth_rates(mu, leak, tau_u=tau_u, tau_x=tau_x)
        modes = np.concatenate([first, -(leak / tau_u + 1 / tau_x) - first])
        return float(min(limit, (-2 * modes.real / np.abs(modes) ** 2).min()))
    speed, decay = 1 / (tau_u * tau_x), leak / tau_u + 1 / tau_x
    # In the step length d, divided by d^4: (1 - D)^2 (1 + D - T)(1 + D + T) - (imaginary part of T)^2 (1 + D)^2.
    p, q, one = mu.real, mu.imag, np.ones(len(mu))
    damping = np.array([decay**2, -2 * decay * leak * speed, (leak * speed) ** 2])
    swing = np.stack([4 * one, -2 * decay * one, (leak + p) * speed])
    other = np.convolve([2, -decay, leak * speed], [2, -decay, leak * speed])
    rising = np.zeros((5, len(mu)))
    for i in range(3):
        rising[i : i + 3] += damping[i] * swing * (leak - p)
    rising -= speed * q**2 * other[:, None]
    # Roots in 1/d, whose polynomial has the criterion of continuous time as its leading coefficient.
    companion = np.zeros((len(mu), 4, 4))
    companion[:, 0] = -(rising[1:] / rising[0]).T
    companion[:, [1, 2, 3], [0, 1, 2]] = 1
    roots = np.linalg.eigvals(companion)
    real = np.abs(roots.imag) <= 1e-6 * np.abs(roots)
    fastest = float(np.where(real, roots.real, 0.0).max())
    return float(min(limit, 1 / fastest if fastest > 0 else np.inf))


@checked_loop()
def step_radii(
    mu: np.ndarray,
    leak: float,
    dt: float,
    *,
    stages: int = 1,
    tau_u: float = 1.0,
    tau_x: float = 1.0,
    order: Order = "controller_first",
) -> np.ndarray:
    """The spectral radius of a step for each eigenvalue of the product of all weights around a loop.

    `stages` populations follow each other between the controller and the mismatch: one in the loop of one layer.
    """
    mu = np.asarray(mu, dtype=np.complex128)
    size = stages + 1
    rates = np.zeros((len(mu), size, size), dtype=np.complex128)
    rates[:, 0, 0] = -leak / tau_u
    rates[:, 0, stages] += 1 / tau_u
    for row in range(1, size):
        rates[:, row, row] = -1 / tau_x
        rates[:, row, row - 1] = mu / tau_x if row == 1 else 1 / tau_x
    step = np.broadcast_to(np.eye(size, dtype=np.complex128), rates.shape)
    if order == "together":
        step = step + dt * rates
    elif order == "controller_first":
        for row in range(size):
            step = step + dt * np.eye(size)[:, [row]] * (rates[:, [row]] @ step)
    else:
        raise ConfigError(f"order: got {order!r}, expected 'controller_first' or 'together'")
    return np.abs(np.linalg.eigvals(step)).max(axis=1)
