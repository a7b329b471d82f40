"""A pathway as Synapses: the variables of its synapses, what they deliver, and what they do at spikes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import brian2
import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import broadcast, compose
from neurosim.circuit.delays import delay_of, differs
from neurosim.circuit.description import Pathway
from neurosim.circuit.plasticity import UPDATE_NOISE
from neurosim.circuit.spike_texts import values_under_way
from neurosim.circuit.weight_units import weight_unit
from neurosim.engines.brian import synapse_texts
from neurosim.engines.brian.names import (
    DERIVED,
    FIRST,
    LEARNING,
    NOISE,
    SHARING,
    SIGMA,
    SWITCH,
    change_of,
    delivered_name,
    late_name,
    step_of,
    synaptic,
)
from neurosim.equations.parse import Equation, EquationSet
from neurosim.rules._synapse import stepped_by

if TYPE_CHECKING:
    from neurosim.engines.brian.objects import Objects


@dataclass
class SynapseTexts:
    """The arguments of a Synapses object.

    Attributes
    ----------
    lines
        Their model.
    sums
        Input and pathway -> the summed variable that delivers to it.
    paths
        Pathway -> the side of its spikes, and its code at them; what acts at spikes behind has no pathway.
    """

    lines: list[str]
    sums: dict[str, str] = field(default_factory=dict)
    paths: dict[str | None, tuple[str, str]] = field(default_factory=dict)

    def at_spikes(self) -> dict[str, Any]:
        """The code of Synapses at spikes of each side: a name for each piece."""
        codes: dict[str, Any] = {}
        for pathway, (side, code) in self.paths.items():
            codes.setdefault(f"on_{side}", {})[_path_name(pathway)] = code
        return codes


def make_synapses(circuit: Circuit, pathway: Pathway, objects: Objects, updaters: dict[str, Any], dt: float) -> Any:
    """The Synapses of a pathway and of those that use its weights; what sums inputs is added to `updaters`."""
    texts = _texts(circuit, pathway)
    pre, post = objects.groups[pathway.pre], objects.groups[pathway.post]
    synapses = brian2.Synapses(
        pre,
        post,
        "\n".join(texts.lines),
        **texts.at_spikes(),
        clock=objects.clock,
        name=f"{pathway.name}_synapses",
    )
    if pathway.tie is not None:
        # The same synapses in the same order, as only sizes decide.
        owner = objects.synapses[circuit.owner(pathway.name)]
        synapses.variables.add_reference(synaptic("w"), owner, synaptic("w"))
    if code := synapse_texts.trace_code(circuit, pathway):
        # All from the beginning of the step: before any neuron moves.
        objects.extra.append(objects.runner(synapses, code, when="groups", order=-1))
    for name in pathway.synapse.names & broadcast(circuit).keys():
        # A variable that populations link to cannot be read through them.
        synapses.variables.add_reference(name, objects.scalars, name, index="0")
    # Given as arrays: otherwise Brian2 generates code for each pathway, which takes a tenth of a second.
    made = circuit.connectivity(pathway.name).synapses(circuit.ends(pathway.name))
    synapses.connect(i=made.pre, j=made.post)
    _order(circuit, objects, synapses, texts, dt)
    if made.strength is not None:
        synapses.variables[synaptic("w")].set_value(made.strength)
    if synaptic(SHARING) in synapses.variables:
        assert made.weight is not None
        synapses.variables[synaptic(SHARING)].set_value(np.bincount(made.weight)[made.weight])
    updaters |= {name: synapses.summed_updaters[summed] for name, summed in texts.sums.items()}
    return synapses


def sums_positions(circuit: Circuit, pathway: Pathway) -> bool:
    """Whether increments are summed over the synapses that share a weight."""
    return circuit.connectivity(pathway.name).shared and pathway.positions == "sum"


def used_elsewhere(circuit: Circuit, pathway: Pathway) -> bool:
    """Whether a pathway uses the weights of one between other populations, beside whose synapses it has its own."""
    owner = circuit.pathway[circuit.owner(pathway.name)]
    return pathway.tie is not None and {owner.pre, owner.post} != {pathway.pre, pathway.post}


def _texts_elsewhere(circuit: Circuit, pathway: Pathway) -> SynapseTexts:
    """Of a pathway that has synapses of its own and no weights."""
    texts = SynapseTexts([])
    _add_user(circuit, pathway, synaptic("w"), texts)
    return texts


def _texts(circuit: Circuit, pathway: Pathway) -> SynapseTexts:
    if pathway.tie is not None:
        return _texts_elsewhere(circuit, pathway)
    texts = SynapseTexts([f"{synaptic('w')} : {weight_unit(circuit, pathway)}", *_declared(circuit, pathway)])
    weight, lines = _delivered_weight(circuit, pathway)
    texts.lines += lines
    for user in circuit.pathways:
        if circuit.owner(user.name) == pathway.name and not used_elsewhere(circuit, user):
            _add_user(circuit, user, weight, texts)
    if behind := synapse_texts.at_spikes(circuit, pathway, "post"):
        texts.paths[None] = ("post", behind)
    return texts


def _declared(circuit: Circuit, pathway: Pathway) -> Iterator[str]:
    """Declarations of what the rules of a pathway have in each synapse."""
    synapse = pathway.synapse
    if synapse.oracle is not None:
        return
    for equation in (synapse.declared or EquationSet(())).equations:
        yield str(Equation("parameter", synaptic(equation.name), None, equation.unit))
    yield from (f"{synaptic(name)} : 1 (shared)" for name in (*synapse.parameters, LEARNING))
    changes = (step_of(v) if v in stepped_by(rule) else change_of(v) for rule in synapse.updates for v in rule.changed)
    yield from (f"{synaptic(change)} : 1" for change in dict.fromkeys(changes))
    asked = {
        UPDATE_NOISE: UPDATE_NOISE in synapse.names,
        "w_reciprocal": "reciprocal" in synapse.reads,
        SHARING: sums_positions(circuit, pathway),
    }
    yield from (f"{synaptic(name)} : 1" for name, needed in asked.items() if needed)


def _delivered_weight(circuit: Circuit, pathway: Pathway) -> tuple[str, list[str]]:
    """The factor by which a pathway without a text delivers, and the declarations that it needs."""
    unit = weight_unit(circuit, pathway)
    if pathway.derived is not None:
        return synaptic(DERIVED), [f"{synaptic(DERIVED)} : {unit}"]
    if pathway.sigma is None:
        return synaptic("w"), []
    noise, sigma, switch = synaptic(NOISE), synaptic(SIGMA), synaptic(SWITCH)
    lines = [f"{noise} : 1", f"{sigma} : {unit} (shared)", f"{switch} : 1 (shared)"]
    return f"({synaptic('w')} + {switch}*{sigma}*{noise})", lines


def _add_user(circuit: Circuit, user: Pathway, weight: str, texts: SynapseTexts) -> None:
    """Add what one of the pathways delivers that use the weights."""
    transposed = user.tie is not None and user.tie.transposed
    here, there = ("post", "pre") if transposed else ("pre", "post")
    variable = user.target.split(".")[1]
    struck = synapse_texts.at_spikes(circuit, user, "pre")
    if user.at_spikes:
        texts.paths[user.name] = (here, struck or f"{variable}_{there} += {weight}")
        return
    if struck:
        texts.paths[user.name] = (here, struck)
    source, each = user.source.split(".")[1], differs(circuit, user.name)
    if each:
        texts.lines += _late(circuit, user)
    if each or user.delivers is not None:
        text = synapse_texts.delivery(circuit, user)
    else:
        text = f"{weight}*{source if user.delay is None else late_name(source, user.name)}_{here}"
    summed = f"{delivered_name(variable, user.name)}_{there}"
    unit = compose(circuit)[user.post].equation_set.by_name[variable].unit
    texts.lines.append(f"{summed} = {text} : {unit} (summed)")
    texts.sums[f"{user.target}|{user.name}"] = summed


def _late(circuit: Circuit, user: Pathway) -> Iterator[str]:
    """Declarations of what arrives at each synapse after a delay of its own."""
    for variable in values_under_way(circuit, user.name):
        unit = compose(circuit)[user.pre].equation_set.by_name[variable].unit
        yield f"{late_name(variable, user.name)} : {unit}"


def _path_name(pathway: str | None) -> str:
    """Name of the code at spikes of a pathway, unlike any attribute of Synapses."""
    return "spikes__behind" if pathway is None else f"{pathway}__spikes"


def _order(circuit: Circuit, objects: Objects, synapses: Any, texts: SynapseTexts, dt: float) -> None:
    """Order effects of spikes: those that arrive, pathway by pathway in the circuit's order, then postsynaptic ones."""
    position: Mapping[str, int] = {pathway.name: number for number, pathway in enumerate(circuit.pathways)}
    for name in texts.paths:
        path = getattr(synapses, _path_name(name))
        # Units are checked when the circuit is made; parameters are declared without unit here.
        path.check_units = False
        if name is None:
            path.order = 1
            continue
        objects.paths[name] = path
        path.order = FIRST + position[name]
        delay = delay_of(circuit, name, dt)
        if delay.each is not None:
            # In the order of Brian2's synapses.
            path.delay = delay.each.ravel()[objects.index(name)] * objects.clock.dt
        elif delay.depth:
            path.delay = delay.depth * objects.clock.dt
