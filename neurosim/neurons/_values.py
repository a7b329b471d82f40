"""Values of parameters and initial values, in SI units."""

from __future__ import annotations

from collections.abc import Mapping

from neurosim.equations.parse import Equation, EquationSet
from neurosim.errors import EquationError, UnitError
from neurosim.neurons._per_neuron import PerNeuron, check_unit
from neurosim.units import base_unit, parse_quantity
from neurosim.untyped import UserValue


def si_value(neuron: str, equation: Equation, value: UserValue) -> float:
    """A parameter or an initial value of a neuron in SI units.

    Raises
    ------
    UnitError
        If it is no quantity of the variable's unit.
    """
    what = "the initial value of" if equation.kind == "differential" else "the parameter"
    if not isinstance(value, str) and value == 0:
        return 0.0  # zero is zero in every unit
    try:
        return parse_quantity(value, equation.unit)
    except UnitError as error:
        sentence = str(error)
        raise UnitError(
            f"{what} '{equation.name}' of neuron '{neuron}': {sentence}", faults=((equation.name, sentence),)
        ) from None


def period_text(value: UserValue) -> str:
    """The text of a refractory period that is given as a quantity of Brian2 or a number.

    Raises
    ------
    UnitError
        If it is no time.
    """
    try:
        return f"{parse_quantity(value, 'second')!r} second"
    except UnitError as error:
        raise UnitError(f"refractory: {error}") from error


def unit_of_value(neuron: str, name: str, value: UserValue) -> str:
    """The unit of a parameter that no line declares, in base units.

    Raises
    ------
    UnitError
        If it is no quantity.
    """
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, PerNeuron):
        return value.unit or "1"
    try:
        return base_unit(value)
    except UnitError as error:
        sentence = str(error)
        raise UnitError(
            f"the parameter '{name}' of neuron '{neuron}': {sentence}", faults=((name, sentence),)
        ) from None


def per_neuron_of(neuron: str, equations: EquationSet, values: Mapping[str, UserValue]) -> dict[str, PerNeuron]:
    """The values that differ between neurons.

    Raises
    ------
    UnitError
        Another unit than the variable's.
    EquationError
        A variable that is shared by all neurons.
    """
    differing = {name: value for name, value in values.items() if isinstance(value, PerNeuron)}
    for name, value in differing.items():
        equation = equations.by_name[name]
        what = _named(neuron, equation)
        if "shared" in equation.flags:
            raise EquationError(f"{what}: got {value}, and the flag 'shared' says one for all; leave the flag out")
        check_unit(value, equation.unit, what)
    return differing


def check_given(neuron: str, equations: EquationSet, values: Mapping[str, UserValue]) -> None:
    """Refuse values that are given in place of a neuron's, and have another unit than its variables.

    Raises
    ------
    UnitError
        With both.
    """
    for name, value in values.items():
        equation = equations.by_name.get(name)
        if equation is None:
            continue
        if isinstance(value, PerNeuron):
            check_unit(value, equation.unit, _named(neuron, equation))
        else:
            si_value(neuron, equation, value)


def _named(neuron: str, equation: Equation) -> str:
    kind = "initial value" if equation.kind == "differential" else "parameter"
    return f"the {kind} '{equation.name}' of neuron '{neuron}'"
