"""Neuron models: text, and the numbers that go with it.

(Over 300 lines: a third of them documents one class.)
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from neurosim import equations as language
from neurosim.border import Check, check_fields, optional, set_fields
from neurosim.border.arguments import MAPPING, TEXT, TEXTS
from neurosim.equations.grammar import Place, check_identifier
from neurosim.equations.lines import statement_lines
from neurosim.equations.parse import (
    Equation,
    EquationSet,
    Statement,
    parse_equations,
    parse_expression,
    parse_statements,
)
from neurosim.equations.stepped import as_stepped
from neurosim.errors import EquationError, UnitError
from neurosim.folded import folded
from neurosim.neurons._per_neuron import PerNeuron, settled
from neurosim.neurons._values import per_neuron_of, period_text, si_value, unit_of_value
from neurosim.units import format_quantity, parse_quantity
from neurosim.untyped import UserValue

if TYPE_CHECKING:
    from neurosim.equations.array_code import ArrayFunction


@dataclass(frozen=True)
class NeuronModel:
    """A neuron as equations in Brian2's language; nothing else defines it.

    Attributes
    ----------
    equations
        One per line: ``dv/dt = ... : unit (flags)``, ``name = ... : unit`` or ``name : unit``. Names that are
        in `parameters` need no line of their own.
    threshold
        Condition for a spike, e.g. ``"v > v_th"``; none for neurons that do not spike.
    reset
        Statements executed after a spike, e.g. ``"v = v_reset"``.
    refractory
        Time after a spike in which variables marked ``(unless refractory)`` stand still: a quantity
        (``"2 ms"``), an expression in seconds, or a condition that keeps the neuron refractory.
    method
        Brian2's name of the integration method; by default the first of exact, euler, heun that fits.
    parameters
        Values with units (``{"tau_m": "20 ms"}``): one for all neurons, an array with one for each, or text that
        gives each its own by ``i`` (its number), ``N`` (how many there are), ``rand()`` and ``randn()``, such as
        ``"10*ms + 2*rand()*ms"``. What is random is drawn once for each seed, the same in all trials.
    initial
        Values of variables at the start likewise, zero where not given.
    ports
        The variables by which a network talks to this neuron: ``drive`` and ``feedback`` (inputs), ``output``
        (what forward pathways read), ``readout`` (what a readout takes, if not that), ``error`` (what feedback
        pathways read), ``site`` (the variable to which noise adds), ``perturbed`` (the variable in which that noise
        shows), ``signal`` (what feedback says of the loss's gradient there), ``gain`` (the gradient at the potential
        over that at the site) and ``factor`` (what the change of the loss is multiplied with to estimate the gradient
        at the site, for neurons that make their noise themselves). Neurons that normalise their drive have an
        ``offset`` (where biases arrive) and an ``offset_error`` (what these learn from).
    means
        Parameters that are means over a feature map, or over all of a population without positions: the parameter's
        name and a text in ``*_pre``, the neurons averaged over, e.g. ``{"mean": "drive_pre"}``. That is not local.
    name, reference
        For printing and for the documentation.

    Raises
    ------
    EquationError
        Text outside the grammar, unknown or reserved names, a reset without a threshold; with line and column.
    UnitError
        Units that do not fit.

    Examples
    --------
    >>> lif = NeuronModel("dv/dt = (i_ext - v)/tau_m : 1", threshold="v > 1", reset="v = 0",
    ...                   parameters={"tau_m": "20 ms", "i_ext": 1.2})
    >>> lif.state_variables
    ('v',)
    """

    equations: str
    threshold: str | None = None
    reset: str | None = None
    refractory: str | None = None
    method: str | None = None
    parameters: Mapping[str, UserValue] = field(default_factory=dict[str, UserValue])
    initial: Mapping[str, UserValue] = field(default_factory=dict[str, UserValue])
    ports: Mapping[str, str] = field(default_factory=dict[str, str])
    means: Mapping[str, str] = field(default_factory=dict[str, str])
    name: str = "neuron"
    reference: str = ""

    def __post_init__(self) -> None:
        # Late: it asks Brian2, which takes long to import, and a model file's keys are checked before.
        from neurosim.neurons._checks import (
            check_draws,
            check_means,
            check_ports,
            check_reads,
            check_refractory,
            check_values,
            reads_last_spike,
        )

        texts = dict.fromkeys(("threshold", "reset", "method"), optional(TEXT))
        mappings: dict[str, Check] = {"parameters": MAPPING, "initial": MAPPING, "ports": TEXTS, "means": TEXTS}
        check_fields(self, equations=TEXT, name=TEXT, reference=TEXT, **texts, **mappings)
        for values in ("parameters", "initial"):
            kept = settled(getattr(self, values), what=f"neuron '{self.name}'")
            set_fields(self, **{values: MappingProxyType(kept)})
        set_fields(self, ports=MappingProxyType(dict(self.ports)))
        set_fields(self, means=MappingProxyType(dict(self.means)))
        equations = self.equation_set
        language.dimensions.check_equations(equations)
        for what in ("threshold", "refractory"):
            if getattr(self, what) is not None:
                self._read(what)
        if self.threshold is None:
            for what, value in (("reset", self.reset), ("refractory period", self.refractory)):
                if value is not None:
                    raise EquationError(f"a {what} ('{value}') without a threshold; add threshold='v > ...'")
        else:
            language.dimensions.check_condition(
                self.threshold, equations, what="threshold", place=self.places["threshold"]
            )
        for statement in self.reset_statements:
            language.dimensions.check_statement(statement, equations, what="reset")
        if self.threshold is not None and self.refractory is None and reads_last_spike(self):
            # When neurons last spiked is known of those with a refractory period, be it none.
            set_fields(self, refractory="0 ms")
            self._read("refractory")
        check_refractory(self)
        check_means(self)
        check_ports(self)
        check_reads(self)
        check_draws(self)
        check_values(self)
        if self.method is not None:
            language.discretise.check_method(self.method)
        _ = self.resolved_method, self.initial_values, self.parameter_values, self.per_neuron

    def __hash__(self) -> int:
        return hash((self.equation_set, self.threshold, self.reset, self.refractory, self.method))

    @functools.cached_property
    def equation_set(self) -> EquationSet:
        """The parsed equations, with a declaration for every parameter that is only given a value."""
        parsed = parse_equations(self.equations)
        declared: list[Equation] = []
        for name, value in self.parameters.items():
            known = parsed.by_name.get(name)
            if known is not None and known.kind != "parameter":
                raise known.place.error(f"'{name}' is given a value as a parameter, but the equations compute it")
            if known is None:
                check_identifier(name, Place())
                # Variables that the reset assigns are each neuron's own.
                own = isinstance(value, PerNeuron) or name in {s.target for s in self.reset_statements}
                flags = () if own else ("constant", "shared")
                declared.append(Equation("parameter", name, None, unit_of_value(self.name, name, value), flags))
        return parsed.with_(*declared)

    @functools.cached_property
    def stepped(self) -> EquationSet:
        """The equations as a time step sees them.

        Nothing stands still in neurons without a refractory period, and what is constant over a step is given.
        """
        return as_stepped(self.equation_set, refractory=self.refractory is not None)

    @functools.cached_property
    def step_code(self) -> str:
        """The statements that advance all state variables by ``dt``, none without differential equations."""
        method = self.resolved_method
        return "" if method is None else language.discretise.abstract_code(self.stepped, method)

    @functools.cached_property
    def truths(self) -> frozenset[str]:
        """The variables that are truth values."""
        return frozenset(e.name for e in self.equation_set.equations if e.unit == "boolean")

    @property
    def inputs(self) -> tuple[str, ...]:
        """The targets of forward pathways and biases: the ports ``drive`` and ``offset``, as far as it has them."""
        return tuple(self.ports[port] for port in ("drive", "offset") if port in self.ports)

    @functools.cached_property
    def state_variables(self) -> tuple[str, ...]:
        """Variables with a differential equation."""
        return tuple(equation.name for equation in self.equation_set.of("differential"))

    @functools.cached_property
    def assigned(self) -> tuple[str, ...]:
        """Parameters that the reset assigns, in the order written."""
        targets = {statement.target for statement in self.reset_statements}
        return tuple(e.name for e in self.equation_set.of("parameter") if e.name in targets)

    @property
    def moving(self) -> tuple[str, ...]:
        """All that changes from step to step: state variables, and what the reset assigns."""
        return self.state_variables + self.assigned

    @functools.cached_property
    def reset_statements(self) -> tuple[Statement, ...]:
        """The parsed reset."""
        return parse_statements(self.reset, random=True) if self.reset else ()

    @functools.cached_property
    def resolved_method(self) -> str | None:
        """The integration method in use, none without differential equations."""
        return language.discretise.resolve_method(self.stepped, self.method) if self.state_variables else None

    @functools.cached_property
    def parameter_values(self) -> dict[str, float]:
        """Every parameter that is the same for all neurons in SI units, zero where no value is given."""
        return self._si_values(self.equation_set.of("parameter"), self.parameters)

    @functools.cached_property
    def initial_values(self) -> dict[str, float]:
        """The start of every state variable that is the same for all neurons, in SI units."""
        for name in self.initial:
            if name not in self.state_variables:
                raise EquationError(
                    f"an initial value for '{name}', which has no differential equation "
                    f"(those that have: {', '.join(self.state_variables) or 'none'})"
                )
        return self._si_values(self.equation_set.of("differential"), self.initial)

    def _si_values(self, equations: tuple[Equation, ...], given: Mapping[str, UserValue]) -> dict[str, float]:
        values = {e: given.get(e.name, 0.0) for e in equations}
        return {e.name: si_value(self.name, e, v) for e, v in values.items() if not isinstance(v, PerNeuron)}

    @functools.cached_property
    def per_neuron(self) -> Mapping[str, PerNeuron]:
        """Parameters and starts that differ between neurons."""
        return per_neuron_of(self.name, self.equation_set, {**self.parameters, **self.initial})

    @functools.cached_property
    def refractory_seconds(self) -> float | None:
        """The refractory period if it is a plain quantity."""
        if self.refractory is None:
            return None
        try:
            return parse_quantity(self.refractory, "second")
        except UnitError:
            return None

    @functools.cached_property
    def refractory_is_condition(self) -> bool:
        """Whether `refractory` is a condition rather than a time."""
        if self.refractory is None or self.refractory_seconds is not None:
            return False
        try:
            language.dimensions.check_condition(
                self.refractory, self.equation_set, what="refractory condition", random=False
            )
        except EquationError:
            return False
        return True

    @functools.cached_property
    def expressions(self) -> Mapping[str, ArrayFunction]:
        """The array code of subexpressions, whatever they are called."""
        codes = {
            equation.name: language.array_code.expression_function(equation.name, equation.expression or "")
            for equation in self.equation_set.of("subexpression")
        }
        return MappingProxyType(codes)

    @functools.cached_property
    def functions(self) -> Mapping[str, ArrayFunction]:
        """The array code of a step: ``advance``, ``threshold``, ``refractory``, ``reset``, as far as it has them."""
        codes: dict[str, ArrayFunction] = {}
        if self.resolved_method is not None:
            codes["advance"] = language.array_code.block_function("advance", self.step_code, self.state_variables)
        if self.threshold is not None:
            codes["threshold"] = language.array_code.expression_function("threshold", self.threshold)
        if self.refractory is not None and self.refractory_seconds is None:
            codes["refractory"] = language.array_code.expression_function("refractory", self.refractory)
        if self.reset_statements:
            codes["reset"] = language.array_code.reset_function("reset", self.reset_statements)
        return MappingProxyType(codes)

    @property
    def code(self) -> str:
        """The array code as text: what the batched engine runs, one function a quantity."""
        return "\n\n".join(str(function) for function in (*self.expressions.values(), *self.functions.values()))

    def extended(self, *equations: Equation, **changes: UserValue) -> NeuronModel:
        """The same model with equations added or replaced, and other fields changed."""
        return replace(self, equations=str(parse_equations(self.equations).with_(*equations)), **changes)

    def __str__(self) -> str:
        lines = [f"neuron {self.name}", *(f"    {line}" for line in str(self.equation_set).splitlines())]
        lines += [f"    {name} := mean over its channel of {text}" for name, text in self.means.items()]
        for label in ("threshold", "reset", "refractory"):
            if getattr(self, label):
                text = "; ".join(source.text.strip() for source in statement_lines(getattr(self, label)))
                lines.append(f"    {label}: {text}")
        if self.resolved_method:
            lines.append(f"    method: {self.resolved_method}")
        units = {equation.name: equation.unit for equation in self.equation_set.of("parameter")}
        values = ", ".join(
            f"{name} = {value if isinstance(value, PerNeuron) else format_quantity(self.parameter_values[name], unit)}"
            for name, value in self.parameters.items()
            for unit in (units[name],)
        )
        return "\n".join([*lines, *([f"    where {values}"] if values else [])])

    def _repr_html_(self) -> str:
        head, _, body = str(self).partition("\n")
        return folded(head, body, opened=True)

    def _read(self, what: str) -> None:
        """Bring a text of one expression to one line."""
        text = getattr(self, what)
        if what == "refractory" and not isinstance(text, str):
            text = period_text(text)
            set_fields(self, **{what: text})
        line, place = parse_expression(text)
        if line != text.strip():
            set_fields(self, **{what: line})
        self.places[what] = place

    @functools.cached_property
    def places(self) -> dict[str, Place]:
        """Where texts of one expression stand."""
        return {}
