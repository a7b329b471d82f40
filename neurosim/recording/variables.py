"""What of a circuit can be recorded, by its name, and in which unit it comes."""

from __future__ import annotations

from neurosim.circuit.composition import compose
from neurosim.circuit.description import Circuit


def traces(circuit: Circuit) -> tuple[str, ...]:
    """What has a value for each neuron at every time step: variables, and the spikes of populations that have them."""
    found: list[str] = []
    for population, neuron in compose(circuit).items():
        spikes = [f"{population}.spikes"] if neuron.threshold is not None else []
        found += [f"{population}.{name}" for name in neuron.equation_set.by_name] + spikes
    return tuple(found)


def weights(circuit: Circuit) -> tuple[str, ...]:
    """What has a value for each synapse between presentations: the weights of every pathway, what else they own."""
    found: list[str] = []
    for pathway in circuit.pathways:
        if not circuit.connectivity(pathway.name).weighted:
            continue
        own = pathway.rule.synaptic_variables[1:] if pathway in circuit.owners else ()
        kept = [name for name in own if name not in pathway.rule.trace_variables]
        found += [f"{pathway.name}.{name}" for name in ("w", *kept)]
    return tuple(found)


def is_spikes(name: str) -> bool:
    """Whether a qualified name is that of spikes, which are true or false."""
    return name.endswith(".spikes")


def unit_of(circuit: Circuit, name: str) -> str:
    """The unit of a trace, as its equation declares it."""
    population, variable = name.split(".")
    return "1" if is_spikes(name) else compose(circuit)[population].equation_set.by_name[variable].unit
