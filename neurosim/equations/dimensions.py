"""Check units by Brian2's rules, with errors that point into the user's text."""

# Brian2's dimensions and tables of names have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping

from neurosim.equations.brian import (
    DEFAULT_CONSTANTS,
    DEFAULT_FUNCTIONS,
    DEFAULT_UNITS,
    DIMENSIONLESS,
    Constant,
    DimensionMismatchError,
    Function,
    Variable,
    dimensions_and_type_from_string,
    get_dimensions,
    get_unit_for_display,
    is_boolean_expression,
    parse_expression_dimensions,
)
from neurosim.equations.grammar import Place, check_expression, names_in
from neurosim.equations.parse import Equation, EquationSet, Statement, unknown_names
from neurosim.equations.whole import is_count
from neurosim.units import UNIT_VALUES as UNIT_VALUES
from neurosim.untyped import BrianDimension, BrianVariable

_SECOND = get_dimensions(DEFAULT_UNITS["second"])
_BUILTIN: dict[str, BrianVariable] = {
    **{name: function for name, function in DEFAULT_FUNCTIONS.items() if name != "timestep"},
    "binomial": Function(lambda n, p: n * p, arg_units=[1, 1], return_unit=1, stateless=False),
    **DEFAULT_CONSTANTS,
    **{name: Constant(name, value=float(u), dimensions=get_dimensions(u)) for name, u in DEFAULT_UNITS.items()},
    "t": Variable("t", dimensions=_SECOND),
    "dt": Constant("dt", value=1e-3, dimensions=_SECOND),
}
#: Names every expression may use besides those its model defines.
BUILTIN_NAMES = frozenset(_BUILTIN)


def dimension_of(unit: str, place: Place | None = None) -> BrianDimension:
    """Brian2's dimension of a unit text such as ``1``, ``volt``, ``amp/second``.

    Raises
    ------
    EquationError
        If it is not a unit, or not a base unit (Brian2 refuses ``mV`` in a declaration, rightly).
    """
    try:
        return dimensions_and_type_from_string(unit)[0]
    except (ValueError, NameError, TypeError, SyntaxError) as error:
        raise (place or Place(text=unit)).error(f"'{unit}' cannot be used as a unit: {error}") from None


@functools.lru_cache(maxsize=4096)
def _unit_type(unit: str) -> str:
    return dimensions_and_type_from_string(unit)[1]


def variables_of(equations: EquationSet, extra: Mapping[str, str] | None = None) -> dict[str, BrianVariable]:
    """Brian2 variables for all names of a model, for its parsers to check against.

    Parameters
    ----------
    equations
        The model.
    extra
        Further known names with their units, e.g. what a circuit broadcasts.
    """
    variables = dict(_BUILTIN)
    for name, unit in (extra or {}).items():
        variables[name] = Variable(name, dimensions=dimension_of(unit))
    for equation in equations.equations:
        dimension = dimension_of(equation.unit, _unit_place(equation.place))
        kind = bool if _unit_type(equation.unit) == "boolean" else None
        variables[equation.name] = Variable(equation.name, dimensions=dimension, dtype=kind)
    variables["not_refractory"] = Variable("not_refractory", dtype=bool)
    variables["lastspike"] = Variable("lastspike", dimensions=_SECOND)
    return variables


def check_equations(equations: EquationSet, extra: Mapping[str, str] | None = None) -> None:
    """Refuse unknown names and wrong units in a model's equations.

    Raises
    ------
    EquationError
        An unknown name, with line, column and did-you-mean.
    UnitError
        A unit that does not fit, with line, what was got and what is expected.
    """
    variables = variables_of(equations, extra)
    for equation in equations.equations:
        if equation.expression is None:
            continue
        _check_known(equation, equations, variables)
        declared = dimension_of(equation.unit, equation.place)
        if equation.unit == "integer":
            _check_count(equation.expression, equations, equation.place, f"the right-hand side of {equation.name}")
        expected = declared / _SECOND if equation.kind == "differential" else declared
        got = _dimension(equation.expression, _with_noise(variables, equation), equation.place)
        if got is not expected:
            what = f"d{equation.name}/dt" if equation.kind == "differential" else equation.name
            raise equation.place.unit_error(
                f"the right-hand side of {what} has unit {shown_unit(got)}, expected {shown_unit(expected)}"
                + _hint(equation, got, declared)
            )


def check_condition(
    text: str,
    equations: EquationSet,
    *,
    what: str,
    extra: Mapping[str, str] | None = None,
    place: Place | None = None,
    random: bool = True,
) -> None:
    """Refuse a threshold or refractory condition that is no truth value, or names unknown things.

    Raises
    ------
    EquationError, UnitError
        As `check_equations`.
    """
    place = place or Place(text=text.strip())
    variables = variables_of(equations, extra)
    names = names_in(check_expression(text, place, random=random)) - BUILTIN_NAMES
    unknown_names(names, variables.keys() - BUILTIN_NAMES, place, what=f"the {what}")
    _dimension(text, variables, place)
    if not is_condition(text, variables, place):
        raise place.error(f"the {what} '{text}' is no condition; expected a comparison such as 'v > v_th'")


