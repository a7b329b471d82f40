"""What a learning rule is: the increment of a synapse's variables, as text."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from neurosim.border import NAMES, check_fields, one_of
from neurosim.border.arguments import MAPPING, TEXT
from neurosim.equations.grammar import Place, check_identifier
from neurosim.equations.parse import Equation, EquationSet, Statement, parse_equations, parse_statements
from neurosim.equations.reserved import RULE_NAMES
from neurosim.errors import EquationError, UnitError
from neurosim.rules._moments import MOMENTS, Moment, Timing
from neurosim.units import base_unit, parse_quantity


@dataclass(frozen=True)
class Rule:
    """The learning equation of a pathway.

    A rule sees what a synapse sees: variables of the presynaptic neuron (``*_pre``), of the postsynaptic one
    (``*_post``), its own, and scalars that are broadcast to all (``loss``, phase switches). ``update_noise`` is a
    standard normal number that is drawn anew for each synapse in each batch.

    Attributes
    ----------
    update
        Statements such as ``w += learning_rate*delta_post*r_pre``; only ``+=`` and ``-=``, so that trials can average.
    variables
        Further variables of the synapse, one declaration a line (``velocity : 1``). Like the weight they are one
        number a synapse, whatever the number of trials.
    traces
        Variables of the synapse that belong to a trial, such as an eligibility. They start from zero with each
        presentation, unless state carries over, and are never averaged over trials. Only for rules at every step.
    parameters
        Names and default values of the rule's parameters, ``None`` for no default. A quantity (``"20 ms"``) has its
        unit in the update; a plain number takes the unit that the update needs.
    timing
        At the end of each phase in which the pathway learns (``phase_end``), or at every ``step`` of such a phase; or
        once before the first phase of each ``presentation`` with such a phase. Then there is no activity yet: it reads
        parameters, the synapse's variables, and `reads`.
    reads
        What the rule needs beyond the synapse: ``"reciprocal"``, the weight of the opposite synapse, as
        ``w_reciprocal``; ``"population"``, a sum over the neurons at one end. Such a rule is not local.
    name
        The file's stem.

    Examples
    --------
    >>> rule = Rule("w += rate*r_post*r_pre", parameters={"rate": None})
    >>> rule.local, rule.increments
    (True, {'w': 'rate*r_post*r_pre'})
    """

    update: str = ""
    variables: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    timing: Timing = "phase_end"
    reads: tuple[str, ...] = ()
    name: str = "rule"
    traces: str = ""

    def __post_init__(self) -> None:
        texts = dict.fromkeys(("update", "variables", "traces", "name"), TEXT)
        timing = one_of(*MOMENTS)
        check_fields(self, **texts, parameters=MAPPING, timing=timing, reads=NAMES)
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))
        for name, value in self.parameters.items():
            check_name(name, Place())
            if value is not None:
                parameter_value(self.name, name, value)
            if name in self.synaptic_variables:
                raise EquationError(f"'{name}' is a parameter and a variable of the rule '{self.name}'; rename one")
        for statement in self.statements:
            if statement.target not in self.synaptic_variables:
                raise statement.place.error(
                    f"a rule changes its synapse's own variables ({', '.join(self.synaptic_variables)}), "
                    f"not '{statement.target}'"
                )
            if statement.operator not in ("+=", "-="):
                raise statement.place.error(f"expected += or -= in a rule, got '{statement.operator}'")
        if self.traces.strip() and not self.moment.within_steps:
            raise EquationError(f"traces ('{self.traces.strip()}') change at every step; expected timing='step'")
        if unknown := set(self.reads) - {"reciprocal", "population"}:
            raise EquationError(
                f"a rule can read 'reciprocal' or 'population' beyond the synapse, not {sorted(unknown)}"
            )

    def __hash__(self) -> int:
        return hash((self.update, self.variables, self.traces, self.timing, self.reads, tuple(self.parameters.items())))

    @property
    def moment(self) -> Moment:
        """When it acts, and what it can see then."""
        return MOMENTS[self.timing]

    @functools.cached_property
    def statements(self) -> tuple[Statement, ...]:
        """The parsed update."""
        return parse_statements(self.update)

    @functools.cached_property
    def declared(self) -> EquationSet | None:
        """The parsed declarations of `variables` and `traces`, none if there are none."""
        found = (*_declarations(self.variables, "variable"), *_declarations(self.traces, "trace"))
        names = [equation.name for equation in found]
        if twice := next((equation for equation in found if names.count(equation.name) > 1), None):
            raise twice.place.error(f"'{twice.name}' is among the variables and among the traces of the rule")
        return EquationSet(found) if found else None

    @functools.cached_property
    def trace_variables(self) -> tuple[str, ...]:
        """The names of `traces`."""
        return tuple(equation.name for equation in _declarations(self.traces, "trace"))

    @functools.cached_property
    def synaptic_variables(self) -> tuple[str, ...]:
        """The synapse's own variables: the weight ``w`` first."""
        return ("w", *(equation.name for equation in (self.declared.equations if self.declared else ())))

    @property
    def increments(self) -> dict[str, str]:
        """The increment of each variable that changes, as one expression."""
        found: dict[str, str] = {}
        for statement in self.statements:
            sign = "+" if statement.operator == "+=" else "-"
            before = found.get(statement.target)
            found[statement.target] = (
                f"{before} {sign} ({statement.expression})"
                if before
                else (statement.expression if sign == "+" else f"-({statement.expression})")
            )
        return found

    @property
    def changed(self) -> tuple[str, ...]:
        """The synaptic variables it changes."""
        return tuple(dict.fromkeys(statement.target for statement in self.statements))

    @property
    def learned(self) -> tuple[str, ...]:
        """The synaptic variables that learning changes for good: all it changes but traces."""
        return tuple(name for name in self.changed if name not in self.trace_variables)

    @property
    def names(self) -> frozenset[str]:
        """All names its update refers to."""
        return frozenset().union(*(statement.names for statement in self.statements))

    def shape_of(self, variable: str, n_post: int, n_pre: int) -> tuple[int, ...]:
        """The shape of one of its variables: one number a synapse."""
        return (n_post, n_pre)

    @property
    def learns(self) -> bool:
        """Whether it changes anything at all."""
        return bool(self.statements)

    @property
    def local(self) -> bool:
        """Whether every synapse can compute it from what it sees."""
        return not self.reads


