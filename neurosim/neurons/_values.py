"""Values of parameters and initial values, in SI units."""

from __future__ import annotations

from typing import Any

from neurosim.equations.parse import Equation
from neurosim.errors import UnitError
from neurosim.units import base_unit, parse_quantity


def si_value(neuron: str, equation: Equation, value: Any) -> float:
    """A parameter or an initial value of a neuron in SI units.

    Raises
    ------
    UnitError
        If it is no quantity of the variable's unit, or more than one.
    """
    what = "the initial value of" if equation.kind == "differential" else "the parameter"
    if _is_array(value):
        raise UnitError(
            f"{what} '{equation.name}' of neuron '{neuron}': got {len(value)} values, expected one quantity for all "
            f"neurons; give each its own where it is run, inputs={{'{equation.name}': ...}} for parameters and "
            f"state={{'{equation.name}': ...}} for state variables"
        )
    if not isinstance(value, str) and value == 0:
        return 0.0  # zero is zero in every unit
    try:
        return parse_quantity(value, equation.unit)
    except UnitError as error:
        sentence = str(error)
        raise UnitError(
            f"{what} '{equation.name}' of neuron '{neuron}': {sentence}", faults=((equation.name, sentence),)
        ) from None


def period_text(value: Any) -> str:
    """A refractory period that is no text, such as a quantity of Brian2, as one.

    Raises
    ------
    UnitError
        If it is no time.
    """
    try:
        return f"{parse_quantity(value, 'second')!r} second"
    except UnitError as error:
        raise UnitError(f"refractory: {error}") from error


def unit_of_value(neuron: str, name: str, value: Any) -> str:
    """The unit of a parameter that no line declares, in base units.

    Raises
    ------
    UnitError
        If it is no quantity, or more than one.
    """
    if isinstance(value, bool):
        return "boolean"
    if _is_array(value):
        raise UnitError(
            f"the parameter '{name}' of neuron '{neuron}': got {len(value)} values, expected one quantity for all "
            f"neurons; declare '{name}' by a line of the equations, and give each neuron its own where it is run, "
            f"inputs={{'{name}': ...}}"
        )
    try:
        return base_unit(value)
    except UnitError as error:
        sentence = str(error)
        raise UnitError(
            f"the parameter '{name}' of neuron '{neuron}': {sentence}", faults=((name, sentence),)
        ) from None


def _is_array(value: Any) -> bool:
    return isinstance(value, list | tuple) or getattr(value, "size", 1) != 1
