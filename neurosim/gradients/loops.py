"""Control loops: how stable they are, and how far their activity is from their exact fixed point."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import ControlLoop
from neurosim.engines.setting import Setting
from neurosim.engines.state import weights_of
from neurosim.errors import NumericalError
from neurosim.metrics import angle
from neurosim.stability.inverse import inverse, single_loop_fixed_point
from neurosim.stability.inversion import LoopStability
from neurosim.stability.inversion import abscissa as loop_abscissa
from neurosim.stability.inversion_steps import is_stable_in_steps
from neurosim.stability.single_loop import single_loop_abscissa, single_loop_eigenvalues, single_loop_is_stable

#: Numbers measured of a layer whose error settles in a loop.
LOOP_NUMBERS = ("loop_abscissa", "fixed_point_angle_deg")


def verdict(circuit: Circuit, loop: ControlLoop, state: Mapping[str, Any], dt: float) -> LoopStability:
    """Whether a loop settles with these weights, in steps of `dt` seconds; of a nonlinear one, its linearisation."""
    forward, feedback = _weights(circuit, loop, state)
    order = "controller_first" if loop.controller_first else "together"
    taus = {"tau_u": loop.tau_u, "tau_x": loop.tau_x}
    if len(forward) > 1:
        return single_loop_is_stable(forward, feedback, loop.leak, dt, order=order, **taus)
    return is_stable_in_steps(forward[0], feedback, loop.leak, dt, order=order, **taus)


def check_loops(circuit: Circuit, setting: Setting, state: Mapping[str, Any]) -> None:
    """Refuse to run loops that do not settle.

    Raises
    ------
    NumericalError
        Naming the layer, the eigenvalue and the remedy of the first such loop. Loops that neither grow nor decay are
        refused, too.
    """
    for loop in circuit.loops:
        stability = verdict(circuit, loop, state, setting.dt)
        if not stability.stable:
            raise NumericalError(f"the loop of layer '{loop.layer}' does not settle: {stability.remedy}")


def loop_numbers(circuit: Circuit, state: Mapping[str, Any], ends: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """`LOOP_NUMBERS` of each layer in a loop.

    Parameters
    ----------
    ends
        Each loop's target and activity, shape (trial, n), when it has settled.

    Returns
    -------
    dict
        Layer -> number: the largest real part of the loop's eigenvalues in continuous time, in 1/s, and the angle of
        its activity to its exact fixed point, per trial and then averaged; not a number for a nonlinear loop.
    """
    numbers: dict[str, Any] = {}
    for loop in circuit.loops:
        forward, feedback = _weights(circuit, loop, state)
        taus = {"tau_u": loop.tau_u, "tau_x": loop.tau_x}
        if len(forward) > 1:
            rate = single_loop_abscissa(single_loop_eigenvalues(forward, feedback), len(forward), loop.leak, **taus)
            matrix = single_loop_fixed_point(forward, feedback, loop.leak)[0]
        else:
            rate = loop_abscissa(forward[0], feedback, loop.leak, **taus)
            matrix = inverse(forward[0], feedback, loop.leak)
        there = ends[loop.target] @ matrix.T
        off = float(np.mean(angle.measure(ends[loop.activity], there))) if loop.linear else math.nan
        numbers[loop.layer] = {"loop_abscissa": rate, "fixed_point_angle_deg": off}
    return numbers


def _weights(circuit: Circuit, loop: ControlLoop, state: Mapping[str, Any]) -> tuple[list[np.ndarray], np.ndarray]:
    forward = [np.asarray(weights_of(circuit, state, name), dtype=np.float64) for name in loop.forward]
    return forward, np.asarray(weights_of(circuit, state, loop.feedback), dtype=np.float64)
