"""The graph of a circuit's variables at an instant: which of them needs which others.

Leaves are given (state, parameters, stimuli, held values). Other variables are nodes, computed from leaves and other
nodes at the same instant. Engines follow this graph. A loop in it has no value at an instant, and is refused here.
"""

# SymPy has no stubs.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Literal, cast

import numpy as np
import sympy
from scipy.sparse.csgraph import connected_components

from neurosim.circuit.composition import BATCH_SUMS, broadcast, compose, losses_of, means_of, sums_of
from neurosim.circuit.delays import differs
from neurosim.circuit.spike_texts import delivered_names, values_under_way
from neurosim.circuit.wiring import Wiring
from neurosim.equations.array_code import ArrayFunction, expression_function
from neurosim.equations.brian import str_to_sympy
from neurosim.equations.parse import CONSTANT, Equation, EquationSet
from neurosim.equations.symbolic import steady_state, to_text
from neurosim.errors import CircuitError
from neurosim.neurons._model import NeuronModel


@dataclass(frozen=True)
class Node:
    """A variable that is computed.

    Attributes
    ----------
    name
        Qualified name.
    kind
        ``expression`` (of `needs`), ``input`` (the sum of what `pathways` deliver), ``arrival`` (what a delayed
        pathway read so long ago), ``pairwise`` (a sum over the population, of an expression of ``*_pre`` and
        ``*_post``), ``mean`` (of an expression of ``*_pre``, over the neurons of a channel), ``sum`` (over neurons:
        the loss, its change) or ``batch_sum`` (over the trials of a batch).
    needs
        Argument of `function` -> qualified name; of an input, pathway -> source, and what `choice_of` it; of a pathway
        that says what it delivers, what `read_of` it by each name.
    held
        Whether it keeps, through a time step, the value that it has at the beginning.
    """

    name: str
    kind: Literal["expression", "input", "arrival", "pairwise", "mean", "sum", "batch_sum"]
    needs: Mapping[str, str]
    function: ArrayFunction | None = None
    pathways: tuple[str, ...] = ()
    held: bool = False


@dataclass(frozen=True)
class Plan:
    """The nodes of a circuit in an order in which they can be computed.

    Attributes
    ----------
    nodes
        By qualified name, each after all that it needs.
    models
        The complete model of each population.
    steady
        Whether state variables are nodes too, at their fixed points.
    """

    circuit: Wiring
    nodes: Mapping[str, Node]
    models: Mapping[str, NeuronModel]
    steady: bool

    def resolve(self, population: str | None, name: str) -> str:
        """The qualified name of the variable that a population (or, without one, everybody) reads as `name`."""
        return resolve(self.circuit, population, name)

    def leaves_of(self, names: Iterable[str]) -> frozenset[str]:
        """All leaves that the given variables depend on at the same instant."""
        leaves: set[str] = set()
        stack, seen = list(names), set[str]()
        while stack:
            name = stack.pop()
            if name in seen:
                continue
            seen.add(name)
            node = self.nodes.get(name)
            if node is None:
                leaves.add(name)
            else:
                stack.extend(node.needs.values())
        return frozenset(leaves)


def resolve(circuit: Wiring, population: str | None, name: str) -> str:
    """See `Plan.resolve`."""
    if name in ("t", "dt"):
        return name
    if population is not None:
        equation = compose(circuit)[population].equation_set.by_name.get(name)
        shadowed = equation is not None and "shared" in equation.flags and name in broadcast(circuit)
        if (equation is not None and not shadowed) or name in ("not_refractory", "spikes", "lastspike"):
            return f"{population}.{name}"
    return name


@functools.lru_cache(maxsize=64)
def plan(circuit: Wiring, *, steady: bool = False) -> Plan:
    """Build the graph.

    Parameters
    ----------
    circuit
        The circuit.
    steady
        Replace state variables by their fixed points.

    Raises
    ------
    CircuitError
        If variables need each other at the same instant, naming the loop; or, for the steady level, if a
        population spikes.
    EquationError
        If a population has no steady state in closed form.
    """
    models = compose(circuit)
    nodes: dict[str, Node] = {}
    for population, model in models.items():
        if steady:
            _refuse_time(population, model)
        fed = _fed(circuit, population)
        for equation in model.equation_set.of("subexpression"):
            node = _expression(circuit, population, equation.name, model.expressions[equation.name])
            nodes[node.name] = replace(node, held=CONSTANT in equation.flags)
        for variable, pathways in fed.items():
            name = f"{population}.{variable}"
            if variable in model.assigned:
                raise CircuitError(
                    f"the reset of population '{population}' assigns to '{variable}', the sum of the input that "
                    f"{', '.join(pathways)} deliver at every step; assign to another variable"
                )
            needs: dict[str, str] = {}
            for pathway in pathways:
                needs |= _needs(circuit, pathway, steady=steady)
                nodes |= {} if steady else _arrivals(circuit, pathway)
            nodes[name] = Node(name, "input", needs, pathways=tuple(pathways))
        if steady:
            if model.threshold is not None:
                raise CircuitError(f"population '{population}' spikes and has no steady state; use the level 'spiking'")
            for variable, text in _fixed_points(model.equation_set).items():
                nodes[f"{population}.{variable}"] = _expression(
                    circuit, population, variable, expression_function(variable, text)
                )
    means = means_of(circuit)
    for name, text in (sums_of(circuit) | means).items():
        population, variable = name.split(".")
        function = expression_function(variable, text)
        needs = {a: f"{population}.{a.removesuffix('_pre').removesuffix('_post')}" for a in function.arguments}
        nodes[name] = Node(name, "mean" if name in means else "pairwise", needs, function)
    for name, share in losses_of(circuit).items():
        nodes[name] = Node(name, "sum", {"share": share})
    for name, summed in BATCH_SUMS.items():
        if name in broadcast(circuit):
            nodes[name] = Node(name, "batch_sum", {"loss": summed})
    return Plan(circuit, _sorted(nodes, steady), models, steady)


