"""What is derived from equation text by algebra: derivatives, steady states, separated products."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sympy
from brian2.parsing.sympytools import str_to_sympy, sympy_to_str
from sympy.core.function import AppliedUndef

from neurosim.equations.parse import Equation
from neurosim.errors import EquationError


def differentiate(expression: str, variable: str) -> str:
    """The derivative of an expression with respect to one of its names, as text.

    Raises
    ------
    EquationError
        If no closed form in the language's functions exists.
    """
    tree = str_to_sympy(expression)
    # int(condition) is constant wherever it has a derivative at all.
    steps = {step: sympy.Dummy(real=True) for step in tree.atoms(AppliedUndef) if str(step.func) == "int_"}
    restore = {dummy: step for step, dummy in steps.items()}
    derivative = sympy.diff(tree.xreplace(steps), sympy.Symbol(variable, real=True))
    derivative = derivative.xreplace(restore)
    if derivative.has(sympy.Derivative, sympy.Subs, sympy.DiracDelta):
        raise EquationError(f"'{expression}' has no derivative with respect to {variable} in closed form")
    return to_text(derivative)


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
    conditions = [str_to_sympy(equation.expression or "0") for equation in equations]
    named = ", ".join(equation.name for equation in equations)
    try:
        solutions = sympy.solve(conditions, unknowns, dict=True)
    except NotImplementedError:
        solutions = []
    if len(solutions) != 1 or set(solutions[0]) != set(unknowns):
        found = "none" if not solutions else f"{len(solutions)}"
        raise EquationError(
            f"no single steady state of {named} in closed form (found {found}); the level 'steady' needs one, "
            "use 'rate' instead"
        )
    return {str(symbol): to_text(sympy.simplify(value)) for symbol, value in solutions[0].items()}


@dataclass(frozen=True)
class Term:
    """One separated product of a rule: ``post * pre * own``, each text over its own side's names."""

    post: str
    pre: str
    own: str


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
    grouped: dict[tuple[sympy.Basic, sympy.Basic], sympy.Basic] = {}
    tree = sympy.expand(str_to_sympy(expression))
    for summand in sympy.Add.make_args(tree):
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
                    f"{' and '.join(sorted(sides))}; write it as a product of pre-, postsynaptic and own factors"
                )
        key = (factors["pre"], factors["own"])
        grouped[key] = grouped.get(key, sympy.Integer(0)) + factors["post"]
    return tuple(Term(to_text(sympy.factor_terms(post)), to_text(pre), to_text(own)) for (pre, own), post in grouped.items())
