"""Values from text: arithmetic with random draws that gives one number for each neuron or each synapse.

``"10*ms + 0.1*i*ms"`` and ``"rand()*5*nS"`` are read by the grammar of equations, and computed by the functions on
arrays that equations become. Numbers are drawn by a generator of the caller's, one array for each call in the text.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from neurosim.equations.dimensions import UNIT_VALUES, is_condition, unit_of_expression, variables_of
from neurosim.equations.evaluated import evaluated
from neurosim.equations.grammar import CONSTANTS, RANDOM_FUNCTIONS, check_expression, names_in
from neurosim.equations.parse import EquationSet, parse_expression, unknown_names
from neurosim.errors import EquationError
from neurosim.units import dimension_text

#: Names that values of neurons read, with their units: the neuron's number, and how many there are.
OF_NEURONS: Mapping[str, str] = {"i": "1", "N": "1"}


@dataclass(frozen=True)
class ValueText:
    """A checked text that gives values.

    Attributes
    ----------
    text
        The expression, on one line.
    unit
        Unit of the values, in base units; ``boolean`` of a condition.
    """

    text: str
    unit: str

    @property
    def random(self) -> bool:
        """Whether it draws random numbers."""
        return any(
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RANDOM_FUNCTIONS
            for node in ast.walk(ast.parse(self.text, mode="eval"))
        )

    def values(self, shape: tuple[int, ...], given: Mapping[str, object], generator: np.random.Generator) -> np.ndarray:
        """The values in SI units, float64.

        Parameters
        ----------
        shape
            Shape of the result; draws are made in this shape.
        given
            The names that the text may read -> numbers or arrays that broadcast to `shape`.
        generator
            What ``rand()`` (uniform between 0 and 1) and ``randn()`` (standard normal) are drawn by, call by call in
            the order of the text.

        Raises
        ------
        EquationError
            A value that is not finite, with the place of the first in the array.
        """
        full = np.array(evaluated(self.text, given, shape, generator), dtype=float)
        if not np.isfinite(full).all():
            first = tuple(int(place) for place in np.argwhere(~np.isfinite(full))[0])
            which = first[0] if len(first) == 1 else first
            raise EquationError(f"'{self.text}' is not a finite number ({full[first]}) for number {which}")
        return full


def gives_values(text: object, names: Collection[str] = OF_NEURONS) -> bool:
    """Whether a text has a call or one of the names, such as ``rand()*mV``; else it is one quantity, ``5*mV``."""
    if not isinstance(text, str) or len(text) > 4_000:
        return False
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(isinstance(node, ast.Call) for node in ast.walk(tree)) or not names_in(tree).isdisjoint(names)


def value_text(text: str, names: Mapping[str, str] = OF_NEURONS, *, what: str = "a value") -> ValueText:
    """Read and check a text of values.

    Parameters
    ----------
    text
        An expression in units, numbers, functions, ``rand()``, ``randn()`` and `names`.
    names
        What else it may read, with units.
    what
        What it is, for messages.

    Raises
    ------
    EquationError
        Text outside the grammar, or an unknown name, with its place and what is known.
    UnitError
        Units that do not fit each other.
    """
    line, place = parse_expression(text)
    tree = check_expression(line, place, random=True)
    unknown_names(names_in(tree) - _CONSTANT, names, place, what=what)
    variables = variables_of(EquationSet(()), names)
    unit = dimension_text(unit_of_expression(line, variables, place))
    return ValueText(line, "boolean" if is_condition(line, variables, place) else unit)


_CONSTANT = frozenset({*UNIT_VALUES, *CONSTANTS})
