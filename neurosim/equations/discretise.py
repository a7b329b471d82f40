"""One time step of a model as Brian2 abstract code: the statements both engines execute."""

from __future__ import annotations

import functools
import re
from typing import Any

import numpy as np
from brian2.core.variables import Constant
from brian2.equations.equations import Equations
from brian2.equations.refractory import add_refractoriness
from brian2.stateupdaters.base import StateUpdateMethod, UnsupportedEquationsException

from neurosim.equations.dimensions import variables_of
from neurosim.equations.parse import EquationSet
from neurosim.errors import EquationError

#: Brian2's integration methods that both engines can follow.
METHODS = ("exact", "euler", "exponential_euler", "rk2", "rk4", "heun", "milstein")
AUTOMATIC = ("exact", "euler", "heun")  # Brian2's own order of preference


def resolve_method(equations: EquationSet, method: str | None) -> str:
    """The integration method to use: the one asked for, or the first of Brian2's preferences that fits.

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
    for candidate in AUTOMATIC:
        try:
            abstract_code(equations, candidate)
        except EquationError:
            continue
        return candidate
    raise EquationError("none of Brian2's integration methods fits these equations; name one as 'method'")


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
    brian = add_refractoriness(Equations(str(equations)))
    variables: dict[str, Any] = variables_of(equations)
    variables["dt"] = Constant("dt", value=np.array([1e-4]), dimensions=variables["dt"].dim)  # type: ignore[arg-type]
    try:
        code = StateUpdateMethod.apply_stateupdater(brian, variables, method)
    except UnsupportedEquationsException as error:
        raise EquationError(f"the method '{method}' cannot integrate these equations: {error}") from None
    return re.sub(r"\b_placeholder_arg\b", "", code)
