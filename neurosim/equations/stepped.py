"""Equations within a time step."""

from __future__ import annotations

from dataclasses import replace

from neurosim.equations.parse import CONSTANT, Equation, EquationSet


def as_stepped(equations: EquationSet, *, refractory: bool) -> EquationSet:
    """The equations that a method integrates, where values constant over a step are parameters.

    Parameters
    ----------
    equations
        Equations of a neuron.
    refractory
        Whether it has a refractory period, in which variables can stand still.
    """

    def stepped(equation: Equation) -> Equation:
        if CONSTANT in equation.flags:
            return Equation("parameter", equation.name, None, equation.unit)
        if equation.kind == "differential" and not refractory:
            return replace(equation, flags=())
        return equation

    return EquationSet(tuple(map(stepped, equations.equations)))
