"""Statements of a rule at spikes: what they may change, and which of their names are their own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from neurosim.equations.inlined import inlined, names_within
from neurosim.equations.parse import Statement
from neurosim.rules._declared import check_name
from neurosim.suggestions import nearest

if TYPE_CHECKING:
    from neurosim.rules._rule import Rule


def check(rule: Rule) -> None:
    """Refuse statements at spikes that change what a synapse cannot.

    Raises
    ------
    EquationError
        With the place of the statement, and what is expected.
    """
    for side, statements in (("on_pre", rule.at_pre), ("on_post", rule.at_post)):
        missing, assigned = local_names(rule, statements), set[str]()
        for statement in statements:
            _check_target(rule, side, statement, assigned)
            reads = statement.names if statement.operator == "=" else statement.names | {statement.target}
            if early := sorted((missing - assigned) & reads):
                raise statement.place.error(
                    f"'{early[0]}' of {side} is read before it is assigned; put its assignment first",
                    statement.place.find(early[0]),
                )
            if is_local(rule, statement):
                assigned.add(statement.target)
        _refuse_unread(rule, side, statements)


def _refuse_unread(rule: Rule, side: str, statements: tuple[Statement, ...]) -> None:
    """Refuse a local name that no later statement reads: its assignment would do nothing."""
    for number, statement in enumerate(statements):
        later = frozenset[str]().union(*(other.names for other in statements[number + 1 :]))
        if is_local(rule, statement) and statement.target not in later:
            near = nearest(statement.target, rule.synaptic_variables)
            asked = f"; is it '{near}'?" if near else ""
            raise statement.place.error(
                f"'{statement.target}' is assigned in {side} and never read there{asked}; "
                "declare it among the traces to keep it between steps, or leave the statement out"
            )


def _check_target(rule: Rule, side: str, statement: Statement, local: Iterable[str]) -> None:
    target = statement.target
    if target in rule.synaptic_variables:
        return
    if target in rule.expressions or target in rule.parameters:
        kind = "an expression" if target in rule.expressions else "a parameter"
        raise statement.place.error(f"'{target}' is {kind} of the rule '{rule.name}', and {side} cannot change it")
    if target.endswith("_pre"):
        raise statement.place.error(f"{side} changes '{target}', and a synapse cannot change its presynaptic neuron")
    if target.endswith("_post"):
        if side == "on_post":
            raise statement.place.error(
                f"on_post changes '{target}', but only on_pre delivers to the postsynaptic neuron; move it there"
            )
        if statement.operator not in ("+=", "-="):
            raise statement.place.error(f"expected += or -= in what is delivered, got '{statement.operator}'")
        return
    if statement.operator != "=" and target not in local:
        raise statement.place.error(
            f"'{target}' is no variable of the synapse ({', '.join(rule.synaptic_variables)}); declare it among the "
            f"traces, or assign it with '=' to use it in this text only"
        )
    check_name(target, statement.place)


def is_local(rule: Rule, statement: Statement) -> bool:
    """Whether a statement assigns a name of its text alone."""
    return statement.target not in rule.synaptic_variables and not statement.target.endswith("_post")


def local_names(rule: Rule, statements: Iterable[Statement]) -> set[str]:
    """The names that are of these statements alone."""
    return {statement.target for statement in statements if is_local(rule, statement)}


def written_out(rule: Rule, statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """The statements with the rule's expressions in place of their names."""
    return tuple(Statement(s.target, s.operator, inlined(s.expression, rule.expressions), s.place) for s in statements)


def names(rule: Rule) -> frozenset[str]:
    """All names that statements at spikes refer to, but for those of their text alone."""
    read: frozenset[str] = frozenset()
    for statements in (rule.at_pre, rule.at_post):
        texts = (statement.expression for statement in statements)
        read |= names_within(texts, rule.expressions) - local_names(rule, statements)
    return read
