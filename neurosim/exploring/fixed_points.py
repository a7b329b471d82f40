"""Fixed points of a neuron's flow and their stability, by Newton's method from many starts at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from neurosim.neurons._model import NeuronModel
from neurosim.plots.phase_portrait import derivative

_STEPS = 60
#: Of a variable's scale: the longest step, the step of differences, what counts as arrived, and as the same point.
_LONGEST, _SMALL, _ARRIVED, _SAME = 0.25, 1e-5, 1e-7, 1e-3


@dataclass(frozen=True)
class Equilibrium:
    """A state in which nothing changes.

    Attributes
    ----------
    values
        State variables, in SI units.
    eigenvalues
        Of the flow's Jacobian there, in hertz.
    """

    values: Mapping[str, float]
    eigenvalues: np.ndarray

    @property
    def stable(self) -> bool:
        """Whether it attracts what is near: all eigenvalues have negative real parts."""
        return bool(np.all(np.real(self.eigenvalues) < 0))

    @property
    def kind(self) -> str:
        """A node, a focus (the leading eigenvalues are complex) or a saddle (some attract, others repel)."""
        real = np.real(self.eigenvalues)
        if not self.stable and (real < 0).any() and not self._turns:
            return "saddle"
        return f"{'stable' if self.stable else 'unstable'} {'focus' if self._turns else 'node'}"

    @property
    def _turns(self) -> bool:
        leading = self.eigenvalues[np.argmax(np.real(self.eigenvalues))]
        return bool(abs(leading.imag) > 1e-6 * abs(leading))


def fixed_points(
    neuron: NeuronModel,
    fixed: Mapping[str, float],
    starts: np.ndarray,
    scales: Mapping[str, float],
) -> list[Equilibrium]:
    """Those that Newton's method reaches from any of the starts, below the threshold.

    Parameters
    ----------
    neuron
        Its equations, noise at its mean.
    fixed
        Parameters, in SI units.
    starts
        (starts, state variables), in SI units and the order of the neuron's ``state_variables``.
    scales
        How far each variable ranges.

    Returns
    -------
    list of Equilibrium
        Each once. One that no start leads to is not found.
    """
    names = neuron.state_variables
    scale = np.array([scales[name] for name in names])
    points = np.array(starts, dtype=float)
    arrived = np.zeros(len(points), dtype=bool)
    with np.errstate(all="ignore"):
        for _ in range(_STEPS):
            flow, jacobian = _linearised(neuron, names, fixed, points, scale)
            # Where the flow is flat, or nothing is finite any more, a start leads nowhere.
            usable = np.isfinite(flow).all(axis=1) & np.isfinite(jacobian).all(axis=(1, 2))
            step = np.zeros_like(points)
            step[usable] = -np.einsum("pij,pj->pi", np.linalg.pinv(jacobian[usable]), flow[usable])
            arrived = usable & (np.abs(step).max(axis=1) < _ARRIVED)
            points = points + scale * np.clip(step, -_LONGEST, _LONGEST)
        flow, jacobian = _linearised(neuron, names, fixed, points, scale)
    points_of_rest: list[Equilibrium] = []
    kept: list[np.ndarray] = []
    for point, matrix in zip(points[arrived], jacobian[arrived], strict=True):
        if any(np.abs((point - other) / scale).max() < _SAME for other in kept) or not np.isfinite(matrix).all():
            continue
        values = dict(zip(names, map(float, point), strict=True))
        if not fires(neuron, {**fixed, **values}):
            kept.append(point)
            points_of_rest.append(Equilibrium(values, np.linalg.eigvals(matrix)))
    return sorted(points_of_rest, key=lambda each: tuple(each.values.values()))


def fires(neuron: NeuronModel, values: Mapping[str, float]) -> bool:
    """Whether a neuron in that state is above its threshold, so that it cannot rest there."""
    function = neuron.functions.get("threshold")
    if function is None or not set(function.arguments) <= set(values):
        return False
    return bool(function.compile(np)(**{name: values[name] for name in function.arguments}))


def _linearised(
    neuron: NeuronModel, names: Sequence[str], fixed: Mapping[str, float], points: np.ndarray, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The flow (points, variables) and its Jacobian (points, variables, variables), in variables over their scales."""

    def flow(at: np.ndarray) -> np.ndarray:
        values = {**fixed, **dict(zip(names, at.T, strict=True))}
        return np.stack([derivative(neuron, name, values) for name in names], axis=-1) / scale

    columns = []
    for number in range(len(names)):
        shift = np.zeros(len(names))
        shift[number] = _SMALL * scale[number]
        columns.append((flow(points + shift) - flow(points - shift)) / (2 * _SMALL))
    return flow(points), np.stack(columns, axis=-1)
