"""A pathway's texts as functions of arrays: statements at spikes, deliveries, and the steps of traces.

All engines start from here; none reads a rule's text by itself.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from neurosim.circuit.plasticity import synapse_names
from neurosim.circuit.wiring import Wiring
from neurosim.equations import discretise
from neurosim.equations.array_code import ArrayFunction, block_function
from neurosim.equations.inlined import inlined, names_within
from neurosim.equations.parse import Equation, EquationSet, Statement, parse_expression

Side = Literal["pre", "post"]
Names = Mapping[str, tuple[str, str]]
#: Name of a delivery in the function of a text; no user's name has two underscores.
_DELIVERED = "delivered__"


@dataclass(frozen=True)
class SpikeText:
    """The statements of a synapse at a spike.

    Attributes
    ----------
    statements
        In order, the delivery at its place, bounds after each change of the weight if asked for.
    function
        The same as a function of arrays; it returns the new value of each of `changed`, then what is delivered.
    changed
        The synapse's variables that it changes.
    targets
        For each delivery, the qualified variable that it adds to.
    names
        Each name that is read: where it lives and its qualified name, as `plasticity.rule_names` gives them.
    """

    statements: tuple[Statement, ...]
    function: ArrayFunction
    changed: tuple[str, ...]
    targets: tuple[str, ...]
    names: Names


@dataclass(frozen=True)
class TraceSteps:
    """How the traces of a pathway advance by a time step.

    Attributes
    ----------
    code
        The statements, as Brian2's abstract code.
    function
        The same as a function of arrays; it returns the traces that `returns` names.
    names
        Each name that is read, as `plasticity.rule_names` gives them.
    """

    code: str
    function: ArrayFunction
    names: Names

    @property
    def returns(self) -> tuple[str, ...]:
        """The traces that have a differential equation."""
        return self.function.returns


def is_plain(circuit: Wiring, pathway: str) -> bool:
    """Whether a pathway at spikes does nothing but add its weights to its target."""
    declared = circuit.pathway[pathway]
    return declared.delivers is None and not declared.synapse.at_pre


def acts_within_steps(circuit: Wiring, pathway: str) -> bool:
    """Whether a pathway has a state that changes at every step: spikes under way, or traces."""
    declared = circuit.pathway[pathway]
    struck = declared.synapse.acts_at_spikes or (declared.at_spikes and declared.delivers is not None)
    return declared.delay is not None or struck or bool(declared.synapse.flows)


def written_delivery(circuit: Wiring, pathway: str) -> str:
    """The text of what a pathway delivers, with the expressions of its rules written out."""
    declared = circuit.pathway[pathway]
    default = "w" if declared.at_spikes else f"w*{declared.source.split('.')[1]}_pre"
    text, _ = parse_expression(declared.delivers if declared.delivers is not None else default)
    return inlined(text, declared.synapse.expressions)


@functools.lru_cache(maxsize=256)
def delivered_names(circuit: Wiring, pathway: str) -> Names:
    """Each name that what a pathway delivers reads, as `plasticity.rule_names` gives them."""
    known = synapse_names(circuit, pathway)
    return {name: known[name] for name in names_within([written_delivery(circuit, pathway)], {}) if name in known}


def under_way(circuit: Wiring, pathway: str) -> tuple[str, ...]:
    """Variables, or spikes, that a delayed pathway reads of its source."""
    spikes = ("spikes",) if strikes(circuit, pathway) else ()
    return (*spikes, *values_under_way(circuit, pathway))


def strikes(circuit: Wiring, pathway: str) -> bool:
    """Whether something happens in a pathway's synapses when a spike arrives."""
    return circuit.pathway[pathway].at_spikes or bool(circuit.pathway[pathway].synapse.at_pre)


def values_under_way(circuit: Wiring, pathway: str) -> tuple[str, ...]:
    """Variables of its source that a pathway delivers at every instant."""
    declared = circuit.pathway[pathway]
    if declared.at_spikes:
        return ()
    if declared.delivers is None:
        return (declared.source.split(".")[1],)
    return tuple(name.removesuffix("_pre") for name in sorted(_of_source(circuit, pathway)))


def _of_source(circuit: Wiring, pathway: str) -> set[str]:
    return {name for name, (kind, _) in delivered_names(circuit, pathway).items() if kind == "pre"}


