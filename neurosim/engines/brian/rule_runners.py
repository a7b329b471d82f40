"""Rules as code of Synapses, and what runs them within a step."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from brian2.utils.stringtools import word_substitute

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway
from neurosim.circuit.plasticity import rule_terms, separated
from neurosim.circuit.validation import reciprocal_of
from neurosim.engines.brian.flights import Called
from neurosim.engines.brian.names import LEARNING, SHARING, change_of, step_of, synaptic
from neurosim.engines.brian.objects import Objects
from neurosim.engines.brian.pathways import sums_positions
from neurosim.engines.brian.synapse_texts import bounding, names_in_brian, truths_of
from neurosim.equations.whole import real_numbers
from neurosim.rules._rule import Rule
from neurosim.rules._synapse import stepped_by


def copy_reciprocal(circuit: Circuit, pathway: Pathway, objects: Objects) -> None:
    """Let a pathway's synapses see the weights of those that lead back, if its rule reads them."""
    if "reciprocal" in pathway.synapse.reads and pathway.synapse.oracle is None:
        weights = objects.get_synaptic(str(reciprocal_of(circuit, pathway)), "w")
        objects.set_synaptic(pathway.name, "w_reciprocal", np.swapaxes(weights, 0, 1) if weights.ndim > 1 else weights)


def rule_code(circuit: Circuit, pathway: Pathway, rule: Rule) -> str:
    """The rule as the abstract code of its Synapses.

    Increments that wait are collected over the trials of a batch, and those within steps are of this step; in steps
    they are made in phases in which the rule is switched on.
    """
    lines, names = [], names_in_brian(circuit, pathway)
    for variable, expression in rule.increments.items():
        shared = _shared_out(circuit, pathway, rule, expression)
        text = real_numbers(word_substitute(shared, names), truths_of(circuit, pathway))
        increment = f"{synaptic(LEARNING)}*({text})" if rule.moment.within_steps else f"({text})"
        if variable in stepped_by(rule):
            lines.append(f"{synaptic(step_of(variable))} = {increment}")
        else:
            change = synaptic(change_of(variable))
            lines.append(f"{change} = {change} + {increment}")
    return "\n".join(lines)


def stepping_runners(circuit: Circuit, pathway: Pathway, rule: Rule, objects: Objects) -> tuple[Any, ...]:
    """The runners of a rule that acts at every step: increments first, from the variables as they were."""
    code, synapses = rule_code(circuit, pathway, rule), objects.synapses[pathway.name]
    changed = rule.changed
    changes = [step_of(variable) for variable in changed]
    names = [(synaptic(variable), synaptic(change)) for variable, change in zip(changed, changes, strict=True)]
    added = "\n".join([*(f"{own} = {own} + {change}" for own, change in names), *bounding(circuit, pathway, changed)])
    before: list[Any] = []
    if "reciprocal" in pathway.synapse.reads:
        # Of all pathways before any of them changes.
        copy = functools.partial(copy_reciprocal, circuit, pathway, objects)
        before = [Called(objects, f"{pathway.name}__reciprocal", copy, order=-1)]
    if not circuit.connectivity(pathway.name).shared:
        return (*before, objects.runner(synapses, f"{code}\n{added}"))
    # Synapses that share a weight come to share their increments.
    share = functools.partial(_share, objects, pathway.name, changes)
    between = Called(objects, f"{pathway.name}__sharing", share, order=1)
    return (*before, objects.runner(synapses, code), between, objects.runner(synapses, added, order=2))


def integral_runners(circuit: Circuit, pathway: Pathway, rule: Rule, objects: Objects) -> tuple[Any, ...]:
    """The runners of a rule that acts on the instant at which a step begins: before anything moves."""
    synapses, traces = objects.synapses[pathway.name], stepped_by(rule)
    runners: list[Any] = []
    if "reciprocal" in pathway.synapse.reads:
        copy = functools.partial(copy_reciprocal, circuit, pathway, objects)
        runners.append(Called(objects, f"{pathway.name}__reciprocal_first", copy, when="groups", order=-4))
    runners.append(objects.runner(synapses, rule_code(circuit, pathway, rule), when="groups", order=-3))
    if circuit.connectivity(pathway.name).shared:
        share = functools.partial(_share, objects, pathway.name, [step_of(variable) for variable in traces])
        runners.append(Called(objects, f"{pathway.name}__sharing_first", share, when="groups", order=-2))
    if traces:
        # After their differential equations.
        added = "\n".join(f"{synaptic(v)} = {synaptic(v)} + {synaptic(step_of(v))}" for v in traces)
        runners.append(objects.runner(synapses, added, when="groups"))
    return tuple(runners)


def _share(objects: Objects, pathway: str, variables: Sequence[str]) -> None:
    for variable in variables:
        objects.share(pathway, variable)


def _shared_out(circuit: Circuit, pathway: Pathway, rule: Rule, increment: str) -> str:
    """An increment of a shared weight, in which terms that read no neuron count once, not once a synapse."""
    if not sums_positions(circuit, pathway):
        return increment
    variable = next(name for name, text in rule.increments.items() if text == increment)
    texts = separated(circuit, pathway.name, increment, rule.moment)
    terms = zip(texts, rule_terms(circuit, pathway.name, rule.moment)[variable], strict=True)
    return " + ".join(
        f"({text.post})*({text.pre})*({text.own}){'' if term.sees_neurons else f'/{SHARING}'}" for text, term in terms
    )
