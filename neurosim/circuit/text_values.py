"""Faults in a pathway's texts that parameter values decide: divisions by zero, values that are no real number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from neurosim.circuit.description import Pathway
from neurosim.equations.decided import decided_value
from neurosim.equations.dimensions import UNIT_VALUES
from neurosim.equations.grammar import Place
from neurosim.equations.parse import parse_expression


def check_texts(pathway: Pathway, values: Mapping[str, float]) -> None:
    """Refuse texts that divide by zero or are no real numbers with these values.

    Parameters
    ----------
    values
        Values of parameters of the pathway's rules, in SI units.

    Raises
    ------
    EquationError
        With the place in the text, and the values.
    """
    for text, place in _texts(pathway):
        decided_value(text, {**values, **UNIT_VALUES}, place)


def _texts(pathway: Pathway) -> Iterator[tuple[str, Place]]:
    synapse = pathway.synapse
    for rule in synapse.updates:
        yield from ((statement.expression, statement.place) for statement in rule.statements)
    yield from ((equation.expression or "0", equation.place) for equation in synapse.flows)
    for statements in (synapse.at_pre, synapse.at_post):
        yield from ((statement.expression, statement.place) for statement in statements)
    if pathway.delivers is not None:
        yield parse_expression(pathway.delivers)
