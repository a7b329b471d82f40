"""Expressions in the numbers of the two neurons that a synapse joins: ``i``, ``j``, ``N_pre`` and ``N_post``.

As in Brian2, ``i`` is the number of the neuron before the synapse, ``j`` that of the neuron behind it. Nothing of a
text is evaluated before the grammar's whitelist has passed it.
"""

from __future__ import annotations

import ast
import functools
from dataclasses import dataclass, field

import numpy as np

from neurosim.border import set_fields
from neurosim.circuit.synapses import Ends
from neurosim.equations.grammar import CONSTANTS, Place, check_expression, names_in
from neurosim.equations.parse import EquationSet, unknown_names
from neurosim.equations.reserved import RANDOM_FUNCTIONS
from neurosim.units import UNIT_VALUES

#: Names that a text may read besides units and constants, all without a unit.
NAMES: tuple[str, ...] = ("i", "j", "N_pre", "N_post")


@dataclass(frozen=True)
class PairText:
    """A checked expression.

    Attributes
    ----------
    text
        In `NAMES`, units, constants, and calls of the language's functions; with ``rand()`` and ``randn()`` if
        `random`.
    what
        What it gives, for messages: ``the condition``.
    random
        Whether it may draw.

    Raises
    ------
    EquationError
        With line and column, if the text is no such expression.

    Examples
    --------
    >>> text = PairText("0.2*exp(-abs(i - j)/10)", "the weights")
    >>> text.evaluated(np.arange(3), np.arange(3), Ends(3, 3)).round(1).tolist()
    [0.2, 0.2, 0.2]
    """

    text: str
    what: str = field(compare=False)
    random: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        set_fields(self, text=self.text.strip())
        tree = self._tree
        drawn = [name for name in RANDOM_FUNCTIONS if name in _called(tree)]
        if drawn and not self.random:
            at = self.text.find(drawn[0])
            raise self.place.error(f"'{drawn[0]}()' cannot be drawn in {self.what}; draws are made by p= and draw=", at)
        names = names_in(tree) - UNIT_VALUES.keys() - CONSTANTS.keys()
        unknown_names(names, NAMES, self.place, what=self.what)

    @property
    def place(self) -> Place:
        """Where the text begins."""
        return Place(text=self.text)

    @functools.cached_property
    def names(self) -> frozenset[str]:
        """The names that it reads, units included."""
        return names_in(self._tree)

    @property
    def draws(self) -> bool:
        """Whether it has random numbers."""
        return any(name in RANDOM_FUNCTIONS for name in _called(self._tree))

    @property
    def _tree(self) -> ast.expr:
        return check_expression(self.text, self.place, random=True)

    def check_condition(self) -> None:
        """Refuse what is no truth value, with its place."""
        from neurosim.equations.dimensions import check_condition

        extra = dict.fromkeys(NAMES, "1")
        what = self.what.removeprefix("the ")
        check_condition(self.text, EquationSet(()), what=what, extra=extra, place=self.place)

    def check_unit(self, unit: str) -> None:
        """Refuse a truth value, or numbers of another unit.

        Raises
        ------
        EquationError, UnitError
            With the place, what was got and what is expected.
        """
        # Late: units of expressions are Brian2's, which takes a second to import.
        from neurosim.equations.brian import is_boolean_expression
        from neurosim.equations.dimensions import dimension_of, shown_unit, unit_of_expression, variables_of

        variables = variables_of(EquationSet(()), dict.fromkeys(NAMES, "1"))
        got, expected = unit_of_expression(self.text, variables, self.place), dimension_of(unit)
        if is_boolean_expression(self.text, variables):
            raise self.place.error(f"'{self.text}' is a truth value; write int({self.text}) for zeros and ones")
        if got is not expected:
            raise self.place.unit_error(f"'{self.text}' is in {shown_unit(got)}, expected {shown_unit(expected)}")

    def evaluated(
        self,
        i: np.ndarray | int,
        j: np.ndarray | int,
        ends: Ends,
        shape: tuple[int, ...] | None = None,
        generator: np.random.Generator | None = None,
    ) -> np.ndarray:
        """The value for each pair of neurons, in SI units.

        Parameters
        ----------
        i, j
            The numbers of the neurons, arrays that broadcast against each other.
        ends
            The populations.
        shape
            Shape of the result; that of `i` and `j` together by default.
        generator
            Where random numbers come from, as many as the result has for each call in the text.
        """
        shape = np.broadcast_shapes(np.shape(i), np.shape(j)) if shape is None else shape
        from neurosim.equations.evaluated import evaluated

        given = {"i": i, "j": j, "N_pre": ends.n_pre, "N_post": ends.n_post}
        return evaluated(self.text, given, shape, generator)

    def __str__(self) -> str:
        return self.text


def _called(tree: ast.expr) -> set[str]:
    return {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
