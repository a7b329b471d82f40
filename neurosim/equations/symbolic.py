"""Algebra on equation text: derivatives, steady states, separated products."""

# SymPy has no stubs, and says the types of few of its functions.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sympy
from sympy.core.function import AppliedUndef
from sympy.matrices.exceptions import NonInvertibleMatrixError
from sympy.solvers.solveset import NonlinearError

from neurosim.equations.brian import str_to_sympy, sympy_to_str
from neurosim.equations.grammar import check_expression
from neurosim.equations.parse import Equation
from neurosim.errors import EquationError

#: Most summands; algebra on more takes too long.
MAX_SUMMANDS = 500
#: Operations up to which sympy simplifies in well under a second.
_SIMPLIFIABLE = 40
_NONSENSE = (sympy.zoo, sympy.nan, sympy.I)


def differentiate(expression: str, variable: str) -> str:
    """The derivative of an expression with respect to one of its names, as text.

    Raises
    ------
    EquationError
        If no closed form in the language's functions exists.
    """
    tree = _algebra(expression)
    # int(condition) is constant wherever it has a derivative at all.
    steps = {step: sympy.Dummy(real=True) for step in tree.atoms(AppliedUndef) if str(step.func) == "int_"}
    restore = {dummy: step for step, dummy in steps.items()}
    try:
        derivative = sympy.diff(tree.xreplace(steps), sympy.Symbol(variable, real=True))
    except Exception as error:  # sympy raises whatever its algebra ran into
        raise EquationError(f"'{expression}' has no derivative: {error}") from None
    derivative = derivative.xreplace(restore)
    if derivative.has(sympy.Derivative, sympy.Subs, sympy.DiracDelta, *_NONSENSE):
        raise EquationError(f"'{expression}' has no derivative with respect to {variable} in closed form")
    return to_text(derivative)


def vanishes(expression: str) -> bool:
    """Whether an expression is zero whatever the values of its names, as far as algebra can tell.

    Raises
    ------
    EquationError
        For a truth value, or a constant that is no finite real number.

    Examples
    --------
    >>> vanishes("1/tau - (1/tau)"), vanishes("1/tau - 1")
    (True, False)
    """
    return bool(_shorter(_algebra(expression)) == 0)


def _algebra(expression: str) -> sympy.Expr:
    """Text as a sympy expression, after the whitelist."""
    check_expression(expression)
    try:
        tree = str_to_sympy(expression)
    except Exception as error:  # sympy raises whatever its algebra ran into
        raise EquationError(f"'{expression}' cannot be read as algebra: {error}") from None
    if not isinstance(tree, sympy.Expr):
        raise EquationError(f"'{expression}' is a truth value; expected a number, such as int({expression})")
    if tree.has(*_NONSENSE):
        raise EquationError(f"a constant in '{expression}' is not a finite real number")
    return tree


def to_text(tree: sympy.Basic) -> str:
    """A sympy expression as text of the equation language."""
    return sympy_to_str(tree)


def steady_state(equations: Sequence[Equation]) -> dict[str, str]:
    """Set the derivatives of coupled equations to zero and solve for their variables.

    Parameters
    ----------
    equations
        Differential equations, as many as unknowns.

    Returns
    -------
    dict
        Each variable with its fixed point as text.

    Raises
    ------
    EquationError
        If there is no solution in closed form, or more than one.
    """
    unknowns = [sympy.Symbol(equation.name, real=True) for equation in equations]
    conditions = [_algebra(equation.expression or "0") for equation in equations]
    named = ", ".join(equation.name for equation in equations)
    solutions = _solve(conditions, unknowns)
    if len(solutions) != 1 or set(solutions[0]) != set(unknowns):
        count = "none" if not solutions else f"{len(solutions)}"
        raise EquationError(
            f"no single steady state of {named} in closed form (found {count}); "
            "the level 'steady' needs one, use 'rate' instead"
        )
    return {str(symbol): to_text(_shorter(value)) for symbol, value in solutions[0].items()}


def _solve(conditions: list[sympy.Expr], unknowns: list[sympy.Symbol]) -> list[dict[sympy.Symbol, sympy.Expr]]:
    try:
        matrix, right = sympy.linear_eq_to_matrix(conditions, unknowns)
        return [dict(zip(unknowns, matrix.LUsolve(right), strict=True))]
    except NonlinearError:
        # The general solver may not end, so it only gets equations that it inverts step by step.
        if len(unknowns) > 1 or not _invertible(conditions[0], unknowns[0]):
            return []
    except (ValueError, NonInvertibleMatrixError):
        return []
    try:
        return sympy.solve(conditions, unknowns, dict=True)
    except Exception:  # no solution, in any of the ways the solver says so
        return []


