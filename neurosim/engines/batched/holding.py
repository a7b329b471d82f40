"""What a phase holds at its end, and all variables once that is held."""

from __future__ import annotations

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Phase
from neurosim.circuit.plan import Plan, resolve
from neurosim.engines.batched.batch import Arrays
from neurosim.engines.batched.snapshot import Snapshot
from neurosim.equations.array_code import expression_function


def held_at(circuit: Circuit, phase: Phase, end: Snapshot) -> Arrays:
    """Assign what the phase holds, in order, each seeing the earlier ones."""
    held: Arrays = {}
    for item in phase.hold:
        now = after_holds(end.plan, end, held) if held else end
        function = expression_function("held", item.statement.expression)
        arguments = {a: now[resolve(circuit, item.population, a)] for a in function.arguments}
        held[item.target] = now.call(function, arguments)
    return held


def after_holds(graph: Plan, end: Snapshot, held: Arrays) -> Snapshot:
    """The snapshot with held variables replaced; inputs stay, expressions of held variables are computed anew."""
    affected = {name for name in graph.nodes if graph.leaves_of([name]) & held.keys()}
    kept = {n: a for n, a in end.values.items() if n not in affected or graph.nodes[n].kind != "expression"}
    return Snapshot(
        graph,
        {**kept, **held},
        weights=end.weights,
        inputs=end,
        perturbations=end.perturbations,
        probes=end.probes,
        switches=end.switches,
    )
