"""Fixed points of feedback weights, and rates of convergence, for constant forward weights: closed forms by rule.

Feedback weights B (n x m) beside forward weights W (m x n); x is the activity below, of covariance C (n x n), and y
that above. For y = f(z), z = W x + b, and Gaussian x, ``<x y^T> = C W^T D`` with D the mean slopes <f'(z_j)> (Stein
1981, Annals of Statistics 9:1135). Coefficients are those of the half-normalised primitives of Kunin,
Nayebi, Sagastuy-Brena, Ganguli, Bloom & Yamins (2020), ICML.
"""

from __future__ import annotations

import math

import numpy as np

from neurosim.stability._arguments import checked_feedback


@checked_feedback()
def weight_mirror_gain(amp: float, decay: float, variance: float, slope: float = 1.0) -> float:
    """The scale at which a layer's weight mirror settles, relative to the transposed weights, for white noise below.

    In a network the error that reaches a depth is scaled by the product of these over the layers above it.

    Parameters
    ----------
    amp, decay
        Coefficients.
    variance
        Variance of the noise.
    slope
        Mean slope of the units above.
    """
    return amp * variance / decay * slope


@checked_feedback()
def mirror_weights(cross: np.ndarray, power: np.ndarray, *, amp: float, decay: float, null: float = 0.0) -> np.ndarray:
    """The fixed point of ``B' = amp <x y^T> - null B <y y^T> - decay B``, (n, m).

    Without `null` the weight mirror; with it information alignment, a ridge pseudo-inverse of W.

    Parameters
    ----------
    cross, power
        ``<x y^T>``, (n, m), and ``<y y^T>``, (m, m).
    """
    return amp * np.linalg.solve(null * power + decay * np.eye(len(power)), cross.T).T


@checked_feedback()
def activation_weights(
    cross: np.ndarray, covariance: np.ndarray, *, amp: float, sparse: float, start: np.ndarray
) -> np.ndarray:
    """The fixed point of ``B' = amp <x y^T> - sparse <x x^T> B``, (n, m).

    For equal coefficients that is least squares of y on x.

    Parameters
    ----------
    cross, covariance
        ``<x y^T>``, (n, m), and ``<x x^T>``, (n, n).
    start
        The initial weights, which stay where there is no activity.
    """
    inverse = np.linalg.pinv(covariance, rcond=1e-10, hermitian=True)
    return amp / sparse * inverse @ cross + start - inverse @ (covariance @ start)


@checked_feedback()
def sampling_angle(inputs: int, samples: float) -> float:
    """The angle in degrees between the mean of `samples` products of white noise and response, and W^T.

    ``tan = sqrt((n + 1)/N)`` for linear units: a product's variance is (n + 1)/n times the square of the matrix.
    For a leaky average over batches of b at a rate e, N is ``b(2 - e)/e``.
    """
    return math.degrees(math.atan(math.sqrt((inputs + 1) / samples)))


@checked_feedback()
def estimation_noise(learning_rate: float, sigma: float, contraction: float) -> float:
    """The standard deviation of weights that each update disturbs by ``learning_rate*sigma``.

    ``learning_rate*sigma/sqrt(k(2 - k))``, which is ``lr*sigma/sqrt(2k)`` where little of the distance to the goal is
    closed at a step.

    Parameters
    ----------
    contraction
        k, the fraction of that distance that an update closes.
    """
    return learning_rate * sigma / math.sqrt(contraction * (2 - contraction))


@checked_feedback()
def membrane_gain(tau_noise: float, tau_m: float, *, delay: float = 0.0) -> float:
    """Covariance of Ornstein-Uhlenbeck noise with the potential it drives, over its variance.

    Parameters
    ----------
    tau_noise, tau_m
        Correlation time of the noise and time constant of the membrane, in one unit.
    delay
        Delay of the conduction, in the same unit.
    """
    return tau_noise / (tau_noise + tau_m) * math.exp(-delay / tau_noise)


@checked_feedback()
def matched_gain(tau_noise: float, tau_m: float, *, delay: float = 0.0) -> float:
    """As `membrane_gain`, with the noise seen through a filter like the membrane: the autocovariance of the two.

    ``(tau_x exp(-d/tau_x) - tau_m exp(-d/tau_m)) tau_x/(tau_x^2 - tau_m^2)``, and for equal time constants
    ``(1 + d/tau) exp(-d/tau)/2``.
    """
    if math.isclose(tau_noise, tau_m, rel_tol=1e-6):
        return 0.5 * (1 + delay / tau_m) * math.exp(-delay / tau_m)
    gone = tau_noise * math.exp(-delay / tau_noise) - tau_m * math.exp(-delay / tau_m)
    return tau_noise * gone / (tau_noise**2 - tau_m**2)
