"""Texts as Brian2 takes them, and the names that it knows what the engine adds by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from neurosim.circuit.composition import broadcast, compose
from neurosim.circuit.description import Circuit
from neurosim.circuit.plan import plan
from neurosim.circuit.plasticity import rule_names
from neurosim.equations.parse import CONSTANT, Equation, Statement
from neurosim.equations.whole import real_numbers
from neurosim.neurons._model import NeuronModel

SIDES = ("pre", "post")
# Users' own names have no two underscores.
#: Switches a rule that acts at every step.
LEARNING = "is__learning"
#: Noise on weights.
NOISE, SIGMA, SWITCH = "w__noise", "w__sigma", "w__perturb"
#: What a pathway delivers by, where that is not its own weights.
DERIVED = "w__derived"
#: How many synapses share the weight of one.
SHARING = "w__sharing"
#: When courses begin.
COURSE_BEGIN = "course__begin"
#: Whether a neuron spikes in this time step, where a rule asks.
SPIKING = "spiking__now"


def synaptic(variable: str) -> str:
    """What a variable of synapses is called in Brian2, which wants a name that neither population has."""
    return f"{variable}__here"


def change_of(variable: str) -> str:
    """What the increment of a synaptic variable is called."""
    return f"change__{variable}"


def delivered_name(variable: str, pathway: str) -> str:
    """What a pathway delivers to a variable."""
    return f"{variable}__{pathway}"


def group_equations(circuit: Circuit, population: str, model: NeuronModel, courses: Mapping[str, np.ndarray]) -> str:
    """The text a population's NeuronGroup is made of.

    Fed parameters become the sum of what each pathway delivers; what is broadcast is linked.
    """
    lines = []
    scalars = broadcast(circuit)
    for equation in model.equation_set.equations:
        node = plan(circuit).nodes.get(f"{population}.{equation.name}")
        if node is not None and node.kind == "input":
            terms = [delivered_name(equation.name, pathway) for pathway in node.pathways]
            lines.append(f"{equation.name} = {' + '.join(terms)} : {equation.unit}")
            lines += [f"{term} : {equation.unit}" for term in terms]
        elif equation.name in courses:
            # Held through the step: methods of higher order would look ahead otherwise.
            lines.append(
                f"{equation.name} = {equation.name}__course(t - {COURSE_BEGIN}, i) : {equation.unit} (constant over dt)"
            )
        elif equation.name in scalars:
            continue
        else:
            lines.append(str(_in_brian(model, equation)))
    if f"{population}.spikes" in spikes_read(circuit):
        lines.append(f"{SPIKING} : 1")
    lines += [f"{name} : {unit} (linked)" for name, unit in scalars.items()]
    return "\n".join(lines)


def _in_brian(model: NeuronModel, equation: Equation) -> Equation:
    """An equation as Brian2 takes it: counts are real numbers, and what is constant over a step is given."""
    unit = "1" if equation.unit == "integer" else equation.unit
    if CONSTANT in equation.flags:
        return Equation("parameter", equation.name, None, unit)
    flags = tuple(flag for flag in equation.flags if model.refractory is not None or flag != "unless refractory")
    text = None if equation.expression is None else real_numbers(equation.expression, model.truths)
    return replace(equation, expression=text, unit=unit, flags=flags)


def in_brian(circuit: Circuit, population: str | None, statement: Statement) -> str:
    """An assignment to a population's variables as Brian2 takes it."""
    truths = compose(circuit)[population].truths if population else ()
    return f"{statement.target} {statement.operator} {real_numbers(statement.expression, truths)}"


def spikes_read(circuit: Circuit) -> frozenset[str]:
    """The spikes that rules read, as ``population.spikes``."""
    learning = {name for phase in circuit.phases for name in phase.learn}
    found = [rule_names(circuit, pathway).values() for pathway in learning]
    return frozenset(name for names in found for _, name in names if name.endswith(".spikes"))


def leaving(model: NeuronModel, refractory: str) -> str:
    """How neurons leave their refractory period, as in Brian2."""
    if model.refractory_is_condition:
        return f"not_refractory = not_refractory or not ({refractory})"
    return f"not_refractory = timestep(t - lastspike, dt) >= timestep({refractory}, dt)"


def integration(model: NeuronModel) -> Any:
    """The state update as a Brian2 method: the very statements the batched engine runs."""
    method = model.resolved_method
    if method is None:
        return "euler"
    assigned = (line.partition("=") for line in model.step_code.splitlines() if line.strip())
    code = "\n".join(f"{target}= {real_numbers(text, model.truths)}" for target, _, text in assigned)
    return lambda equations, variables, options=None: code