def check_name(name: str, place: Place) -> None:
    """Refuse the name of a rule's parameter or variable that means something already.

    Raises
    ------
    EquationError
        With what it means.
    """
    check_identifier(name, place)
    if name in RULE_NAMES:
        raise place.error(f"'{name}' is {RULE_NAMES[name]} and cannot be a name of the rule's own; rename it")


def parameter_value(rule: str, name: str, value: Any, *, finite: bool = True) -> tuple[float, str | None]:
    """A rule's parameter in SI units, and its unit as a product of base units; none of a plain number.

    Raises
    ------
    UnitError
        If it is no quantity, or not finite.
    """
    if not finite and isinstance(value, float) and value > 0 and math.isinf(value):
        return value, None  # such as a memory that never forgets
    try:
        unit = base_unit(value)
        return parse_quantity(value), None if unit == "1" else unit
    except UnitError as error:
        raise UnitError(f"the parameter '{name}' of the rule '{rule}': {error}") from None


def _declarations(text: str, what: str) -> tuple[Equation, ...]:
    """The variables that a text declares: each is one number a synapse, which the update changes."""
    found = parse_equations(text).equations if text.strip() else ()
    for equation in found:
        check_name(equation.name, equation.place)
        name, unit = equation.name, equation.unit
        if equation.kind == "differential":
            raise equation.place.error(
                f"the {what} '{name}' has a differential equation, and those of synapses are not integrated; declare "
                f"'{name} : {unit}' and step it in the update, '{name} += dt*({equation.expression})', with "
                "timing='step'"
            )
        if equation.kind == "subexpression":
            raise equation.place.error(
                f"the {what} '{name}' is an expression, and those of synapses are not computed; write "
                f"'({equation.expression})' in the update where '{name}' stands"
            )
        if equation.flags:
            raise equation.place.error(
                f"the {what} '{name}' has the flag '{equation.flags[0]}', and variables of synapses have none: each "
                "synapse has its own number, which changes with the update"
            )
        if unit in ("integer", "boolean"):
            raise equation.place.error(
                f"the {what} '{name}' is declared '{unit}', and increments are real numbers; expected a unit, e.g. 1"
            )
    return found


@dataclass(frozen=True)
class OracleRule:
    """A reference rule that is no synapse's: it computes on the arrays of a whole pathway.

    Attributes
    ----------
    step
        ``step(xp, values, inputs, parameters) -> values``: the new value of each of `variables`. `values` holds
        ``w`` and the further variables; `inputs` the variables named in `uses`, shape (trial, n); `xp` is the
        array module. Pure, and without a branch on values.
    uses
        The neurons' variables it reads, as ``name_pre`` and ``name_post``.
    variables
        Further variables and their shapes, in terms of ``post`` and ``pre``.
    parameters
        Names and default values.
    reads
        What it needs beyond the synapse, in words for tables. With ``"reciprocal"`` its inputs hold ``w_reciprocal``:
        the weights of the pathway that leads back, transposed, so that they have the shape of ``w``.
    timing
        At the end of each phase in which the pathway learns, or at the beginning of each ``presentation`` with such a
        phase; then it can read no neuron's variable.
    """

    step: Callable[[Any, Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]]
    uses: tuple[str, ...]
    variables: Mapping[str, tuple[Literal["post", "pre"], ...]] = field(default_factory=dict)
    parameters: Mapping[str, float | None] = field(default_factory=dict)
    reads: tuple[str, ...] = ("pathway",)
    name: str = "oracle"
    timing: Timing = "phase_end"

    local: bool = field(default=False, init=False)
    learns: bool = field(default=True, init=False)
    statements: tuple[Statement, ...] = field(default=(), init=False)
    declared: None = field(default=None, init=False)
    trace_variables: tuple[str, ...] = field(default=(), init=False)

    def __hash__(self) -> int:
        return hash((self.step, self.uses, tuple(self.variables.items()), tuple(self.parameters.items()), self.timing))

    @property
    def moment(self) -> Moment:
        """When it acts, and what it can see then."""
        return MOMENTS[self.timing]

    @property
    def synaptic_variables(self) -> tuple[str, ...]:
        """``w`` first."""
        return ("w", *self.variables)

    @property
    def changed(self) -> tuple[str, ...]:
        """The variables it changes: all."""
        return self.synaptic_variables

    @property
    def learned(self) -> tuple[str, ...]:
        """The variables that learning changes for good: all."""
        return self.synaptic_variables

    @property
    def names(self) -> frozenset[str]:
        """All names it refers to."""
        return frozenset(self.uses)

    def shape_of(self, variable: str, n_post: int, n_pre: int) -> tuple[int, ...]:
        """The shape of one of its variables."""
        sizes = {"post": n_post, "pre": n_pre}
        return (n_post, n_pre) if variable == "w" else tuple(sizes[side] for side in self.variables[variable])
