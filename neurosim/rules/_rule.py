"""Learning rules: text that says how a synapse's variables change."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from neurosim.border import NAMES, check_fields, one_of, set_fields
from neurosim.border.arguments import MAPPING, TEXT
from neurosim.equations.grammar import Place
from neurosim.equations.inlined import inlined, names_within
from neurosim.equations.parse import Equation, EquationSet, Statement, parse_statements
from neurosim.errors import EquationError
from neurosim.folded import fields_folded
from neurosim.rules import _at_spikes
from neurosim.rules._declared import check_name, declarations, parameter_value
from neurosim.rules._moments import MOMENTS, Moment, Timing
from neurosim.untyped import UserValue


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
        Variables of the synapse that belong to a trial, such as an eligibility: a declaration (``e : 1``), a
        differential equation (``da/dt = -a/tau : 1``), which advances with each time step, or an expression
        (``q = 3*r_post : 1``). They start from `initial` with each presentation, unless state carries over, and are
        never averaged over trials.
    parameters
        Names and default values of the rule's parameters, ``None`` for no default. A quantity (``"20 ms"``) has its
        unit in the update; a plain number takes the unit that the update needs.
    timing
        At the end of each phase in which the pathway learns (``phase_end``), or at every ``step`` of such a phase,
        on the new state and with effect at once. With ``integral`` at every step as well, but on all variables as they
        are when the step begins, with its inputs: increments of traces have effect in the next step, those of the
        weight add up over the phase and have effect with the next presentation. Or once before the first phase of each
        ``presentation`` with such a phase. Then there is no activity yet: it reads parameters, the synapse's variables,
        and `reads`.
    reads
        What the rule needs beyond the synapse: ``"reciprocal"``, the weight of the opposite synapse, as
        ``w_reciprocal``; ``"population"``, a sum over the neurons at one end. Such a rule is not local.
    name
        The file's stem.
    on_pre, on_post
        Statements for each spike that arrives from the neuron in front of the synapse, and for each spike of the one
        behind it: ``w += a_plus*x_pre``, ``x += 1``. They read neurons as they are after thresholds and before resets.
        A name that nothing declares, assigned with ``=``, is local to its text. `on_pre` can deliver:
        ``g_post += w*release``. Every operator and `clip` are allowed for traces and local names, and for what is
        learned where each trial has weights of its own; batches that share weights need ``+=`` or ``-=``.
    initial
        Starts of traces and of further variables, zero where not given: numbers, or quantities as text.

    Examples
    --------
    >>> rule = Rule("w += rate*r_post*r_pre", parameters={"rate": None})
    >>> rule.local, rule.increments
    (True, {'w': 'rate*r_post*r_pre'})
    >>> stdp = Rule(traces="dx/dt = -x/tau : 1", on_pre="x += 1", on_post="w += rate*x",
    ...             parameters={"tau": "20 ms", "rate": 0.01})
    >>> stdp.trace_variables, stdp.learned
    (('x',), ('w',))
    """

    update: str = ""
    variables: str = ""
    parameters: Mapping[str, UserValue] = field(default_factory=dict[str, UserValue])
    timing: Timing = "phase_end"
    reads: tuple[str, ...] = ()
    name: str = "rule"
    traces: str = ""
    on_pre: str = ""
    on_post: str = ""
    initial: Mapping[str, UserValue] = field(default_factory=dict[str, UserValue])

    def _repr_html_(self) -> str:
        return fields_folded(self, f"rule {self.name}")

    def __post_init__(self) -> None:
        texts = dict.fromkeys(("update", "variables", "traces", "name", "on_pre", "on_post"), TEXT)
        timing = one_of(*MOMENTS)
        check_fields(self, **texts, parameters=MAPPING, timing=timing, reads=NAMES, initial=MAPPING)
        set_fields(self, parameters=MappingProxyType(dict(self.parameters)))
        set_fields(self, initial=MappingProxyType(dict(self.initial)))
        for name, value in self.parameters.items():
            check_name(name, Place())
            if value is not None:
                parameter_value(self.name, name, value)
            if name in self.synaptic_variables or name in self.expressions:
                raise EquationError(f"'{name}' is a parameter and a variable of the rule '{self.name}'; rename one")
        for statement in self.statements:
            if statement.target not in self.synaptic_variables:
                raise statement.place.error(
                    f"a rule changes variables of its synapse ({', '.join(self.synaptic_variables)}), "
                    f"not '{statement.target}'"
                )
            if statement.operator not in ("+=", "-="):
                raise statement.place.error(f"expected += or -= in a rule, got '{statement.operator}'")
        self._check_traces()
        _at_spikes.check(self)
        for name in self.initial:
            if name not in self.synaptic_variables[1:]:
                known = ", ".join(self.synaptic_variables[1:]) or "none"
                raise EquationError(
                    f"an initial value for '{name}', which is no variable or trace of the rule '{self.name}' ({known})"
                )
        if unknown := set(self.reads) - {"reciprocal", "population"}:
            raise EquationError(
                f"a rule can read 'reciprocal' or 'population' beyond the synapse, not {sorted(unknown)}"
            )

    def _check_traces(self) -> None:
        """Refuse traces that nothing changes before they are read, or that would change too late."""
        acting = {s.target for s in (*self.at_pre, *self.at_post)} | {e.name for e in self.flows}
        updated = {statement.target for statement in self.statements}
        late = [name for name in self.trace_variables if name not in acting and not self.moment.within_steps]
        if late and (updated & set(late) or not (self.on_pre or self.on_post or self.flows)):
            raise EquationError(
                f"traces ('{self.traces.strip()}') change at every step; expected timing='step', a differential "
                "equation, or statements at spikes"
            )

    def __hash__(self) -> int:
        texts = (self.update, self.variables, self.traces, self.on_pre, self.on_post)
        return hash((texts, self.timing, self.reads, tuple(self.parameters.items())))

    @property
    def moment(self) -> Moment:
        """When its update acts, and what it can see then."""
        return MOMENTS[self.timing]

    @functools.cached_property
    def statements(self) -> tuple[Statement, ...]:
        """The parsed update."""
        return parse_statements(self.update)

    @functools.cached_property
    def at_pre(self) -> tuple[Statement, ...]:
        """The parsed text at a spike from the neuron in front of the synapse."""
        return parse_statements(self.on_pre)

    @functools.cached_property
    def at_post(self) -> tuple[Statement, ...]:
        """The parsed text at a spike of the neuron behind the synapse."""
        return parse_statements(self.on_post)

    @functools.cached_property
    def written(self) -> tuple[Equation, ...]:
        """All declarations of `variables` and `traces`, expressions included."""
        equations = (*declarations(self.variables, "variable"), *declarations(self.traces, "trace"))
        names = [equation.name for equation in equations]
        if twice := next((equation for equation in equations if names.count(equation.name) > 1), None):
            raise twice.place.error(f"'{twice.name}' is among the variables and among the traces of the rule")
        return equations

    @functools.cached_property
    def declared(self) -> EquationSet | None:
        """The variables that have a value from step to step, none if there are none."""
        equations = tuple(equation for equation in self.written if equation.kind != "subexpression")
        return EquationSet(equations) if equations else None

    @functools.cached_property
    def expressions(self) -> Mapping[str, str]:
        """Name -> expression, of traces that are one."""
        return {e.name: e.expression or "0" for e in self.written if e.kind == "subexpression"}

    @functools.cached_property
    def flows(self) -> tuple[Equation, ...]:
        """The differential equations of its traces."""
        return tuple(equation for equation in self.written if equation.kind == "differential")

    @functools.cached_property
    def trace_variables(self) -> tuple[str, ...]:
        """The names of `traces` that have a value from step to step."""
        return tuple(e.name for e in declarations(self.traces, "trace") if e.kind != "subexpression")

    @functools.cached_property
    def synaptic_variables(self) -> tuple[str, ...]:
        """The synapse's own variables: the weight ``w`` first."""
        return ("w", *(equation.name for equation in (self.declared.equations if self.declared else ())))

    @functools.cached_property
    def increments(self) -> dict[str, str]:
        """The increment of each variable that its update changes, as one expression."""
        texts: dict[str, str] = {}
        for statement in self.statements:
            expression = inlined(statement.expression, self.expressions)
            sign = "+" if statement.operator == "+=" else "-"
            before = texts.get(statement.target)
            texts[statement.target] = (
                f"{before} {sign} ({expression})" if before else (expression if sign == "+" else f"-({expression})")
            )
        return texts

    @property
    def changed(self) -> tuple[str, ...]:
        """The synaptic variables that its update changes."""
        return tuple(dict.fromkeys(statement.target for statement in self.statements))

    @functools.cached_property
    def struck(self) -> tuple[str, ...]:
        """The synaptic variables that spikes change."""
        targets = dict.fromkeys(statement.target for statement in (*self.at_pre, *self.at_post))
        return tuple(name for name in targets if name in self.synaptic_variables)

    @property
    def learned(self) -> tuple[str, ...]:
        """The synaptic variables that learning changes for good: all that changes but traces."""
        return tuple(n for n in dict.fromkeys((*self.changed, *self.struck)) if n not in self.trace_variables)

    @functools.cached_property
    def update_names(self) -> frozenset[str]:
        """All names its update refers to, those of its expressions included."""
        return names_within((s.expression for s in self.statements), self.expressions)

    @functools.cached_property
    def names(self) -> frozenset[str]:
        """All names that any of its texts refers to, but for those that are local to a text."""
        flows = names_within((e.expression or "0" for e in self.flows), self.expressions)
        return self.update_names | flows | _at_spikes.names(self)

    def shape_of(self, variable: str, n_post: int, n_pre: int) -> tuple[int, ...]:
        """The shape of one of its variables: one number a synapse."""
        return (n_post, n_pre)

    @property
    def learns(self) -> bool:
        """Whether it changes anything for good, or has an update."""
        return bool(self.statements or self.learned)

    @property
    def local(self) -> bool:
        """Whether every synapse can compute it from what it sees."""
        return not self.reads
