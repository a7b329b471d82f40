"""Traces that all synapses of a neuron share, whatever the synapse: these are as many numbers as there are neurons."""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping
from typing import Literal

from neurosim.circuit.delays import differs
from neurosim.circuit.spike_texts import SpikeText, spike_text, trace_steps
from neurosim.circuit.wiring import Wiring
from neurosim.equations.array_code import ArrayFunction
from neurosim.rules._moments import MOMENTS

Side = Literal["pre", "post"]
SIDES: tuple[Side, Side] = ("pre", "post")


@functools.lru_cache(maxsize=256)
def shared_traces(circuit: Wiring, pathway: str) -> Mapping[str, Side]:
    """Each trace of a pathway that follows from one of its neurons alone -> which.

    Its equation, and what statements at spikes make of it, read that neuron, parameters and other such traces only, and
    it changes at the spikes of that neuron only. Whether all synapses of a neuron begin alike is not known here.
    """
    sides: dict[str, Side] = {}
    traces = set(circuit.pathway[pathway].synapse.trace_variables) - _of_updates(circuit, pathway)
    for side in SIDES:
        if side == "pre" and differs(circuit, pathway):
            continue
        candidates = traces - sides.keys()
        while spread := {name for name in candidates if not _follows(circuit, pathway, name, side, candidates)}:
            candidates -= spread
        sides |= dict.fromkeys(candidates, side)
    return sides


def _of_updates(circuit: Wiring, pathway: str) -> set[str]:
    """The variables that rules change besides statements at spikes."""
    synapse = circuit.pathway[pathway].synapse
    rules = [synapse.at(moment) for moment in MOMENTS.values()]
    return {name for rule in rules if rule is not None for name in rule.changed}


def _follows(circuit: Wiring, pathway: str, name: str, side: Side, shared: set[str]) -> bool:
    """Whether a trace follows from one side, if these traces do."""
    other: Side = "post" if side == "pre" else "pre"
    texts = {each: spike_text(circuit, pathway, each) for each in SIDES}
    if _changes(texts[other], name):
        return False
    read: set[str] = set()
    names: dict[str, tuple[str, str]] = {}
    text, steps = texts[side], trace_steps(circuit, pathway)
    if text is not None and name in text.changed:
        read |= reads(text.function)[name]
        names |= text.names
    if steps is not None and name in steps.returns:
        read |= reads(steps.function)[name]
        names |= steps.names
    kinds = {argument: names[argument][0] for argument in read if argument in names}
    return all(kind in (side, "constant", "trial") or argument in shared for argument, kind in kinds.items())


def _changes(text: SpikeText | None, name: str) -> bool:
    return text is not None and name in text.changed


@functools.lru_cache(maxsize=256)
def reads(function: ArrayFunction) -> Mapping[str, frozenset[str]]:
    """Which arguments of a function each of its results depends on."""
    body = ast.parse(function.source).body[0]
    assert isinstance(body, ast.FunctionDef)
    known = {argument: frozenset({argument}) for argument in function.arguments}

    def of(node: ast.expr) -> frozenset[str]:
        names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        return frozenset().union(*(known.get(name, frozenset()) for name in names))

    depending: dict[str, frozenset[str]] = {}
    for statement in body.body:
        if isinstance(statement, ast.Assign):
            assert isinstance(statement.targets[0], ast.Name)
            known[statement.targets[0].id] = of(statement.value)
        elif isinstance(statement, ast.Return) and statement.value is not None:
            results = statement.value.elts if isinstance(statement.value, ast.Tuple) else [statement.value]
            depending = dict(zip(function.returns, map(of, results), strict=True))
    return depending
