"""Loop-invariant values of a phase, computed once before its loop over time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from neurosim.circuit.plan import Node, Plan, choice_of
from neurosim.circuit.spike_texts import is_plain
from neurosim.engines.batched.kernels import events
from neurosim.engines.batched.probes import Probes
from neurosim.engines.batched.snapshot import Arrays, Prepared, Relay
from neurosim.engines.batched.stretch import Fixed, Stretch
from neurosim.engines.batched.weights import deliver, weights_matrix


def prepare(stretch: Stretch, fixed: Fixed, *, changing: Collection[str]) -> Fixed:
    """All that steps find ready, added to what does not change.

    An input to which only some pathways deliver a changing activity keeps the sum of the others.

    Parameters
    ----------
    stretch
        The part of a phase that one loop runs over.
    fixed
        What is there when the loop begins, and does not change.
    changing
        Names of what changes from step to step.
    """
    plan, values = stretch.plan, fixed.values
    still = fixed.snapshot(plan, values)
    ready: Arrays = {}
    sums: Arrays = {}
    relays: dict[str, Relay] = {}
    summed: set[str] = set()
    known = {*values, *changing}
    for name, node in plan.nodes.items():
        if not plan.leaves_of([name]) <= known:
            continue
        if _constant(stretch, name, changing):
            ready[name] = still[name]
        elif node.kind == "input":
            steady = [pathway for pathway in node.pathways if _steady(stretch, node, pathway, changing, fixed.probes)]
            if steady:
                sums[name] = sum(
                    deliver(plan.circuit, p, values, fixed.weights, still[node.needs[p]], choice=still.choice(node, p))
                    for p in steady
                )
                summed.update(steady)
            for pathway in node.pathways:
                relay = _relay(stretch, fixed, pathway)
                if pathway not in steady and relay is not None:
                    relays[pathway] = relay
    rows = _rows(stretch, fixed, {**values, **ready})
    return replace(
        fixed,
        values={**values, **ready},
        weights=replace(fixed.weights, rows=rows),
        prepared=Prepared(sums, frozenset(summed), relays),
    )


def _constant(stretch: Stretch, name: str, changing: Collection[str]) -> bool:
    """Whether a variable is the same at every step."""
    below = _read_for(stretch.plan, name)
    return below.isdisjoint(changing) and not _learning(stretch, below)


def _read_for(plan: Plan, name: str) -> set[str]:
    """A variable and all that it depends on at the same instant, whether given or computed."""
    below, stack = set[str](), [name]
    while stack:
        if (there := stack.pop()) not in below:
            below.add(there)
            stack.extend(plan.nodes[there].needs.values() if there in plan.nodes else ())
    return below


def _learning(stretch: Stretch, names: Collection[str]) -> bool:
    """Whether one of these variables is a sum by weights that change at every step."""
    plan = stretch.plan
    pathways = (pathway for name in names if name in plan.nodes for pathway in plan.nodes[name].pathways)
    return any(plan.circuit.owner(pathway) in stretch.changing for pathway in pathways)


def _steady(stretch: Stretch, node: Node, pathway: str, changing: Collection[str], probes: Probes) -> bool:
    """Whether a pathway delivers the same at every step."""
    source = node.needs.get(pathway)
    if source is None or probes.touches(stretch.plan.circuit, pathway):
        return False  # a text of its own, or another activity at each step
    return (
        _constant(stretch, source, changing)
        and _constant(stretch, node.needs.get(choice_of(pathway), source), changing)
        and stretch.plan.circuit.owner(pathway) not in stretch.changing
    )


def _relay(stretch: Stretch, fixed: Fixed, pathway: str) -> Relay | None:
    """How a pathway passes on what a single other one delivers.

    The product of both weights is computed once, if the detour through the neurons in between costs more at every step.
    """
    plan, circuit = stretch.plan, stretch.plan.circuit
    before = _only_one_before(plan, pathway, {*fixed.perturbations, *fixed.probes.added})
    if before is None or {circuit.owner(pathway), circuit.owner(before)} & stretch.changing:
        return None
    if any(fixed.probes.touches(circuit, each) for each in (pathway, before)):
        return None
    (n_post, n_between), (_, n_pre) = circuit.shape(pathway), circuit.shape(before)
    if n_post * n_pre >= n_between * (n_post + n_pre):
        return None
    first = weights_matrix(circuit, before, fixed.values, fixed.weights)
    second = weights_matrix(circuit, pathway, fixed.values, fixed.weights)
    if first is None or second is None:
        return None
    return Relay(circuit.pathway[before].source, second @ first)


def _only_one_before(plan: Plan, pathway: str, perturbations: Collection[str]) -> str | None:
    """The pathway whose delivery alone is the source of another."""
    between = plan.nodes.get(plan.circuit.pathway[pathway].source)
    if between is None or between.kind != "input" or len(between.pathways) != 1 or between.name in perturbations:
        return None
    (before,) = between.pathways
    plain = between.needs.get(before) == plan.circuit.pathway[before].source
    return before if plain and plan.circuit.pathway[pathway].delay is None else None


def keeps_synapses(stretch: Stretch) -> bool:
    """Whether a derivative would keep something of each synapse of every step."""
    circuit = stretch.plan.circuit
    own = (not is_plain(circuit, p.name) or circuit.connectivity(p.name).listed for p in circuit.pathways)
    return bool(stretch.changing) or any(own)


def _rows(stretch: Stretch, fixed: Fixed, values: Mapping[str, Any]) -> Arrays:
    """The weights of pathways whose activity is sparse, sender by sender, where sums by events are faster."""
    circuit, by_sender = stretch.plan.circuit, {}
    for pathway in circuit.pathways:
        if not (pathway.at_spikes or pathway.source in stretch.sparse) or not is_plain(circuit, pathway.name):
            continue
        # Weights that change at every step would have to be transposed at every step.
        if circuit.owner(pathway.name) in stretch.changing:
            continue
        matrix = weights_matrix(circuit, pathway.name, values, fixed.weights)
        if matrix is not None and events.worthwhile(stretch.trials, *circuit.shape(pathway.name)):
            by_sender[pathway.name] = events.rows_of(matrix)
    return by_sender
