"""Split linear equations into rates and constants: ``dx/dt = A x + b``."""

# SymPy has no stubs, and says the types of few of its functions.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sympy

from neurosim.equations.brian import Equations, is_constant_over_dt, str_to_sympy, sympy_to_str
from neurosim.equations.symbolic import MAX_SUMMANDS, summands
from neurosim.errors import EquationError
from neurosim.untyped import BrianVariable


@dataclass(frozen=True)
class Linear:
    """Linear equations.

    Attributes
    ----------
    names
        The variables, in the order written.
    rates
        ``(row, column) -> A[row, column]``, without zeros.
    constants
        ``row -> b[row]``, without zeros.
    """

    names: tuple[str, ...]
    rates: Mapping[tuple[str, str], sympy.Expr]
    constants: Mapping[str, sympy.Expr]

    def sources(self, name: str) -> tuple[str, ...]:
        """The other variables that act on one."""
        return tuple(other for other in self.names if other != name and (name, other) in self.rates)


def right_sides(equations: Equations, variables: Mapping[str, BrianVariable], method: str) -> dict[str, sympy.Expr]:
    """The right-hand side of each differential equation, with subexpressions put in.

    Raises
    ------
    EquationError
        With white noise, which has no rate.
    """
    if equations.is_stochastic:
        raise refused(method, "they hold white noise")
    substituted = equations.get_substituted_expressions(variables)
    return {name: str_to_sympy(expression.code, variables) for name, expression in substituted}


def linear_system(equations: Equations, variables: Mapping[str, BrianVariable]) -> Linear:
    """All equations as one linear system, whose rates and constants do not change within a time step.

    Raises
    ------
    EquationError
        If they are not linear, or something in them changes within a step.
    """
    sides = right_sides(equations, variables, "exact")
    rates: dict[tuple[str, str], sympy.Expr] = {}
    constants: dict[str, sympy.Expr] = {}
    for name, side in sides.items():
        row, rest = _split(side, name, sides, "exact")
        rates |= {(name, other): rate for other, rate in row.items()}
        constants |= {name: rest} if rest != 0 else {}
        for part in (*row.values(), rest):
            # Functions of time pass if they are constant within a step; Brian2 knows which.
            if not is_constant_over_dt(part, variables, float(variables["dt"].get_value()[0])):
                raise refused("exact", f"'{sympy_to_str(part)}' in that of '{name}' changes within a time step")
    return Linear(tuple(sides), rates, constants)


def conditionally_linear(equations: Equations, variables: Mapping[str, BrianVariable]) -> Linear:
    """Each equation as linear in its own variable, with all others constant.

    Raises
    ------
    EquationError
        If one is not.
    """
    method = "exponential_euler"
    rates: dict[tuple[str, str], sympy.Expr] = {}
    constants: dict[str, sympy.Expr] = {}
    sides = right_sides(equations, variables, method)
    for name, side in sides.items():
        row, rest = _split(side, name, [name], method)
        if name in row:
            rates[name, name] = row[name]
        constants |= {name: rest} if rest != 0 else {}
    # Brian2's `diff_eq_names` come in another order in each process.
    return Linear(tuple(sides), rates, constants)


def refused(method: str, reason: str) -> EquationError:
    """The error that a method cannot integrate these equations."""
    sentence = (
        f"got the method '{method}', which cannot integrate these equations ({reason}); expected another, such as "
        f"{'rk4' if method == 'exponential_euler' else 'exponential_euler'!r} or 'rk2'"
    )
    return EquationError(sentence, faults=(("method", sentence),))


def _split(
    side: sympy.Expr, name: str, variables: Iterable[str], method: str
) -> tuple[dict[str, sympy.Expr], sympy.Expr]:
    """A side as rates times variables, and the rest."""
    symbols = {other: sympy.Symbol(other, real=True) for other in variables}
    states = set(symbols.values())
    rates: dict[str, sympy.Expr] = {}
    for other, symbol in symbols.items():
        rate = _without(sympy.diff(side, symbol), states) if side.has(symbol) else sympy.Integer(0)
        if rate is None:
            raise refused(method, f"that of '{name}' is not linear in {_listed(symbols)}")
        if rate != 0:
            rates[other] = rate
    rest = side.subs(dict.fromkeys(states, 0))
    if rest.has(sympy.zoo, sympy.nan, sympy.oo):
        raise refused(method, f"that of '{name}' has no value where {_listed(symbols)} is zero")
    return rates, rest


def _without(rate: sympy.Expr, states: set[sympy.Symbol]) -> sympy.Expr | None:
    """A rate without the variables themselves, once it is multiplied out; ``None`` if they stay in it."""
    if not rate.free_symbols & states:
        return rate
    if summands(rate) > MAX_SUMMANDS:
        return None
    rate = sympy.expand(rate)
    return None if rate.free_symbols & states else rate


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def strongly_connected(linear: Linear) -> list[tuple[str, ...]]:
    """The variables in blocks that act on each other both ways, each after all that act on it."""
    reached = {name: _reached(linear, name) for name in linear.names}
    blocks: list[tuple[str, ...]] = []
    for name in linear.names:
        block = tuple(o for o in linear.names if o == name or (o in reached[name] and name in reached[o]))
        if block not in blocks:
            blocks.append(block)
    return sorted(blocks, key=lambda block: len(reached[block[0]] | set(block)))


def _reached(linear: Linear, start: str) -> set[str]:
    """All variables that act on one, directly or through others."""
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        fresh = set(linear.sources(waiting.pop())) - reached
        reached |= fresh
        waiting += fresh
    return reached


def paths_to(linear: Linear, name: str, most: int) -> Sequence[tuple[str, ...]]:
    """All ways by which variables act on one, each beginning with it, where none acts on itself through others.

    Raises
    ------
    EquationError
        If there are more than `most`.
    """
    paths = [(name,)]
    for path in paths:
        paths += [(*path, source) for source in linear.sources(path[-1])]
        if len(paths) > most:
            raise refused("exact", f"others act on '{name}' in more than {most} ways")
    return paths
