"""Loop-invariant values of a phase, computed once before its loop over time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from neurosim.circuit.plan import Node, Plan, choice_of
from neurosim.circuit.spike_texts import is_plain
from neurosim.engines.batched.kernels import events
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
            steady = [pathway for pathway in node.pathways if _steady(stretch, node, pathway, changing)]
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
    return not (stretch.plan.leaves_of([name]) & set(changing)) and not _learning(stretch, name)


def _learning(stretch: Stretch, name: str) -> bool:
    """Whether a variable depends on weights that change at every step."""
    plan, stack = stretch.plan, [name]
    while stack:
        node = plan.nodes.get(stack.pop())
        if node is None:
            continue
        if any(plan.circuit.owner(pathway) in stretch.changing for pathway in node.pathways):
            return True
        stack.extend(node.needs.values())
    return False


def _steady(stretch: Stretch, node: Node, pathway: str, changing: Collection[str]) -> bool:
    """Whether a pathway delivers the same at every step."""
    source = node.needs.get(pathway)
    if source is None:
        return False  # a text of its own
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
    before = _only_one_before(plan, pathway, fixed.perturbations)
    if before is None or {circuit.owner(pathway), circuit.owner(before)} & stretch.changing:
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
