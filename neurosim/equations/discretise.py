"""One time step of a model as Brian2 abstract code: the statements both engines execute."""

from __future__ import annotations

import functools
import re
from typing import Any

import numpy as np

from neurosim.equations.brian import (
    Constant,
    Equations,
    StateUpdateMethod,
    UnsupportedEquationsException,
    add_refractoriness,
)
from neurosim.equations.dimensions import variables_of
from neurosim.equations.parse import EquationSet
from neurosim.errors import EquationError

#: Brian2's integration methods that both engines can follow.
METHODS = ("exact", "euler", "exponential_euler", "rk2", "rk4", "heun", "milstein")
_QUICKLY_EXACT, _EXACT = 2, 3
#: What sympy prints for a division by zero and the like.
_NONSENSE = re.compile(r"\b(?:zoo|nan|oo|I|AccumBounds)\b")
AUTOMATIC = ("exact", "euler", "heun")  # Brian2's own order of preference


def resolve_method(equations: EquationSet, method: str | None) -> str:
    """The integration method to use: the one asked for, or the first of Brian2's preferences that fits.

    Where two equations act on each other, their exact solution may oscillate, depending on the values of parameters,
    and Brian2's code for it then takes the root of a negative number. So that is only used if it is asked for.

    Raises
    ------
    EquationError
        If the method is unknown or cannot integrate these equations.
    """
    if method is not None:
        if method not in METHODS:
            raise EquationError(f"unknown integration method '{method}'; allowed are {', '.join(METHODS)}")
        abstract_code(equations, method)
        return method
    reason: EquationError | None = None
    for candidate in AUTOMATIC:
        if candidate == "exact" and max(map(len, coupled(equations)), default=0) > _QUICKLY_EXACT:
            continue
        try:
            code = abstract_code(equations, candidate)
        except EquationError as error:
            reason = error
            continue
        if candidate == "exact" and "sqrt(" in code and "sqrt(" not in str(equations):
            continue
        return candidate
    raise EquationError(f"none of {', '.join(AUTOMATIC)} fits these equations; name another method ({reason})")


@functools.lru_cache(maxsize=512)
def abstract_code(equations: EquationSet, method: str) -> str:
    """The statements that advance all differential equations by ``dt``.

    Subexpressions are substituted, so that the code refers to state variables, parameters, ``dt``, ``t``
    and ``int(not_refractory)`` only.

    Raises
    ------
    EquationError
        If the method cannot integrate these equations (e.g. ``exact`` for nonlinear ones).
    """
    if not equations.of("differential"):
        return ""
    groups = coupled(equations)
    if method != "exact":
        return _apply(_only(equations, frozenset().union(*groups)), method)
    for group in groups:
        if len(group) > _EXACT:
            raise EquationError(
                f"the method 'exact' for {len(group)} coupled equations ({', '.join(sorted(group))}) takes "
                f"algebra without end; allowed are {_EXACT} that depend on each other, use e.g. rk4"
            )
    # Each group on its own: the algebra of a matrix exponential grows steeply with its size.
    return "\n".join(_apply(_only(equations, group), method) for group in groups)


def coupled(equations: EquationSet) -> tuple[frozenset[str], ...]:
    """The differential equations in groups that do not touch each other, in the order written."""
    names = [equation.name for equation in equations.of("differential")]
    groups: list[set[str]] = []
    for name in names:
        touched = (_reached(equations, name) & set(names)) | {name}
        joined = [group for group in groups if group & touched]
        groups = [group for group in groups if not group & touched] + [touched.union(*joined)]
    return tuple(frozenset(group) for group in sorted(groups, key=lambda g: min(map(names.index, g))))


def _reached(equations: EquationSet, name: str) -> set[str]:
    """Every name the equation refers to, through subexpressions too."""
    reached: set[str] = set()
    waiting = set(equations.by_name[name].names)
    while waiting:
        current = waiting.pop()
        reached.add(current)
        equation = equations.by_name.get(current)
        if equation is not None and equation.kind == "subexpression":
            waiting |= equation.names - reached
    return reached


def _only(equations: EquationSet, group: frozenset[str]) -> EquationSet:
    """The equations needed to advance one group."""
    needed = group.union(*(_reached(equations, name) for name in group))
    return EquationSet(tuple(equation for equation in equations.equations if equation.name in needed))


@functools.lru_cache(maxsize=512)
def _apply(equations: EquationSet, method: str) -> str:
    known: dict[str, Any] = variables_of(equations)
    used = {name for e in equations.equations for name in (e.name, *e.names)} | {"dt", "t", "not_refractory"}
    # Brian2 hashes all variables it is given, and there are a thousand units.
    variables = {name: known[name] for name in used if name in known}
    variables["dt"] = Constant("dt", value=np.array([1e-4]), dimensions=known["dt"].dim)  # type: ignore[arg-type]
    try:
        brian = Equations(str(equations))
        # Others stop a clamped variable by a factor of zero; this one would divide by it. Both engines leave
        # clamped variables as they are after the update, so that it needs no factor.
        if method != "exponential_euler":
            brian = add_refractoriness(brian)
        code = str(StateUpdateMethod.apply_stateupdater(brian, variables, method))
    except UnsupportedEquationsException as error:
        raise EquationError(
            f"got the method '{method}', which cannot integrate these equations ({error}); expected another, such as "
            "'exponential_euler' or 'rk2'"
        ) from None
    except Exception as error:  # sympy raises whatever its algebra ran into
        raise EquationError(
            f"the algebra of the method '{method}' fails for these equations ({type(error).__name__}: {error})"
        ) from None
    if re.search(r"/\(*int\(not_refractory\)", code):
        raise EquationError(
            f"the method '{method}' divides by zero while a variable stands still '(unless refractory)'; use euler, "
            "rk2 or rk4"
        )
    nonsense = _NONSENSE.search(code)
    if nonsense:
        raise EquationError(f"a constant in these equations is not a finite real number (it gives '{nonsense[0]}')")
    return re.sub(r"\b_placeholder_arg\b", "", code)
