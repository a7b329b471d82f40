"""Names, values and declarations of a rule: what they may be called, and what they may say."""

from __future__ import annotations

import math

from neurosim.equations.grammar import Place, check_identifier
from neurosim.equations.parse import Equation, parse_equations
from neurosim.equations.reserved import RULE_NAMES
from neurosim.errors import UnitError
from neurosim.units import base_unit, parse_quantity
from neurosim.untyped import UserValue


def check_name(name: str, place: Place) -> None:
    """Refuse the name of a rule's parameter or variable that means something already.

    Raises
    ------
    EquationError
        With what it means.
    """
    check_identifier(name, place)
    if name in RULE_NAMES:
        raise place.error(f"'{name}' is {RULE_NAMES[name]} and cannot be declared by a rule; rename it")


def parameter_value(rule: str, name: str, value: UserValue, *, finite: bool = True) -> tuple[float, str | None]:
    """A rule's parameter in SI units, and its unit as a product of base units; none of a plain number.

    Raises
    ------
    UnitError
        If it is no quantity, or not finite.
    """
    if not finite and isinstance(value, float) and value > 0 and math.isinf(value):
        return value, None  # such as a memory that never forgets
    try:
        unit = base_unit(value)
        return parse_quantity(value), None if unit == "1" else unit
    except UnitError as error:
        raise UnitError(f"the parameter '{name}' of the rule '{rule}': {error}") from None


def declarations(text: str, what: str) -> tuple[Equation, ...]:
    """The variables of a synapse that a text declares.

    Parameters
    ----------
    what
        ``variable`` (learned, one number a synapse) or ``trace`` (of each trial; those have equations, too).

    Raises
    ------
    EquationError
        At the first declaration that a synapse cannot have.
    """
    equations = parse_equations(text).equations if text.strip() else ()
    for equation in equations:
        check_name(equation.name, equation.place)
        name, unit = equation.name, equation.unit
        if what == "variable" and equation.kind != "parameter":
            kind = "a differential equation" if equation.kind == "differential" else "an expression"
            raise equation.place.error(
                f"the variable '{name}' has {kind}, but only learning changes variables; declare it among the traces, "
                f"which have equations, or as '{name} : {unit}'"
            )
        if equation.flags:
            raise equation.place.error(
                f"the {what} '{name}' has the flag '{equation.flags[0]}', expected none: each synapse has a "
                "number of its own"
            )
        if unit == "integer" or (unit == "boolean" and equation.kind != "subexpression"):
            raise equation.place.error(
                f"the {what} '{name}' is declared '{unit}', and what synapses change are real numbers; expected a "
                "unit, e.g. 1"
            )
    return equations