def _invertible(condition: sympy.Expr, unknown: sympy.Symbol) -> bool:
    """Whether the unknown stands in one place, or in a polynomial with a formula for its roots."""
    if condition.count(unknown) == 1:
        return True
    return bool(condition.is_polynomial(unknown)) and sympy.Poly(condition, unknown).degree() <= 2


def _shorter(value: sympy.Expr) -> sympy.Basic:
    short = int(sympy.count_ops(value)) <= _SIMPLIFIABLE
    return sympy.simplify(value) if short else sympy.factor_terms(value)


def summands(tree: sympy.Basic) -> float:
    """An upper bound on the summands after multiplying out."""
    inner = [summands(argument) for argument in tree.args]
    if max(inner, default=1.0) > MAX_SUMMANDS:
        return math.inf
    if isinstance(tree, sympy.Add):
        return sum(inner)
    if isinstance(tree, sympy.Mul):
        return math.prod(inner)
    if isinstance(tree, sympy.Pow) and tree.exp.is_Integer and tree.exp.is_positive:
        power = int(tree.exp)
        return math.comb(int(inner[0]) + power - 1, power) if power <= MAX_SUMMANDS else math.inf
    return 1.0


@dataclass(frozen=True)
class Term:
    """One separated product of a rule: ``post * pre * own``, each text over its own side's names."""

    post: str
    pre: str
    own: str


def _outermost(parts: Collection[sympy.Basic]) -> set[sympy.Basic]:
    """Those of the parts that stand in no other."""
    return {part for part in parts if not any(part != other and other.has(part) for other in parts)}


def separate(expression: str, side: Callable[[str], str]) -> tuple[Term, ...]:
    """Expand an expression into products of a postsynaptic, a presynaptic and a synaptic factor.

    Terms that share their presynaptic and synaptic factors are joined again, so that as few matrix
    products as possible remain.

    Parameters
    ----------
    expression
        The increment of a synaptic variable.
    side
        For each name ``"pre"``, ``"post"``, ``"own"`` (per synapse) or ``"trial"`` (a scalar per trial,
        counted to the postsynaptic factor) or ``"constant"``.

    Raises
    ------
    EquationError
        If a term mixes the sides inside a function, naming the term.
    """
    grouped: dict[tuple[sympy.Expr, sympy.Expr], sympy.Expr] = {}
    tree = _algebra(expression)
    if summands(tree) > MAX_SUMMANDS:
        raise EquationError(
            f"'{expression}' has more than {MAX_SUMMANDS} terms when multiplied out; write the rule with fewer products"
        )
    # Only sums and products are multiplied out: expanding quotients would join factors that stand apart.
    whole = tree.atoms(AppliedUndef, sympy.Function) | {
        power for power in tree.atoms(sympy.Pow) if not (power.exp.is_Integer and power.exp.is_positive)
    }
    stand_ins = {part: sympy.Dummy(real=True) for part in _outermost(whole)}
    restore = {dummy: part for part, dummy in stand_ins.items()}
    expanded: Any = sympy.expand(tree.xreplace(stand_ins))
    summand: Any
    for summand in (term.xreplace(restore) for term in sympy.Add.make_args(expanded)):
        factors = {"pre": sympy.Integer(1), "post": sympy.Integer(1), "own": sympy.Integer(1)}
        for factor in sympy.Mul.make_args(summand):
            sides = {side(str(symbol)) for symbol in factor.free_symbols} - {"constant"}
            if not sides or sides <= {"trial", "post"}:
                factors["post"] *= factor
            elif sides <= {"trial", "pre"}:
                factors["pre"] *= factor
            elif sides == {"own"}:
                factors["own"] *= factor
            else:
                raise EquationError(
                    f"the term '{to_text(summand)}' does not separate: '{to_text(factor)}' mixes "
                    f"{' and '.join(sorted(sides))}; write it as a product of pre-, postsynaptic "
                    "and own factors"
                )
        key = (factors["pre"], factors["own"])
        grouped[key] = grouped.get(key, sympy.Integer(0)) + factors["post"]
    return tuple(
        Term(to_text(sympy.factor_terms(post)), to_text(pre), to_text(own)) for (pre, own), post in grouped.items()
    )
