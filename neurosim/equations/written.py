"""Keep the last bits of Brian2's own exact solution where that is regular.

Published results were computed with it. It is used where time constants are no longer than some dozens of steps and,
of two, well apart; everywhere else `propagator` has the digits. Which of the two it is says a number that is one or
zero, so that all results of the one are left as they are.
"""

# SymPy has no stubs, and says the types of few of its functions.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy
from sympy.core.function import AppliedUndef

from neurosim.equations.brian import sympy_to_str
from neurosim.equations.linear import Linear
from neurosim.equations.renamed import renamed

#: Slower decays lose digits in ``1 - exp(-dt/tau)``, nearer ones in the difference of two; faster ones overflow.
_SLOWEST, _NEAREST, _FASTEST = 1 / 64, 0.14, 30.0
_DT = sympy.Symbol("dt", real=True, positive=True)


@dataclass(frozen=True)
class RegularRegion:
    """The region where Brian2's solution is regular.

    Attributes
    ----------
    condition
        Text that is one there and zero elsewhere.
    constants
        The time constants in it that are replaced elsewhere, so that it has a value.
    """

    condition: str
    constants: tuple[str, ...] = ()

    def joined(self, linear: Linear, lines: Sequence[str], code: str, label: str) -> list[str]:
        """The statements `lines`, with Brian2's results where they are regular.

        Parameters
        ----------
        lines
            Result of `propagator.steps`.
        code
            Brian2's.
        label
            Part of the names of what is computed on the way.
        """
        chosen = f"_{label}_written"
        statements = [_result_renamed(line, linear.names, label) for line in lines]
        if len(linear.names) == 1:
            # Only what is slow is left: a step towards where it tends, which no rate divides.
            (name,) = linear.names
            rate, constant = linear.rates[name, name], linear.constants.get(name, sympy.Integer(0))
            ahead = sympy_to_str(sympy.Symbol(name, real=True) + sympy.cancel(constant / rate))
            statements = [f"_{label}_new_{name} = {name} + expm1({sympy_to_str(rate * _DT)})*({ahead})"]
        statements.append(f"{chosen} = {self.condition}")
        for number, name in enumerate(self.constants, start=1):
            statements.append(f"_{label}_{name} = {chosen}*{name} + (1 - {chosen})*{number}.0*dt")
        code = renamed(code, {name: f"_{label}_{name}" for name in self.constants})
        results = dict(line.split(" = ", 1) for line in code.splitlines() if line.startswith("_"))
        for name in linear.names:
            statements.append(f"_{name} = {chosen}*({results[f'_{name}']}) + (1 - {chosen})*_{label}_new_{name}")
        return statements


def regular_as_written(linear: Linear) -> RegularRegion | None:
    """The region where Brian2's solution is regular; ``None`` if nowhere, or if finding it takes long.

    It is for one equation with a time constant, and for two that decay with one each, of which one acts on the other.
    """
    if len(linear.names) == 1:
        (name,) = linear.names
        rate = linear.rates.get((name, name))
        if rate is None or not _is_reciprocal(rate):
            return None
        return RegularRegion(f"int({sympy_to_str(-rate * _DT)} > {_SLOWEST!r})")
    acting = [pair for pair in linear.rates if pair[0] != pair[1]]
    constants = [_time_constant(linear.rates.get((name, name))) for name in linear.names]
    if len(linear.names) != 2 or len(acting) != 1 or None in constants or constants[0] == constants[1]:
        return None
    ratios = [f"dt/{constant}" for constant in constants]
    conditions = [f"int({ratio} > {_SLOWEST!r})*int({ratio} < {_FASTEST!r})" for ratio in ratios]
    apart = f"int(abs({ratios[0]} - {ratios[1]}) > {_NEAREST!r})"
    return RegularRegion("*".join([*conditions, apart]), tuple(str(constant) for constant in constants))


def _result_renamed(line: str, names: Sequence[str], label: str) -> str:
    """A line whose result is that of a variable, under another name."""
    target, rest = line.split(" = ", 1)
    return f"_{label}_new{target} = {rest}" if target in {f"_{name}" for name in names} else line


def _is_reciprocal(rate: sympy.Expr) -> bool:
    """Whether the rate is one over something that is not divided by anything but numbers, if nothing clamps it."""
    free: Any = rate.xreplace({step: sympy.Integer(1) for step in rate.atoms(AppliedUndef)})
    reciprocal: Any = sympy.together(sympy.Pow(free, -1))
    return bool(sympy.fraction(reciprocal)[1].is_number)


def _time_constant(rate: sympy.Expr | None) -> sympy.Symbol | None:
    """The time constant of a rate -1/tau, if it is a name."""
    constant = -1 / rate if rate is not None else None
    return constant if isinstance(constant, sympy.Symbol) else None
