"""The parts of Brian2 that are used. Only this module and the Brian2 engine import it, this one first.

Who imports it by way of neurosim finds the process as it was; who imports Brian2 before gets it as it is.
"""

# Brian2 has no types.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import sympy
    from brian2.units.fundamentalunits import Dimension

from neurosim.imports import process_as_it_was
from neurosim.untyped import BrianVariable

with contextlib.nullcontext() if "brian2" in sys.modules else process_as_it_was():
    import brian2 as brian2
    from brian2.core.functions import DEFAULT_CONSTANTS as DEFAULT_CONSTANTS
    from brian2.core.functions import DEFAULT_FUNCTIONS as DEFAULT_FUNCTIONS
    from brian2.core.functions import Function as Function
    from brian2.core.namespace import DEFAULT_UNITS as DEFAULT_UNITS
    from brian2.core.variables import Constant as Constant
    from brian2.core.variables import Variable as Variable
    from brian2.equations import refractory as _refractory
    from brian2.equations.codestrings import is_constant_over_dt as is_constant_over_dt
    from brian2.equations.equations import Equations as Equations
    from brian2.equations.equations import dimensions_and_type_from_string as dimensions_and_type_from_string
    from brian2.parsing import expressions as _expressions
    from brian2.parsing import sympytools as _sympytools
    from brian2.parsing.expressions import parse_expression_dimensions as parse_expression_dimensions
    from brian2.parsing.rendering import NodeRenderer as NodeRenderer
    from brian2.stateupdaters.base import StateUpdateMethod as StateUpdateMethod
    from brian2.stateupdaters.base import UnsupportedEquationsException as UnsupportedEquationsException
    from brian2.units import fundamentalunits as _fundamentalunits
    from brian2.units.fundamentalunits import DIMENSIONLESS as DIMENSIONLESS
    from brian2.units.fundamentalunits import DimensionMismatchError as DimensionMismatchError
    from brian2.units.fundamentalunits import get_dimensions as get_dimensions
    from brian2.units.fundamentalunits import get_unit_for_display as get_unit_for_display

# The signatures of what other modules call.
is_boolean_expression: Callable[[str, Mapping[str, BrianVariable]], bool | None] = _expressions.is_boolean_expression
#: Gives a number's expression, or a condition, which is no `sympy.Expr`.
str_to_sympy: Callable[..., Any] = _sympytools.str_to_sympy
sympy_to_str: Callable[[sympy.Basic], str] = _sympytools.sympy_to_str
add_refractoriness: Callable[[Equations], Equations] = _refractory.add_refractoriness
get_or_create_dimension: Callable[[Sequence[float]], Dimension] = _fundamentalunits.get_or_create_dimension

# Python's own type of it does not know that a module can be None there.
if cast(dict[str, object], sys.modules).get("pylab", sys) is None:
    # The command line hides it from Brian2 alone.
    del sys.modules["pylab"]
