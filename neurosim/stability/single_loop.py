"""Single-loop dynamic inversion: one controller at the output, all hidden layers within its loop.

Feedback B (n_1 x n_L) reaches the first hidden layer, and the forward weights drive the layers above it:

    tau_x x_1' = -x_1 + B u,    tau_x x_l' = -x_l + W_l x_(l-1),    tau_u u' = -leak*u + W_L x_(L-1) - target

Every eigenvalue mu of W_L ... W_2 B gives modes ``(tau_x s + 1)^N (tau_u s + leak) = mu``, N the number of hidden
layers (`stages`). Signs as in `inversion`. Podlaski & Machens (2020), NeurIPS.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurosim.errors import ConfigError
from neurosim.stability._arguments import checked_loop
from neurosim.stability.inverse import chained
from neurosim.stability.inversion import ROUNDING, LoopStability, checked
from neurosim.stability.inversion_steps import Order, step_radii


@checked_loop()
def single_loop_matrix(
    ws: Sequence[np.ndarray], b: np.ndarray, leak: float, *, tau_u: float = 1.0, tau_x: float = 1.0
) -> np.ndarray:
    """The Jacobian of the loop, x_1 to x_(L-1) before u, for W_2 to W_L and B of shape (n_1, n_L)."""
    checked(chained(ws), b, leak, tau_u, tau_x)
    sizes = [b.shape[0], *(w.shape[0] for w in ws)]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    matrix = np.zeros((starts[-1], starts[-1]))
    for place, (w, size) in enumerate(zip(ws, sizes[1:], strict=True), start=1):
        here, below = slice(starts[place], starts[place] + size), slice(starts[place - 1], starts[place])
        matrix[here, below] = w
    matrix[: sizes[0], starts[-2] :] = b
    matrix -= np.diag(np.concatenate([np.ones(starts[-2]), np.full(sizes[-1], leak)]))
    matrix[: starts[-2]] /= tau_x
    matrix[starts[-2] :] /= tau_u
    return matrix


@checked_loop()
def single_loop_eigenvalues(ws: Sequence[np.ndarray], b: np.ndarray) -> np.ndarray:
    """The eigenvalues of W_L ... W_2 B, (n_L,), complex."""
    return np.linalg.eigvals(chained(ws) @ b).astype(np.complex128)


@checked_loop()
def single_loop_abscissa(
    product_eigenvalues: np.ndarray, stages: int, leak: float, *, tau_u: float = 1.0, tau_x: float = 1.0
) -> float:
    """The largest real part of all roots s of ``(tau_x s + 1)^stages (tau_u s + leak) = mu``.

    For the modes that reach the output; the others decay at 1/tau_x.

    Parameters
    ----------
    product_eigenvalues
        The mu, (n,).
    stages
        The number of hidden layers.
    leak, tau_u, tau_x
        As in `inversion.loop_matrix`.
    """
    return float(_rates(np.asarray(product_eigenvalues, dtype=np.complex128), stages, leak, tau_u, tau_x).max())


@checked_loop()
def single_loop_bound(
    stages: int, leak: float, *, tau_u: float = 1.0, tau_x: float = 1.0, angle: np.ndarray | float = np.pi
) -> np.ndarray:
    """The bound of an eigenvalue by its angle: the loop is stable if and only if all eigenvalues are below theirs.

    The first crossing of the imaginary axis, ``s = i*omega`` with
    ``stages*atan(omega*tau_x) + atan2(omega*tau_u, leak) = |angle|``. For real negative eigenvalues and equal time
    constants there is none with one stage, ``2 (1 + leak)^2`` with two, and without leak 8/9 with three.

    Parameters
    ----------
    stages, leak, tau_u, tau_x
        As for `single_loop_abscissa`.
    angle
        Angle of the eigenvalue in the complex plane, in radians, -pi to pi; real negative by default.

    Returns
    -------
    numpy.ndarray
        In the shape of `angle`; infinite where no eigenvalue is too large.
    """
    if stages < 1:
        raise ConfigError(f"stages: got {stages}, expected at least one hidden layer")
    angle = np.abs(np.asarray(angle, dtype=float))
    # Bisection in the phase of one stage: the phase of the whole loop rises with it.
    low, high = np.zeros_like(angle), np.full_like(angle, np.pi / 2)
    for _ in range(200):
        middle = (low + high) / 2
        beyond = stages * middle + np.arctan2(np.tan(middle) * tau_u, leak * tau_x) > angle
        low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
    omega = np.tan(low) / tau_x
    bound = (1 + (omega * tau_x) ** 2) ** (stages / 2) * np.hypot(omega * tau_u, leak)
    return np.where(angle >= (stages + 1) * np.pi / 2, np.inf, bound)


@checked_loop()
def single_loop_is_stable(
    ws: Sequence[np.ndarray],
    b: np.ndarray,
    leak: float,
    dt: float | None = None,
    *,
    tau_u: float = 1.0,
    tau_x: float = 1.0,
    order: Order = "controller_first",
) -> LoopStability:
    """Whether the loop settles, in continuous time or in steps of `dt`.

    Parameters
    ----------
    ws, b
        Forward weights W_2 to W_L and feedback weights, (n_1, n_L).
    leak, tau_u, tau_x
        As in `inversion.loop_matrix`.
    dt, order
        For Euler's method. Advancing the layers first and the controller last, as published, has the same modes as
        ``controller_first``. It damps: with two hidden layers and steps of half a time constant real negative
        eigenvalues may be as large as 6, in continuous time 2.

    Returns
    -------
    Verdict
        See `inversion.Verdict`; the eigenvalue is one of W_L ... W_2 B.

    Raises
    ------
    ConfigError
        Shapes that do not fit, or numbers out of range.
    """
    checked(chained(ws), b, leak, tau_u, tau_x, 1.0 if dt is None else dt)
    mu, stages = single_loop_eigenvalues(ws, b), len(ws)
    # Decays below this cannot be told from zero, for rounding; leak and feedback set the slowest rates.
    small = ROUNDING * max(leak, float(np.abs(mu).max())) / tau_u
    if dt is None:
        rates = _rates(mu, stages, leak, tau_u, tau_x)
    else:
        with np.errstate(divide="ignore"):
            rates = np.log(step_radii(mu, leak, dt, stages=stages, tau_u=tau_u, tau_x=tau_x, order=order)) / dt
        small += ROUNDING / dt
    index = int(np.argmax(rates))
    worst, rate = complex(mu[index]), float(rates[index])
    # Modes of surplus units of the hidden layers decay at 1/tau_x, in steps unless these are too long.
    surplus = any(w.shape[1] > b.shape[1] for w in ws)
    too_long = surplus and dt is not None and dt >= 2 * tau_x
    if rate < -small and not too_long:
        return LoopStability(True, False, worst, rate)
    if too_long:
        assert dt is not None
        rate = max(rate, float(np.log(abs(1 - dt / tau_x))) / dt)
    return LoopStability(
        False, abs(rate) <= small, worst, rate, _remedy(mu, stages, leak, dt, tau_u, tau_x, worst, rate)
    )


def _rates(mu: np.ndarray, stages: int, leak: float, tau_u: float, tau_x: float) -> np.ndarray:
    """The largest real part for each eigenvalue."""
    polynomial = np.array([tau_u, leak], dtype=np.complex128)
    for _ in range(stages):
        polynomial = np.convolve(polynomial, [tau_x, 1])
    companion = np.zeros((len(mu), stages + 1, stages + 1), dtype=np.complex128)
    below = np.arange(stages)
    companion[:, below + 1, below] = 1
    companion[:, 0] = -polynomial[1:] / polynomial[0]
    companion[:, 0, -1] += mu / polynomial[0]
    return np.linalg.eigvals(companion).real.max(axis=1)


def _remedy(
    mu: np.ndarray, stages: int, leak: float, dt: float | None, tau_u: float, tau_x: float, worst: complex, rate: float
) -> str:
    with np.errstate(divide="ignore"):
        room = single_loop_bound(stages, leak, tau_u=tau_u, tau_x=tau_x, angle=np.angle(mu)) / np.abs(mu)
    ratio = float(room.min())
    what = f"The single loop does not settle (rate {rate:.3g}, eigenvalue {worst:.3g} of W_L ... W_2 B). "
    if dt is not None and ratio > 1:
        return what + f"Steps of {dt:.3g} are too long: a smaller time step, or smaller feedback, is needed."
    if 0 < ratio < np.inf:
        return what + (
            f"Feedback has to be multiplied by less than {ratio:.3g}, or the controller be slower "
            f"(its time constant is {tau_u:.3g})."
        )
    return what + "No size of this feedback is stable: it needs more leak, or negative feedback such as -B_1 B_2."