def check_statement(
    statement: Statement, equations: EquationSet, *, what: str, extra: Mapping[str, str] | None = None
) -> None:
    """Refuse a statement that assigns to something else than a variable, or in a wrong unit."""
    variables = variables_of(equations, extra)
    target = equations.by_name.get(statement.target)
    if target is None or target.kind == "subexpression":
        allowed = [e.name for e in equations.equations if e.kind != "subexpression"]
        raise statement.place.error(
            f"the {what} assigns to '{statement.target}', which is not a variable; allowed are {', '.join(allowed)}"
        )
    _check_writable(target, statement, what)
    names = statement.names - BUILTIN_NAMES
    unknown_names(names, variables.keys() - BUILTIN_NAMES, statement.place, what=f"the {what}")
    got = _dimension(statement.expression, variables, statement.place)
    declared = dimension_of(target.unit)
    expected = declared if statement.operator in ("=", "+=", "-=") else DIMENSIONLESS
    if is_condition(statement.expression, variables, statement.place) != (_unit_type(target.unit) == "boolean"):
        raise statement.place.error(f"the {what} '{statement}' assigns a truth value to a number or the reverse")
    if target.unit == "integer":
        _check_count(statement.expression, equations, statement.place, f"the {what} to '{target.name}'")
    if got is not expected:
        raise statement.place.unit_error(
            f"the {what} '{statement}' has unit {shown_unit(got)}, expected {shown_unit(expected)}"
        )


def _check_count(expression: str, equations: EquationSet, place: Place, what: str) -> None:
    """Refuse integers that are computed from other numbers."""
    counts = {equation.name for equation in equations.equations if equation.unit == "integer"}
    if not is_count(ast.parse(expression, mode="eval").body, counts):
        raise place.error(
            f"{what} is declared an integer, and '{expression}' is a real number; write int({expression}), or declare "
            "the unit 1"
        )


def _check_writable(target: Equation, statement: Statement, what: str) -> None:
    """Refuse statements of single neurons that change constant or shared variables."""
    if flag := next((flag for flag in ("constant", "shared") if flag in target.flags), None):
        shown = Equation("parameter", target.name, None, target.unit)
        raise statement.place.error(
            f"the {what} assigns to '{target.name}', which is {flag} for all neurons; give each neuron its own by the "
            f"line '{shown}' among the equations"
        )


def unit_of_expression(
    expression: str, variables: Mapping[str, BrianVariable], place: Place | None = None
) -> BrianDimension:
    """The dimension of an expression over given Brian2 variables."""
    return _dimension(expression, variables, place or Place(text=expression))


def unit_of_name(name: str) -> BrianDimension:
    """The dimension of a unit that stands in an expression, such as ``mV``."""
    return get_dimensions(DEFAULT_UNITS[name])


def _unit_place(place: Place) -> Place:
    """The place of an equation's unit, given that of its expression."""
    line, text = (place.rest[-1][1], place.rest[-1][3]) if place.rest else (place.line, place.text)
    before, colon, unit = (text or "").rpartition(":")
    column = len(before) + 2 + len(unit) - len(unit.lstrip()) if colon else place.column
    return Place(line, column, text)


def _check_known(equation: Equation, equations: EquationSet, variables: Mapping[str, BrianVariable]) -> None:
    names = {n for n in equation.names if not (n == "xi" or n.startswith("xi_"))}
    if names <= variables.keys():
        return
    own = [e.name for e in equations.equations]
    unknown = sorted(names - variables.keys())
    # Suggest the model's own names first, before rare units such as 'rayl'.
    unknown_names(unknown, own, equation.place, what=f"the equation of '{equation.name}'")


def _with_noise(variables: dict[str, BrianVariable], equation: Equation) -> dict[str, BrianVariable]:
    noise = {n for n in equation.names if n == "xi" or n.startswith("xi_")}
    if not noise:
        return variables
    dimension = _SECOND**-0.5
    return variables | {name: Variable(name, dimensions=dimension) for name in noise}


def _dimension(expression: str, variables: Mapping[str, BrianVariable], place: Place) -> BrianDimension:
    try:
        return parse_expression_dimensions(expression, variables)
    except DimensionMismatchError as error:
        raise place.unit_error(f"{str(error).rstrip('.')}; terms that are added or compared need one unit") from None
    except (SyntaxError, KeyError, TypeError, ValueError) as error:
        reason = error.args[0] if error.args else error
        raise place.error(f"cannot check the units of '{expression}': {reason}") from None


def is_condition(text: str, variables: Mapping[str, BrianVariable], place: Place) -> bool:
    """Whether an expression is a truth value."""
    try:
        return bool(is_boolean_expression(text, variables))
    except SyntaxError as error:
        raise place.error(f"'{text}' mixes truth values and numbers: {error}") from None


def shown_unit(dimension: BrianDimension) -> str:
    """A dimension for a message."""
    return "1 (no unit)" if dimension is DIMENSIONLESS else str(get_unit_for_display(dimension))


def _hint(equation: Equation, got: BrianDimension, declared: BrianDimension) -> str:
    if equation.kind == "differential" and got is declared:
        return "; is a division by a time constant missing?"
    return ""