@functools.lru_cache(maxsize=256)
def spike_text(
    circuit: Wiring, pathway: str, side: Side, *, learning: bool = True, bounded: bool = True
) -> SpikeText | None:
    """The statements of a pathway's synapses at a spike of one side; none if nothing happens.

    Parameters
    ----------
    side
        ``pre`` for spikes that arrive from the neuron in front, ``post`` for those of the neuron behind.
    learning
        Whether statements that change what is learned are among them.
    bounded
        Whether the weight is brought into its bounds after each of its changes.
    """
    declared = circuit.pathway[pathway]
    statements = _statements(circuit, pathway, side)
    if not learning:
        statements = tuple(s for s in statements if s.target not in declared.synapse.learned)
    if bounded:
        statements = _with_bounds(circuit, pathway, statements)
    if not statements:
        return None
    known = synapse_names(circuit, pathway)
    changed = tuple(dict.fromkeys(s.target for s in statements if s.target in declared.synapse.synaptic_variables))
    lines, deliveries = list[str](), list[str]()
    for statement in statements:
        if _is_delivery(declared.synapse.synaptic_variables, statement):
            sign = "-" if statement.operator == "-=" else ""
            lines.append(f"{_DELIVERED}{len(deliveries)} = {sign}({statement.expression})")
            deliveries.append(f"{declared.post}.{statement.target.removesuffix('_post')}")
        else:
            lines.append(f"{statement.target} = {_assigned(statement)}")
    returns = (*changed, *(f"{_DELIVERED}{number}" for number in range(len(deliveries))))
    function = block_function(f"on_{side}", "\n".join(lines), returns)
    names = {name: known[name] for name in function.arguments if name in known}
    return SpikeText(statements, function, changed, tuple(deliveries), names)


def bounds_of(circuit: Wiring, pathway: str) -> tuple[str | float, str | float] | None:
    """The bounds of a pathway's weights: numbers in SI units, or names of parameters."""
    from neurosim.units import parse_quantity

    declared = circuit.pathway[pathway]
    if declared.bounds is None:
        return None

    def one(value: str | float | None, without: float) -> str | float:
        if value is None:
            return without
        return value if value in declared.synapse.parameters else parse_quantity(value)

    return one(declared.bounds[0], float("-inf")), one(declared.bounds[1], float("inf"))


@functools.lru_cache(maxsize=256)
def trace_steps(circuit: Wiring, pathway: str) -> TraceSteps | None:
    """How the traces of a pathway advance, none if none has a differential equation.

    They are integrated as neurons are, with all that they read held through the step, which is without unit there:
    arrays are in SI units.
    """
    synapse = circuit.pathway[pathway].synapse
    if not synapse.flows:
        return None
    known = synapse_names(circuit, pathway)
    read = names_within((e.expression or "0" for e in synapse.flows), {})
    own = {equation.name for equation in synapse.flows}
    held = [
        Equation("parameter", name, None, "1", ("constant",)) for name in sorted(read & known.keys() - own - {"dt"})
    ]
    flows = [Equation("differential", e.name, e.expression, "1", (), e.place) for e in synapse.flows]
    equations = EquationSet((*flows, *held))
    code = discretise.abstract_code(equations, discretise.resolve_method(equations, None))
    function = block_function("traces", code, tuple(equation.name for equation in flows))
    return TraceSteps(code, function, {name: known[name] for name in function.arguments if name in known})


def _statements(circuit: Wiring, pathway: str, side: Side) -> tuple[Statement, ...]:
    declared = circuit.pathway[pathway]
    if side == "post":
        return declared.synapse.at_post
    written = declared.synapse.at_pre
    if not declared.at_spikes:
        return written
    target = f"{declared.target.split('.')[1]}_post"
    if declared.delivers is None and any(statement.target == target for statement in written):
        return written
    return (Statement(target, "+=", written_delivery(circuit, pathway)), *written)


def _with_bounds(circuit: Wiring, pathway: str, statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
    bounds = bounds_of(circuit, pathway)
    if bounds is None:
        return statements
    least, most = (value if isinstance(value, str) else _number(value) for value in bounds)
    clipped = Statement("w", "=", f"clip(w, {least}, {most})")
    return tuple(each for s in statements for each in ((s, clipped) if s.target == "w" else (s,)))


def _number(value: float) -> str:
    return repr(value) if abs(value) != float("inf") else ("inf" if value > 0 else "-inf")


def _is_delivery(own: tuple[str, ...], statement: Statement) -> bool:
    return statement.target not in own and statement.target.endswith("_post")


def _assigned(statement: Statement) -> str:
    """The new value of a statement's target, as text."""
    if statement.operator == "=":
        return statement.expression
    return f"{statement.target} {statement.operator[0]} ({statement.expression})"
