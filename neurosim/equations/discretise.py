"""Discretise a model: one time step as Brian2 abstract code, which both engines execute."""

# Brian2 and SymPy have no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Generator
from dataclasses import replace

import numpy as np
import sympy

from neurosim.equations.brian import (
    Constant,
    Equations,
    StateUpdateMethod,
    UnsupportedEquationsException,
    add_refractoriness,
)
from neurosim.equations.dimensions import variables_of
from neurosim.equations.divided import Lines
from neurosim.equations.linear import conditionally_linear, linear_system, refused
from neurosim.equations.parse import Equation, EquationSet
from neurosim.equations.propagator import own_step, steps
from neurosim.equations.renamed import renamed
from neurosim.equations.written import regular_as_written
from neurosim.errors import EquationError
from neurosim.untyped import BrianVariable

#: Brian2's integration methods that both engines can follow.
METHODS = ("exact", "euler", "exponential_euler", "rk2", "rk4", "heun", "milstein")
#: Sympy's text for a division by zero and the like.
_NONSENSE = re.compile(r"\b(?:zoo|nan|oo|I|AccumBounds)\b")
#: Of these, the names that variables can have, and what keeps such variables apart.
_ALGEBRAS, _APART = frozenset({"zoo", "nan", "oo", "I", "AccumBounds"}), "__own"
AUTOMATIC = ("exact", "euler", "heun")  # Brian2's own order of preference


def check_method(method: str) -> None:
    """Refuse unknown integration methods.

    Raises
    ------
    EquationError
        With those there are.
    """
    if method not in METHODS:
        raise EquationError(f"unknown integration method '{method}'; allowed are {', '.join(METHODS)}")


def resolve_method(equations: EquationSet, method: str | None) -> str:
    """The integration method to use: the one asked for, or the first of Brian2's preferences that fits.

    Raises
    ------
    EquationError
        If the method is unknown or cannot integrate these equations.
    """
    if method is not None:
        check_method(method)
        abstract_code(equations, method)
        return method
    reason: EquationError | None = None
    for candidate in AUTOMATIC:
        try:
            abstract_code(equations, candidate)
        except EquationError as error:
            reason = error
            continue
        return candidate
    raise EquationError(f"none of {', '.join(AUTOMATIC)} fits these equations; name another method ({reason})")


# Differential equations of a text: algebra takes time with the square of their number, and of a method with several
# stages with the cube, so that a text of strangers could take minutes.
_MOST_OF_ALL = 250
_MOST_EQUATIONS = {"rk2": 100, "heun": 100, "milstein": 100, "rk4": 48}


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
    count, most = len(equations.of("differential")), _MOST_EQUATIONS.get(method, _MOST_OF_ALL)
    if not count:
        return ""
    if count > most:
        raise EquationError(
            f"got {count} differential equations, expected at most {most} with the method '{method}'; for neurons with "
            "many compartments make a population of compartments, joined by pathways"
            + ("" if most == _MOST_OF_ALL else ", or use the method 'euler'")
        )
    own = {name for e in equations.equations for name in (e.name, *e.names)} & _ALGEBRAS
    if method == "exact":
        # Brian2 puts numbers for state variables by their names, which SymPy reads as its own functions.
        own |= {e.name for e in equations.of("differential")} & set(dir(sympy))
    if own:
        # The user's own, by a name that algebra prints for something else.
        apart = EquationSet(tuple(_kept_apart(equation, own) for equation in equations.equations))
        return renamed(abstract_code(apart, method), {f"{name}{_APART}": name for name in own})
    if method == "exponential_euler":
        return _exponential_euler(equations)
    if method == "exact":
        groups = coupled(equations)
        return "\n".join(_exact(_only(equations, group), f"x{number}") for number, group in enumerate(groups))
    return _apply(equations, method)


def _kept_apart(equation: Equation, names: set[str]) -> Equation:
    """An equation with names kept apart from those of algebra."""
    apart = {name: f"{name}{_APART}" for name in names}
    text = None if equation.expression is None else renamed(equation.expression, apart)
    return replace(equation, name=apart.get(equation.name, equation.name), expression=text)


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
    """Brian2's own statements."""
    variables, brian = _in_brian(equations)
    with _algebra(method):
        code = str(StateUpdateMethod.apply_stateupdater(brian, variables, method))
    if re.search(r"/\(*int\(not_refractory\)", code):
        raise EquationError(
            f"the method '{method}' divides by zero while a variable stands still '(unless refractory)'; use euler, "
            "rk2 or rk4"
        )
    _refuse_nonsense(code, equations)
    return re.sub(r"\b_placeholder_arg\b", "", code)


def _exact(equations: EquationSet, label: str) -> str:
    """The closed form; where it is regular in Brian2's own writing, that, for the same last bits as ever."""
    variables, brian = _in_brian(equations)
    with _algebra("exact"):
        linear = linear_system(brian, variables)
        lines = steps(linear, label)
        written = regular_as_written(linear)
        if written is not None:
            lines = written.joined(linear, lines, _apply(equations, "exact"), label)
    code = "\n".join([*lines, *(f"{name} = _{name}" for name in linear.names)])
    _refuse_nonsense(code, equations)
    return code


def _exponential_euler(equations: EquationSet) -> str:
    """Each variable in closed form, the others standing still."""
    # Both engines leave clamped variables as they are after the update, so that these need no factor of zero.
    variables, brian = _in_brian(equations, refractory=False)
    with _algebra("exponential_euler"):
        linear = conditionally_linear(brian, variables)
        lines = Lines("x")
        for name in linear.names:
            lines.assign(f"_{name}", own_step(lines, linear, name))
    code = "\n".join([*lines.lines, *(f"{name} = _{name}" for name in linear.names)])
    _refuse_nonsense(code, equations)
    return code


def _in_brian(equations: EquationSet, *, refractory: bool = True) -> tuple[dict[str, BrianVariable], Equations]:
    """The variables and equations as Brian2's."""
    known: dict[str, BrianVariable] = variables_of(equations)
    used = {name for e in equations.equations for name in (e.name, *e.names)} | {"dt", "t", "not_refractory"}
    # Brian2 hashes all variables it is given, and there are a thousand units.
    variables = {name: known[name] for name in used if name in known}
    variables["dt"] = Constant("dt", value=np.array([1e-4]), dimensions=known["dt"].dim)  # type: ignore[arg-type]
    with _algebra("any"):
        brian = Equations(str(equations))
        return variables, add_refractoriness(brian) if refractory else brian


@contextlib.contextmanager
def _algebra(method: str) -> Generator[None]:
    """Translate errors of Brian2's and SymPy's algebra."""
    try:
        yield
    except EquationError:
        raise
    except UnsupportedEquationsException as error:
        raise refused(method, str(error)) from error
    except Exception as error:  # sympy raises whatever its algebra ran into
        raise EquationError(
            f"the algebra of the method '{method}' fails for these equations ({type(error).__name__}: {error})"
        ) from error


def _refuse_nonsense(code: str, equations: EquationSet) -> None:
    names = {name for e in equations.equations for name in (e.name, *e.names)}
    for nonsense in _NONSENSE.findall(code):
        if nonsense not in names:
            raise EquationError(f"a constant in these equations is not a finite real number (it gives '{nonsense}')")
