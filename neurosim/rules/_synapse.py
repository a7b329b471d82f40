"""A synapse with all rules of its pathway together."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from neurosim.equations.inlined import inlined
from neurosim.equations.parse import Equation, EquationSet, Statement
from neurosim.errors import EquationError
from neurosim.rules._at_spikes import local_names, written_out
from neurosim.rules._moments import MOMENTS, Moment
from neurosim.rules._oracle import OracleRule
from neurosim.rules._rule import Rule
from neurosim.untyped import UserValue

_Value = TypeVar("_Value")


class _Named(Protocol):
    @property
    def name(self) -> str: ...


@dataclass(frozen=True)
class Synapse:
    """The variables and texts of all rules of a pathway.

    Attributes
    ----------
    rules
        In the order in which the pathway names them. One that computes on whole pathways stands alone.

    Raises
    ------
    EquationError
        If two rules declare one name differently, or a rule of whole pathways has others beside it.
    """

    rules: tuple[Rule | OracleRule, ...]

    def __post_init__(self) -> None:
        if len(self.rules) > 1 and (oracle := next((r for r in self.rules if isinstance(r, OracleRule)), None)):
            raise EquationError(
                f"the rule '{oracle.name}' computes on the arrays of a whole pathway and cannot be combined; got "
                f"{len(self.rules)} rules, expected this one alone"
            )
        _ = self.parameters, self.declared, self.initial
        _check_locals(self.local_rules)

    @functools.cached_property
    def local_rules(self) -> tuple[Rule, ...]:
        """The rules that are texts of a synapse: all, or none."""
        return tuple(rule for rule in self.rules if isinstance(rule, Rule))

    @functools.cached_property
    def oracle(self) -> OracleRule | None:
        """The rule that computes on the whole pathway, if it has that."""
        return next((rule for rule in self.rules if isinstance(rule, OracleRule)), None)

    @property
    def name(self) -> str:
        """The names of its rules."""
        return " + ".join(rule.name for rule in self.rules)

    @functools.cached_property
    def parameters(self) -> Mapping[str, UserValue]:
        """Names and default values of the parameters of all rules."""
        return _merged(self.rules, ((rule, rule.parameters) for rule in self.rules), "parameter")

    @functools.cached_property
    def initial(self) -> Mapping[str, UserValue]:
        """Starts of variables, where a rule gives them."""
        return _merged(self.rules, ((rule, rule.initial) for rule in self.local_rules), "start of")

    @functools.cached_property
    def declared(self) -> EquationSet | None:
        """The declarations of all variables besides the weight, none if there are none."""
        equations: dict[str, Equation] = {}
        for rule in self.local_rules:
            for equation in rule.written:
                before = equations.setdefault(equation.name, equation)
                learned = {name for one in self.local_rules for name in one.trace_variables}
                if str(before) != str(equation) or (equation.name in learned) != (
                    equation.name in rule.trace_variables
                ):
                    raise equation.place.error(
                        f"'{equation.name}' is declared as '{before}' and as '{equation}' by rules of one pathway; "
                        "declare both alike, or rename one"
                    )
        kept = tuple(equation for equation in equations.values() if equation.kind != "subexpression")
        return EquationSet(kept) if kept else None

    @functools.cached_property
    def trace_variables(self) -> tuple[str, ...]:
        """The variables that belong to a trial."""
        return _each(rule.trace_variables for rule in self.rules)

    @functools.cached_property
    def synaptic_variables(self) -> tuple[str, ...]:
        """All variables, the weight ``w`` first."""
        if self.oracle is not None:
            return self.oracle.synaptic_variables
        return ("w", *(equation.name for equation in (self.declared.equations if self.declared else ())))

    @functools.cached_property
    def expressions(self) -> Mapping[str, str]:
        """Name -> expression, of traces that are one."""
        return {name: text for rule in self.local_rules for name, text in rule.expressions.items()}

    @functools.cached_property
    def flows(self) -> tuple[Equation, ...]:
        """The differential equations of its traces, with expressions written out."""
        equations: dict[str, Equation] = {}
        for rule in self.local_rules:
            for equation in rule.flows:
                equations.setdefault(equation.name, _written_out(rule, equation))
        return tuple(equations.values())

    @functools.cached_property
    def at_pre(self) -> tuple[Statement, ...]:
        """The statements at a spike that arrives, with expressions written out."""
        return tuple(statement for rule in self.local_rules for statement in written_out(rule, rule.at_pre))

    @functools.cached_property
    def at_post(self) -> tuple[Statement, ...]:
        """The statements at a spike of the postsynaptic neuron, with expressions written out."""
        return tuple(statement for rule in self.local_rules for statement in written_out(rule, rule.at_post))

    def at(self, moment: Moment) -> Rule | OracleRule | None:
        """The rule whose update acts at a moment: the only one, or all that do as one text."""
        return self._at[moment.name]

    @functools.cached_property
    def _at(self) -> Mapping[str, Rule | OracleRule | None]:
        by_moment: dict[str, Rule | OracleRule | None] = dict.fromkeys(MOMENTS)
        for name, moment in MOMENTS.items():
            acting = [rule for rule in self.rules if rule.moment is moment and (rule.statements or rule is self.oracle)]
            by_moment[name] = acting[0] if len(acting) == 1 else (_as_one([r for r in acting if isinstance(r, Rule)]))
        return by_moment

    @property
    def updates(self) -> tuple[Rule | OracleRule, ...]:
        """The rules of all moments at which an update acts."""
        return tuple(rule for rule in self._at.values() if rule is not None)

    @property
    def moments(self) -> tuple[Moment, ...]:
        """The moments at which an update acts."""
        return tuple(MOMENTS[name] for name, rule in self._at.items() if rule is not None)

    @functools.cached_property
    def stepped(self) -> tuple[str, ...]:
        """The variables that change within steps."""
        within = (stepped_by(rule) for rule in self.updates)
        return _each((*within, *(rule.struck for rule in self.local_rules), tuple(e.name for e in self.flows)))

    @functools.cached_property
    def struck(self) -> tuple[str, ...]:
        """The variables that statements at spikes change."""
        return _each(rule.struck for rule in self.local_rules)

    @functools.cached_property
    def learned(self) -> tuple[str, ...]:
        """The variables that learning changes for good."""
        return _each(rule.learned for rule in self.rules)

    @functools.cached_property
    def names(self) -> frozenset[str]:
        """All names that its rules refer to."""
        return frozenset[str]().union(*(rule.names for rule in self.rules))

    @property
    def reads(self) -> tuple[str, ...]:
        """The things that its rules need beyond the synapse."""
        return _each(rule.reads for rule in self.rules)

    @property
    def learns(self) -> bool:
        """Whether any rule changes anything."""
        return any(rule.learns for rule in self.rules)

    @property
    def local(self) -> bool:
        """Whether every synapse can compute it from what it sees."""
        return all(rule.local for rule in self.rules)

    @property
    def learns_at_spikes(self) -> bool:
        """Whether statements at spikes change what is learned."""
        return bool({*self.struck} & {*self.learned})

    @property
    def acts_at_spikes(self) -> bool:
        """Whether it has statements at spikes."""
        return bool(self.at_pre or self.at_post)

    def shape_of(self, variable: str, n_post: int, n_pre: int) -> tuple[int, ...]:
        """The shape of one of its variables."""
        return self.rules[0].shape_of(variable, n_post, n_pre)


def stepped_by(rule: Rule | OracleRule) -> tuple[str, ...]:
    """The variables that a rule's update changes within steps, at once: of one whose increments wait, its traces."""
    if not rule.moment.within_steps:
        return ()
    return tuple(name for name in rule.changed if not rule.moment.averaged or name in rule.trace_variables)


