"""The texts of a pathway's synapses, as Brian2 takes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from brian2.utils.stringtools import word_substitute

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import compose
from neurosim.circuit.delays import differs
from neurosim.circuit.description import Pathway
from neurosim.circuit.plasticity import UPDATE_NOISE
from neurosim.circuit.spike_texts import (
    Side,
    bounds_of,
    delivered_names,
    is_plain,
    spike_text,
    trace_steps,
    written_delivery,
)
from neurosim.circuit.weight_units import weight_unit
from neurosim.engines.brian.names import LEARNING, NOISE, SHARING, SIDES, SIGMA, SPIKING, late_name, synaptic
from neurosim.equations.dimensions import UNIT_VALUES
from neurosim.equations.inlined import names_within
from neurosim.equations.parse import Statement
from neurosim.equations.whole import real_numbers


def names_in_brian(circuit: Circuit, pathway: Pathway) -> dict[str, str]:
    """Names of a pathway's texts -> their names in Brian2, where these differ."""
    synapse = pathway.synapse
    own = (*synapse.synaptic_variables, *synapse.parameters, UPDATE_NOISE, "w_reciprocal", SHARING)
    names = {name: synaptic(name) for name in own}
    local = (s.target for s in (*synapse.at_pre, *synapse.at_post) if not s.target.endswith("_post"))
    names |= {name: synaptic(name) for name in local}
    names |= {f"spikes_{side}": f"{SPIKING}_{side}" for side in SIDES}
    return names | ({"noise": synaptic(NOISE), "sigma": synaptic(SIGMA)} if pathway.sigma is not None else {})


def truths_of(circuit: Circuit, pathway: Pathway) -> set[str]:
    """The truth values among what a text reads of neurons."""
    ends = {"pre": pathway.pre, "post": pathway.post}
    return {f"{name}_{side}" for side, population in ends.items() for name in compose(circuit)[population].truths}


def in_brian(circuit: Circuit, pathway: Pathway, text: str) -> str:
    """An expression over what a synapse sees."""
    return real_numbers(word_substitute(text, names_in_brian(circuit, pathway)), truths_of(circuit, pathway))


def at_spikes(circuit: Circuit, pathway: Pathway, side: Side) -> str:
    """The code that runs at a spike; empty if nothing happens.

    What is learned changes where the pathway is switched to learn, and else keeps its value.
    """
    learns = any(pathway.name in phase.learn for phase in circuit.phases)
    text = spike_text(circuit, pathway.name, side, learning=learns)
    if text is None or (side == "pre" and is_plain(circuit, pathway.name)):
        return ""
    return "\n".join(_statement(circuit, pathway, statement) for statement in text.statements)


def _statement(circuit: Circuit, pathway: Pathway, statement: Statement) -> str:
    text = in_brian(circuit, pathway, statement.expression)
    target = names_in_brian(circuit, pathway).get(statement.target, statement.target)
    if statement.target not in pathway.synapse.learned:
        return f"{target} {statement.operator} {text}"
    after = text if statement.operator == "=" else f"{target} {statement.operator[0]} ({text})"
    on = synaptic(LEARNING)
    return f"{target} = {on}*({after}) + (1 - {on})*{target}"


def _without_units(circuit: Circuit, pathway: Pathway, text: str) -> str:
    """An expression of plain numbers in SI units, times the unit of the target.

    Units were checked when the circuit was made. Brian2 would check them again where it sums, by declarations: those of
    parameters that are plain numbers say none, whatever unit the text needs.
    """
    units = {"w": weight_unit(circuit, pathway), "dt": "second"}
    declared = pathway.synapse.declared
    units |= {e.name: e.unit for e in (declared.equations if declared is not None else ())}
    for name, (kind, qualified) in delivered_names(circuit, pathway.name).items():
        if kind in ("pre", "post"):
            population, _, variable = qualified.rpartition(".")
            units[name] = compose(circuit)[population].equation_set.by_name[variable].unit
    plain = {name: f"({name}/({unit}))" for name, unit in units.items() if unit not in ("1", "boolean", "integer")}
    written = names_within([text], {}) & UNIT_VALUES.keys()
    values = {name: repr(float(UNIT_VALUES[name])) for name in written}
    bare = word_substitute(word_substitute(text, values), plain)
    population, _, variable = pathway.target.rpartition(".")
    unit = compose(circuit)[population].equation_set.by_name[variable].unit
    return bare if unit == "1" else f"({bare})*({unit})"


def delivery(circuit: Circuit, pathway: Pathway) -> str:
    """The expression that a pathway without spikes delivers by its text."""
    text = in_brian(circuit, pathway, _without_units(circuit, pathway, written_delivery(circuit, pathway.name)))
    if pathway.delay is None:
        return text
    ending = "" if differs(circuit, pathway.name) else "_pre"
    late = {
        name: f"{late_name(name.removesuffix('_pre'), pathway.name)}{ending}"
        for name, (kind, _) in delivered_names(circuit, pathway.name).items()
        if kind == "pre"
    }
    return str(word_substitute(text, late))


def trace_code(circuit: Circuit, pathway: Pathway) -> str:
    """The statements that advance the traces of a pathway, empty if none has an equation."""
    steps = trace_steps(circuit, pathway.name)
    if steps is None:
        return ""
    names = names_in_brian(circuit, pathway)
    lines = (line.partition("=") for line in steps.code.splitlines() if line.strip())
    return "\n".join(
        f"{word_substitute(target.strip(), names)} = {in_brian(circuit, pathway, text)}" for target, _, text in lines
    )


def bounding(circuit: Circuit, pathway: Pathway, changed: Iterable[str]) -> Iterator[str]:
    """The statement that brings the weight into its bounds, if it is among what was changed."""
    bounds = bounds_of(circuit, pathway.name)
    if bounds is not None and "w" in changed:
        least, most = (synaptic(bound) if isinstance(bound, str) else repr(bound) for bound in bounds)
        yield f"{synaptic('w')} = clip({synaptic('w')}, {least}, {most})"