def _refuse_time(population: str, model: NeuronModel) -> None:
    for equation in model.equation_set.equations:
        if "t" in equation.names:
            raise CircuitError(
                f"'{population}.{equation.name}' depends on the time t, and the level 'steady' has none; use the level "
                "'rate'"
            )
        if equation.kind == "subexpression" and model.expressions[equation.name].draws:
            raise CircuitError(
                f"'{population}.{equation.name}' is drawn anew at each step, and the level 'steady' has none; use the "
                "level 'rate'"
            )


#: The name by which an expression that draws needs the time.
ANEW = "|anew"


def choice_of(pathway: str) -> str:
    """The name by which an input needs the variable that chooses a pathway's targets."""
    return f"{pathway}|choice"


def read_of(pathway: str, name: str) -> str:
    """The name by which an input needs a variable that a pathway's text reads."""
    return f"{pathway}|{name}"


def arrival(pathway: str, variable: str) -> str:
    """The name of a source variable's value as a delayed pathway read it at the time of sending."""
    return f"{pathway}|{variable} arriving"


def delays_name(pathway: str) -> str:
    """The name of the delays of a pathway's synapses, in steps."""
    return f"{pathway}|delays"


def _needs(circuit: Wiring, pathway: str, *, steady: bool) -> dict[str, str]:
    """The variables that an input needs of one pathway."""
    declared = circuit.pathway[pathway]
    late = declared.delay is not None and not steady
    if declared.delivers is None and not (late and differs(circuit, pathway)):
        source = arrival(pathway, declared.source.split(".")[1]) if late else declared.source
        needs = {pathway: source}
    else:
        needs = {}
        for name, (kind, qualified) in delivered_names(circuit, pathway).items():
            sent = late and kind == "pre"
            needs[read_of(pathway, name)] = arrival(pathway, name.removesuffix("_pre")) if sent else qualified
    return needs | ({choice_of(pathway): declared.chosen_by} if declared.chosen_by else {})


def _arrivals(circuit: Wiring, pathway: str) -> dict[str, Node]:
    """The variables that a delayed pathway read of its source; they wait in slots."""
    if circuit.pathway[pathway].delay is None:
        return {}
    names = {arrival(pathway, v): f"{pathway}|{v}" for v in values_under_way(circuit, pathway)}
    each = {"delays": delays_name(pathway)} if differs(circuit, pathway) else {}
    return {name: Node(name, "arrival", {"flight": slot} | each) for name, slot in names.items()}


def _fed(circuit: Wiring, population: str) -> dict[str, list[str]]:
    fed: dict[str, list[str]] = {}
    for pathway in circuit.pathways:
        if pathway.post == population and not pathway.at_spikes:
            fed.setdefault(pathway.target.split(".")[1], []).append(pathway.name)
    return fed


def _expression(circuit: Wiring, population: str, variable: str, function: ArrayFunction) -> Node:
    drawn = {name for name, _ in function.draws}
    needs = {a: resolve(circuit, population, a) for a in function.arguments if a not in drawn}
    # Drawn numbers differ from step to step.
    needs |= {ANEW: "t"} if drawn else {}
    return Node(f"{population}.{variable}", "expression", needs, function)


def _sorted(nodes: dict[str, Node], steady: bool) -> Mapping[str, Node]:
    graph = {name: [n for n in node.needs.values() if n in nodes] for name, node in nodes.items()}
    try:
        order = tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        loop = " -> ".join(reversed(error.args[1]))
        remedy = (
            "a loop has no steady state that can be written down; use the level 'rate' and let it settle"
            if steady
            else "put a differential equation between them"
        )
        raise CircuitError(f"these variables need each other at the same instant: {loop}; {remedy}") from None
    return {name: nodes[name] for name in order}


@functools.lru_cache(maxsize=256)
def _fixed_points(equations: EquationSet) -> Mapping[str, str]:
    """Each state variable's fixed point; variables that need each other are solved for together.

    White noise is at its mean, zero: where there is no time, nothing fluctuates.
    """
    flows = {e.name: _substituted(e, equations) for e in equations.of("differential")}
    graph = {name: {str(s) for s in flow.free_symbols} & flows.keys() for name, flow in flows.items()}
    points: dict[str, str] = {}
    for group in _strongly_connected(graph):
        points |= steady_state([Equation("differential", n, to_text(flows[n]), "1") for n in group])
    return points


def _substituted(equation: Equation, equations: EquationSet) -> sympy.Basic:
    tree = str_to_sympy(equation.expression or "0")
    by_symbol: dict[sympy.Basic, sympy.Basic] = {
        sympy.Symbol(e.name, real=True): str_to_sympy(e.expression or "0") for e in equations.of("subexpression")
    }
    while used := tree.free_symbols & by_symbol.keys():
        tree = tree.subs({symbol: by_symbol[symbol] for symbol in used})
    noise = [s for s in tree.free_symbols if str(s) == "xi" or str(s).startswith("xi_")]
    return tree.subs(dict.fromkeys(noise, 0))


def _strongly_connected(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of names that reach each other, in alphabetical order."""
    names = sorted(graph)
    if not names:
        return []
    reaches = np.array([[other in graph[name] for other in names] for name in names])
    count, labels = cast(tuple[int, np.ndarray], connected_components(reaches, connection="strong"))
    return sorted([name for name, label in zip(names, labels, strict=True) if label == group] for group in range(count))
