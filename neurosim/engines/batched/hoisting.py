"""What of a phase is computed before its loop over time, because it is the same at every step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from neurosim.circuit.plan import choice_of
from neurosim.engines.batched.kernels import events
from neurosim.engines.batched.snapshot import Arrays, Snapshot, deliver, weights_matrix

if TYPE_CHECKING:
    from neurosim.engines.batched.stepping import Stretch


def beforehand(
    stretch: Stretch, values: Mapping[str, Any], perturbations: Mapping[str, Any] | None, *, changing: set[str]
) -> Arrays:
    """All that steps find ready, under names of variables, or of pathways with what it is behind a bar.

    Parameters
    ----------
    stretch
        The part of a phase that one loop runs over.
    values
        What is there when it begins, and does not change.
    perturbations
        As for `presentation.present`.
    changing
        Names of what changes from step to step.
    """
    found = _constant_part(stretch, values, perturbations, changing=changing)
    return found | _rows(stretch, {**values, **found})


def _constant_part(
    stretch: Stretch,
    values: Mapping[str, Any],
    perturbations: Mapping[str, Any] | None,
    *,
    changing: set[str],
) -> Arrays:
    """Everything that does not change during the stretch, computed before the loop.

    An input to which only some pathways deliver a changing activity keeps the sum of the others.
    """
    plan = stretch.plan
    circuit = plan.circuit
    still = Snapshot(plan, values, perturbations=perturbations)
    found: Arrays = {}

    def constant(name: str) -> bool:
        return not (plan.leaves_of([name]) & changing) and not _learning(name)

    def _learning(name: str) -> bool:
        stack = [name]
        while stack:
            node = plan.nodes.get(stack.pop())
            if node is None:
                continue
            if any(circuit.owner(pathway) in stretch.learn for pathway in node.pathways):
                return True
            stack.extend(node.needs.values())
        return False

    known = set(values)
    for name, node in plan.nodes.items():
        leaves = plan.leaves_of([name])
        if not leaves <= known | changing:
            continue
        if constant(name):
            found[name] = still[name]
        elif node.kind == "input":
            steady = [
                p
                for p in node.pathways
                if constant(node.needs[p])
                and constant(node.needs.get(choice_of(p), node.needs[p]))
                and circuit.owner(p) not in stretch.learn
            ]
            if steady:
                total = sum(
                    deliver(circuit, p, values, still[node.needs[p]], choice=still.choice(node, p)) for p in steady
                )
                found[f"{name}|constant"] = total
                found |= {f"{pathway}|constant": True for pathway in steady}
            for pathway in node.pathways:
                relayed = _relayed(stretch, pathway, values, perturbations)
                if pathway not in steady and relayed is not None:
                    found[f"{pathway}|relayed"] = relayed
    return found


def _relayed(
    stretch: Stretch, pathway: str, values: Mapping[str, Any], perturbations: Mapping[str, Any] | None
) -> tuple[str, Any] | None:
    """Where a pathway passes on what a single other one delivers: that one's source, and the product of both weights.

    It is computed once instead of at every step, if the detour through the neurons in between costs more.
    """
    plan, circuit = stretch.plan, stretch.plan.circuit
    between = plan.nodes.get(circuit.pathway[pathway].source)
    if (
        between is None
        or between.kind != "input"
        or len(between.pathways) != 1
        or between.name in (perturbations or {})
    ):
        return None
    before = between.pathways[0]
    if {circuit.owner(pathway), circuit.owner(before)} & set(stretch.learn):
        return None
    (n_post, n_between), (_, n_pre) = circuit.shape(pathway), circuit.shape(before)
    if n_post * n_pre >= n_between * (n_post + n_pre):
        return None
    first, second = weights_matrix(circuit, before, values), weights_matrix(circuit, pathway, values)
    if first is None or second is None:
        return None
    return circuit.pathway[before].source, second @ first


def _rows(stretch: Stretch, values: Mapping[str, Any]) -> Arrays:
    """The weights of pathways whose activity is sparse, sender by sender, where sums by events are faster."""
    circuit, found = stretch.plan.circuit, {}
    for pathway in circuit.pathways:
        if not (pathway.at_spikes or pathway.source in stretch.sparse):
            continue
        # Weights that change at every step would have to be transposed at every step.
        if circuit.owner(pathway.name) in stretch.learn:
            continue
        weights = weights_matrix(circuit, pathway.name, values)
        if weights is not None and events.worthwhile(stretch.trials, *circuit.shape(pathway.name)):
            found[f"{pathway.name}|rows"] = events.rows_of(weights)
    return found
