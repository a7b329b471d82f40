"""Weight mirror and information alignment when forward weights receive the same primitives: the symmetrised flow.

For linear units the two populations' weights, forward W (m x n) and feedback B (n x m), descend one potential::

    R = -amp tr(B W C) + null/2 tr(B W C W^T B^T) + decay/2 (|W|^2 + |B|^2),

with C the covariance of the activity below. Without `null` it is the weight mirror, whose linear flow decays or grows
without bound. With `null` it is information alignment, which settles: Kunin, Nayebi, Sagastuy-Brena, Ganguli, Bloom &
Yamins (2020), ICML. The potential is from Kunin, Bloom, Goeva & Seed (2019), ICML. White activity keeps modes apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.integrate import solve_ivp

from neurosim.border import check_fields, set_fields, whole
from neurosim.border.arguments import ARRAY, NUMBER
from neurosim.errors import ConfigError

Kind = Literal["stable node", "saddle", "unstable node", "line of neutral points", "stable up to rotation", "marginal"]
# Eigenvalues below this fraction of the flow's own rates are zero.
_ZERO = 1e-9


@dataclass(frozen=True, eq=False)
class FixedPoint:
    """A fixed point of the weights.

    Attributes
    ----------
    forward, feedback
        The weights: numbers, or ``(m, n)`` and ``(n, m)``.
    eigenvalues
        Eigenvalues of the flow's Jacobian, rising; real, because the flow descends a potential.
    directions
        Their eigenvectors as columns: forward weights first, then feedback weights, each row by row.
    kind
        ``line of neutral points``: it is one of a line of them; ``stable up to rotation``: rotations of the units above
        are fixed points, too; ``marginal``: the linearisation does not decide.
    """

    forward: np.ndarray
    feedback: np.ndarray
    eigenvalues: np.ndarray
    directions: np.ndarray
    kind: Kind


@dataclass(frozen=True)
class ScalarFlow:
    """One singular mode: a forward weight w and a feedback weight b.

    Attributes
    ----------
    amp, null, decay
        Coefficients of the primitives, in their half-normalised form; without `null` it is the weight mirror.
    variance
        Variance of the activity below.

    Raises
    ------
    ConfigError
        A coefficient below zero, or `amp` or `variance` that are not above it.
    """

    amp: float
    decay: float
    null: float = 0.0
    variance: float = 1.0

    def __post_init__(self) -> None:
        check_fields(self, amp=NUMBER, decay=NUMBER, null=NUMBER, variance=NUMBER)
        _check(self.amp, self.decay, self.null)
        if not self.variance > 0:
            raise ConfigError(f"variance: got {self.variance}, expected a number above 0")

    @property
    def growth_rate(self) -> float:
        """The growth rate of weights near zero along w = b: ``amp*variance - decay``."""
        return self.amp * self.variance - self.decay

    def field(self, w: np.ndarray | float, b: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """The rates of change of `w` and `b`, arrays of one shape."""
        w, b = np.asarray(w, dtype=float), np.asarray(b, dtype=float)
        drive, product = self.amp * self.variance, self.null * self.variance * w * b
        return drive * b - product * b - self.decay * w, drive * w - product * w - self.decay * b

    def jacobian(self, w: float, b: float) -> np.ndarray:
        """The derivative of `field` at a point, (2, 2)."""
        strength = self.null * self.variance
        across = self.amp * self.variance - 2 * strength * w * b
        return np.array([[-strength * b**2 - self.decay, across], [across, -strength * w**2 - self.decay]])

    def nullcline(self, other: np.ndarray | float) -> np.ndarray:
        """The nullcline of w, as w given b; by symmetry also that of b, given w.

        Not a number where that is the case for no value, or for all.
        """
        other = np.asarray(other, dtype=float)
        below = self.null * self.variance * other**2 + self.decay
        return self.amp * self.variance * other / np.where(below > 0, below, np.nan)

    def fixed_points(self) -> tuple[FixedPoint, ...]:
        """Zero, and with `null` above threshold the pair ``w = b = +-sqrt((amp*v - decay)/(null*v))``.

        One point stands for a line of neutral points: zero where the weight mirror's growth equals its decay (the
        line w = b), the pair where there is no decay (the hyperbola ``w*b = amp/null``).
        """
        points = [self._point(0.0)]
        if self.null > 0 and self.growth_rate > 0:
            size = np.sqrt(self.growth_rate / (self.null * self.variance))
            points += [self._point(size), self._point(-size)]
        return tuple(points)

    def trajectory(self, start: tuple[float, float], times: np.ndarray, *, reach: float = np.inf) -> np.ndarray:
        """Follow the flow.

        Parameters
        ----------
        start
            w and b at the first of `times`.
        times
            Rising, in units of one over the coefficients.
        reach
            Stop where a weight is larger than this.

        Returns
        -------
        array
            (time, 2), shorter than `times` if stopped.
        """

        def leaves(_: float, weights: np.ndarray) -> float:
            return reach - float(np.max(np.abs(weights)))

        leaves.terminal = True  # type: ignore[attr-defined]
        solution = solve_ivp(
            lambda _, weights: np.array(self.field(*weights)),
            (times[0], times[-1]),
            start,
            t_eval=times,
            events=leaves if np.isfinite(reach) else None,
            rtol=1e-9,
            atol=1e-12,
        )
        return solution.y.T

    def _point(self, size: float) -> FixedPoint:
        values, directions = np.linalg.eigh(self.jacobian(size, size))
        rate = self.amp * self.variance + self.decay
        # The flat direction is a line of fixed points if nothing of higher order bends the potential along it.
        line = self.null == 0 or (self.decay == 0 and size != 0)
        kind = _kind(values, rate, "line of neutral points" if line else "marginal")
        return FixedPoint(np.array(size), np.array(size), values, directions, kind)


@dataclass(frozen=True, eq=False)
class MatrixFlow:
    """All weights between n units below and m above, for activity below of any covariance.

    Attributes
    ----------
    amp, null, decay
        As for `ScalarFlow`.
    covariance
        C, (n, n), symmetric and without negative eigenvalues.
    outputs
        m.

    Raises
    ------
    ConfigError
        As for `ScalarFlow`, or a covariance that is none.
    """

    amp: float
    decay: float
    covariance: np.ndarray
    outputs: int
    null: float = 0.0

    def __post_init__(self) -> None:
        check_fields(self, amp=NUMBER, decay=NUMBER, null=NUMBER, covariance=ARRAY, outputs=whole(0))
        _check(self.amp, self.decay, self.null)
        matrix = np.array(self.covariance, dtype=float)
        if matrix.ndim != 2 or not np.allclose(matrix, matrix.T) or np.linalg.eigvalsh(matrix)[0] < -1e-9:
            raise ConfigError(
                f"covariance: got an array of shape {matrix.shape}, expected a symmetric matrix without negative "
                "eigenvalues"
            )
        if self.outputs < 1:
            raise ConfigError(f"outputs: got {self.outputs}, expected at least 1")
        set_fields(self, covariance=matrix)

    @property
    def modes(self) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues of the covariance, falling, and its eigenvectors as columns in that order."""
        values, vectors = np.linalg.eigh(self.covariance)
        return values[::-1], vectors[:, ::-1]

    @property
    def growth_rates(self) -> np.ndarray:
        """The growth rate of weights near zero along each of `modes`: ``amp*lambda_i - decay``, (n,)."""
        return self.amp * self.modes[0] - self.decay

    @property
    def sizes(self) -> np.ndarray:
        """The singular values at the stable point, falling, (m,): ``s_i^2 = amp/null - decay/(null*lambda_i)``.

        For the largest eigenvalues, as many as there are units above or modes that grow; the rest is zero. Not finite
        where the weight mirror grows.
        """
        values, sizes = self.modes[0], np.zeros(self.outputs)
        grows = np.flatnonzero(self.growth_rates[: self.outputs] > 0)
        if self.null == 0:
            sizes[grows] = np.inf
        else:
            sizes[grows] = np.sqrt((self.amp - self.decay / values[grows]) / self.null)
        return sizes

    def field(self, forward: np.ndarray, feedback: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The rates of change of W, ``(..., m, n)``, and B, ``(..., n, m)``."""
        passed = forward @ self.covariance
        product = feedback @ passed
        up, down = np.swapaxes(feedback, -1, -2), np.swapaxes(forward, -1, -2)
        return (
            self.amp * up @ self.covariance - self.null * up @ product - self.decay * forward,
            self.amp * np.swapaxes(passed, -1, -2) - self.null * product @ down - self.decay * feedback,
        )

    def jacobian(self, forward: np.ndarray, feedback: np.ndarray) -> np.ndarray:
        """The derivative of `field` at a point, (2mn, 2mn), in the order of `FixedPoint.directions`."""
        half = forward.size
        basis = np.eye(2 * half)
        dw = basis[:, :half].reshape(-1, *forward.shape)
        db = basis[:, half:].reshape(-1, *feedback.shape)
        moment = forward @ self.covariance @ forward.T
        forward_change = self.amp * _turned(db) @ self.covariance - self.decay * dw
        forward_change -= self.null * (_turned(db) @ feedback + feedback.T @ db) @ forward @ self.covariance
        forward_change -= self.null * feedback.T @ feedback @ dw @ self.covariance
        feedback_change = self.amp * self.covariance @ _turned(dw) - self.decay * db - self.null * db @ moment
        through = dw @ self.covariance @ forward.T
        feedback_change -= self.null * feedback @ (through + _turned(through))
        changes = [forward_change.reshape(len(basis), -1), feedback_change.reshape(len(basis), -1)]
        return np.concatenate(changes, axis=1).T

    def fixed_point(self, chosen: Sequence[int] | None = None) -> FixedPoint:
        """The weights W = B^T with the `chosen` modes at their fixed size and the others at zero.

        Every choice of at most m modes that grow is a fixed point; by default it is that of the largest, the stable
        one. Those with rotated units above are fixed points as well.

        Raises
        ------
        ConfigError
            Modes that have no such size.
        """
        values, vectors = self.modes
        forward = np.zeros((self.outputs, len(values)))
        if chosen is None:
            chosen = range(np.count_nonzero(self.sizes)) if self.null else ()
        for row, mode in enumerate(chosen):
            if row >= self.outputs or self.null == 0 or self.growth_rates[mode] <= 0:
                raise ConfigError(
                    f"chosen: got modes {list(chosen)}, expected at most {self.outputs} that grow, and null above 0"
                )
            forward[row] = np.sqrt((self.amp - self.decay / values[mode]) / self.null) * vectors[:, mode]
        # Symmetric up to rounding.
        jacobian = self.jacobian(forward, forward.T)
        curvatures, directions = np.linalg.eigh((jacobian + jacobian.T) / 2)
        rate = self.amp * values[0] + self.decay
        kind = _kind(curvatures, rate, "stable up to rotation" if len(chosen) else "marginal")
        return FixedPoint(forward, forward.T.copy(), curvatures, directions, kind)


def _check(amp: float, decay: float, null: float) -> None:
    if not amp > 0:
        raise ConfigError(f"amp: got {amp}, expected a number above 0")
    for name, value in (("decay", decay), ("null", null)):
        if not value >= 0:
            raise ConfigError(f"{name}: got {value}, expected 0 or a number above it")


def _kind(eigenvalues: np.ndarray, rate: float, flat: Kind) -> Kind:
    """The kind of fixed point by its rising eigenvalues; `flat` if the largest is zero."""
    small = _ZERO * rate
    if eigenvalues[-1] < -small:
        return "stable node"
    if eigenvalues[-1] <= small:
        return flat
    return "unstable node" if eigenvalues[0] > small else "saddle"


def _turned(matrices: np.ndarray) -> np.ndarray:
    return np.swapaxes(matrices, -1, -2)
