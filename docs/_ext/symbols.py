"""Components in symbols: formulas of a rule, a neuron, a readout and, from its circuit, a scheme."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from formulas import block, equations, expression, statements, symbol

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Role
from neurosim.circuit.roles import role
from neurosim.neurons import NeuronModel
from neurosim.readouts import Readout
from neurosim.rules import Rule


def of_rule(rule: Rule) -> str:
    """What a rule does, at steps, at spikes, and in its traces."""
    parts = [
        ("", statements(rule.update, synapse=True)),
        ("Traces:", equations(rule.traces, synapse=True)),
        ("At a presynaptic spike:", statements(rule.on_pre, synapse=True)),
        ("At a postsynaptic spike:", statements(rule.on_post, synapse=True)),
    ]
    return "\n".join(f"{title}\n\n{block(lines)}".lstrip() for title, lines in parts if lines)


def of_neuron(neuron: NeuronModel) -> str:
    """A neuron's equations, and what it does at a spike."""
    text = block(equations(str(neuron.equations)))
    if neuron.threshold:
        left, _, right = neuron.threshold.partition(">")
        crossed = (
            rf"{expression(left)} > {expression(right)}" if right and not re.search("[(=<]", neuron.threshold) else ""
        )
        text += (
            f"\nA spike where ${crossed}$, then\n\n" if crossed else f"\nA spike where `{neuron.threshold}`, then\n\n"
        )
        text += block(statements(neuron.reset)) if neuron.reset else "nothing.\n"
    return text


def of_readout(readout: Readout) -> str:
    """The error that output neurons send, and the loss as a sum over them."""
    pairs = [rf"{symbol(name)}_i &= \sum_j {expression(text)}" for name, text in readout.pairwise.items()]
    lines = [rf"\delta_i &= {expression(readout.error)}", rf"L &= \sum_i \left( {expression(readout.loss)} \right)"]
    return block([*lines, *pairs])


def of_scheme(circuit: Circuit) -> str:
    """What feedback delivers, what phases hold for learning, and the rule of each group of pathways."""
    parts = [block(_delivered(circuit)), block(_held(circuit))]
    for names, rule in _learning(circuit).items():
        text = of_rule(rule) if isinstance(rule, Rule) else f"Rule `{rule.name}`, which no text of a synapse can say.\n"
        parts.append(f"{_listed(names)}:\n\n{text}")
    return "\n".join(part for part in parts if part)


def _delivered(circuit: Circuit) -> list[str]:
    """One line for each pair of variables that feedback joins."""
    ends = {}
    for pathway in (p for p in circuit.pathways if role(circuit, p) is Role.FEEDBACK):
        source, target = (end.partition(".")[2] for end in (pathway.source, pathway.target))
        ends[target, source] = rf"{symbol(f'{target}_post')} &= \sum_j B_{{ij}} \, {symbol(f'{source}_pre')}"
    return list(ends.values())


def _held(circuit: Circuit) -> list[str]:
    """What is computed at the end of phases, in hidden populations; that values are kept says nothing new."""
    output = circuit.populations[-1].name
    found: dict[str, None] = {}
    for phase in circuit.phases:
        for each in phase.hold:
            said = each.statement
            if each.population != output and not said.expression.isidentifier():
                found |= dict.fromkeys(statements(f"{said.target} {said.operator} {said.expression}"))
    return list(found)


def _learning(circuit: Circuit) -> Mapping[tuple[str, ...], Rule]:
    """The rules that learn, each with the pathways that have it."""
    by_rule: dict[str, tuple[list[str], Rule]] = {}
    for pathway in (p for p in circuit.pathways if p.synapse.learns):
        for rule in _rules(pathway):
            by_rule.setdefault(rule.name, ([], rule))[0].append(pathway.name)
    return {tuple(names): rule for names, rule in by_rule.values()}


def _rules(pathway: Pathway) -> Iterable[Rule]:
    return (rule for rule in pathway.synapse.rules if rule.learns)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
