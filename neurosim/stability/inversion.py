"""Stability of the dynamic inversion of one layer in continuous time.

A layer's error x (n_pre) is found by a leaky controller u (n_post) that integrates the mismatch between what the
forward weights W (n_post x n_pre) make of x and the target, and reaches x through feedback B (n_pre x n_post):

    tau_u u' = -leak*u + W x - target,        tau_x x' = -x + B u

Mismatch is prediction minus target everywhere, so stable feedback is negative: B near -W^T. Podlaski & Machens
(2020), Biological credit assignment through dynamic inversion of feedforward networks, NeurIPS. Every eigenvalue mu of
W B gives two modes, ``(tau_x s + 1)(tau_u s + leak) = mu``; units that a layer has more than the other have modes of
their own, -1/tau_x or -leak/tau_u. Time constants and steps are in one unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import ConfigError
from neurosim.stability._arguments import checked_loop

#: Rounding error of the eigenvalues of a product, relative to the largest.
ROUNDING = 1e-12


@dataclass(frozen=True)
class LoopStability:
    """Whether a loop settles; true if it does.

    Attributes
    ----------
    stable
        All modes decay.
    marginal
        None grows, but some neither grow nor decay, up to rounding. Never both.
    eigenvalue
        The eigenvalue of W B whose modes decay slowest or grow fastest; zero for a neutral direction of surplus units.
    abscissa
        The rate of the slowest mode, one over the unit of the time constants; above zero it grows.
    remedy
        What is wrong and what would help; empty if stable.
    """

    stable: bool
    marginal: bool
    eigenvalue: complex
    abscissa: float
    remedy: str = ""

    def __bool__(self) -> bool:
        return self.stable


@checked_loop()
def loop_matrix(w: np.ndarray, b: np.ndarray, leak: float, *, tau_u: float = 1.0, tau_x: float = 1.0) -> np.ndarray:
    """The Jacobian of the loop, x before u: ``[[-I, B]/tau_x, [W, -leak*I]/tau_u]``.

    Parameters
    ----------
    w, b
        Forward weights, (n_post, n_pre), and feedback weights, (n_pre, n_post).
    leak
        Leak of the controller, 0 or above.
    tau_u, tau_x
        Time constants of the controller and of the error.

    Returns
    -------
    numpy.ndarray
        (n_pre + n_post, n_pre + n_post).

    Raises
    ------
    ConfigError
        Shapes that do not fit, or a leak or time constant out of range.
    """
    w, b = checked(w, b, leak, tau_u, tau_x)
    above, below = w.shape
    return np.block([[-np.eye(below) / tau_x, b / tau_x], [w / tau_u, -leak * np.eye(above) / tau_u]])


@checked_loop()
def product_eigenvalues(w: np.ndarray, b: np.ndarray) -> NDArray[np.complex128]:
    """The eigenvalues of W B without the zeros of surplus units, through the smaller of W B and B W; complex."""
    return np.linalg.eigvals(w @ b if w.shape[0] <= w.shape[1] else b @ w).astype(np.complex128)


@checked_loop()
def growth_rates(mu: np.ndarray, leak: float, *, tau_u: float = 1.0, tau_x: float = 1.0) -> NDArray[np.complex128]:
    """The slower mode of each eigenvalue of W B: the s of largest real part, complex, shape of `mu`."""
    damping, product = tau_u + leak * tau_x, tau_u * tau_x
    rest = leak - np.asarray(mu, dtype=np.complex128)
    # In this form of the quadratic formula nothing cancels where the mode is slow.
    return -2 * rest / (damping + np.sqrt(damping**2 - 4 * product * rest))


@checked_loop()
def abscissa(w: np.ndarray, b: np.ndarray, leak: float, *, tau_u: float = 1.0, tau_x: float = 1.0) -> float:
    """The largest real part of the eigenvalues of `loop_matrix`, which itself is never made.

    Parameters and errors as there.
    """
    w, b = checked(w, b, leak, tau_u, tau_x)
    rates = growth_rates(product_eigenvalues(w, b), leak, tau_u=tau_u, tau_x=tau_x).real
    return float(max(rates.max(), surplus_rate(w, leak, tau_u, tau_x)))


@checked_loop()
def is_stable(w: np.ndarray, b: np.ndarray, leak: float, *, tau_u: float = 1.0, tau_x: float = 1.0) -> LoopStability:
    """Whether the loop settles in continuous time.

    It does if for all eigenvalues ``p + iq`` of W B ``(tau_u + leak*tau_x)^2 (leak - p) > tau_u*tau_x*q^2``, and the
    leak is above zero where n_post > n_pre, because then units of the controller have no say on x.

    Parameters and errors as for `loop_matrix`.
    """
    w, b = checked(w, b, leak, tau_u, tau_x)
    mu = product_eigenvalues(w, b)
    gap = leak - mu.real - tau_u * tau_x * mu.imag**2 / (tau_u + leak * tau_x) ** 2
    small = ROUNDING * max(leak, float(np.abs(mu).max()))
    neutral = w.shape[0] > w.shape[1] and leak == 0
    rates = growth_rates(mu, leak, tau_u=tau_u, tau_x=tau_x).real
    worst, slowest = slowest_mode(mu, rates, surplus_rate(w, leak, tau_u, tau_x))
    if (gap > small).all() and not neutral:
        return LoopStability(True, False, worst, slowest)
    if (gap < -small).any():
        needed = leak_needed(mu, tau_u=tau_u, tau_x=tau_x)
        text = f"The loop grows at a rate of {slowest:.3g} (eigenvalue {shown(worst)} of W B). {_help(needed)}"
        return LoopStability(False, False, worst, slowest, text)
    if neutral:
        many = f"{w.shape[0] - w.shape[1]} of {w.shape[0]}"
        why = f"{many} directions of the controller are neutral, because the layer has more units than the one below"
        return LoopStability(False, True, 0j, slowest, f"Without a leak {why}. It needs a leak above 0.")
    text = f"The loop neither grows nor decays (eigenvalue {shown(worst)} of W B): it needs a leak above {leak:.3g}."
    return LoopStability(False, True, worst, slowest, text)


@checked_loop()
def leak_needed(mu: np.ndarray, *, tau_u: float = 1.0, tau_x: float = 1.0) -> float:
    """The smallest leak for stability: loops with these eigenvalues of W B are stable only above it.

    The largest root of the criterion in `is_stable`, by Newton's method from above, where it is convex.
    """
    p, q = np.real(mu), np.imag(mu)
    lowest = np.maximum(p, 0.0)
    leak = lowest + q**2 * tau_x / tau_u
    for _ in range(60):
        damping = tau_u + leak * tau_x
        value = damping**2 * (leak - p) - tau_u * tau_x * q**2
        slope = damping**2 + 2 * tau_x * damping * (leak - p)
        leak = np.maximum(leak - value / slope, lowest)
    return float(leak.max())


def checked(
    w: np.ndarray, b: np.ndarray, leak: float, tau_u: float = 1.0, tau_x: float = 1.0, dt: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """The weights in float64; errors as for `loop_matrix`."""
    w, b = np.asarray(w, dtype=float), np.asarray(b, dtype=float)
    if w.ndim != 2 or b.shape != w.shape[::-1]:
        raise ConfigError(
            f"feedback weights: got shape {b.shape} beside forward weights of shape {w.shape}, expected those reversed"
        )
    if not (np.isfinite(w).all() and np.isfinite(b).all()):
        raise ConfigError("weights: got numbers that are not finite")
    if not (leak >= 0 and np.isfinite(leak)):
        raise ConfigError(f"leak: got {leak}, expected 0 or a number above it")
    for name, value in (("tau_u", tau_u), ("tau_x", tau_x), ("dt", dt)):
        if not (value > 0 and np.isfinite(value)):
            raise ConfigError(f"{name}: got {value}, expected a number above 0")
    return w, b


def surplus_rate(w: np.ndarray, leak: float, tau_u: float, tau_x: float) -> float:
    """The rate of the modes of surplus units, which only the larger layer has."""
    above, below = w.shape
    return -np.inf if above == below else -1 / tau_x if above < below else -leak / tau_u


def slowest_mode(mu: np.ndarray, rates: np.ndarray, surplus: float) -> tuple[complex, float]:
    """The eigenvalue of largest rate, and the rate; zero for surplus units."""
    index = int(np.argmax(rates))
    return (complex(mu[index]), float(rates[index])) if rates[index] >= surplus else (0j, float(surplus))


def shown(mu: complex) -> str:
    """An eigenvalue in text."""
    return f"{mu.real:.3g}" if mu.imag == 0 else f"{mu.real:.3g} {'-' if mu.imag < 0 else '+'} {abs(mu.imag):.3g}i"


def _help(leak: float) -> str:
    return (
        f"It needs a leak above {leak:.3g}, or other feedback: the negative transpose of the forward weights, "
        "or this feedback stabilised."
    )