def _each(groups: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for group in groups for name in group))


def _merged(
    rules: tuple[_Named, ...], given: Iterator[tuple[_Named, Mapping[str, _Value]]], what: str
) -> Mapping[str, _Value]:
    merged: dict[str, _Value] = {}
    for rule, values in given:
        for name, value in values.items():
            if name in merged and merged[name] is not value and merged[name] != value:
                others = " and ".join(f"'{other.name}'" for other in rules)
                raise EquationError(
                    f"the {what} '{name}' is {merged[name]!r} and {value!r} in rules of one pathway ({others}); give "
                    f"both the same value, or rename the one of '{rule.name}'"
                )
            merged[name] = value
    return merged


def _written_out(rule: Rule, equation: Equation) -> Equation:
    return replace(equation, expression=inlined(equation.expression or "0", rule.expressions))


def _as_one(rules: list[Rule]) -> Rule | None:
    """Rules that act at one moment, as one text: their increments add up."""
    if not rules:
        return None
    written: dict[str, Equation] = {e.name: e for rule in rules for e in rule.written}
    traces = {name for rule in rules for name in (*rule.trace_variables, *rule.expressions)}
    return Rule(
        "\n".join(rule.update.strip() for rule in rules),
        variables="\n".join(str(e) for e in written.values() if e.name not in traces),
        traces="\n".join(str(e) for e in written.values() if e.name in traces),
        parameters={name: value for rule in rules for name, value in rule.parameters.items()},
        timing=rules[0].timing,
        reads=_each(rule.reads for rule in rules),
        name=" + ".join(rule.name for rule in rules),
        on_pre="\n".join(rule.on_pre for rule in rules),
        on_post="\n".join(rule.on_post for rule in rules),
    )


def _check_locals(rules: tuple[Rule, ...]) -> None:
    """Refuse a name that is local to a text of one rule and means something in another."""
    for rule in rules:
        own = local_names(rule, rule.at_pre) | local_names(rule, rule.at_post)
        for other in rules:
            known = {*other.synaptic_variables, *other.parameters, *other.expressions}
            if both := sorted(own & known):
                raise EquationError(
                    f"'{both[0]}' is local to a text of the rule '{rule.name}' and a name of the rule '{other.name}' "
                    "of the same pathway; rename one"
                )
