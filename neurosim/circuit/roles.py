"""The role of each pathway: forward, bias, feedback, recurrent. No other module tells them apart."""

from __future__ import annotations

from neurosim.circuit.description import Pathway, Role
from neurosim.circuit.wiring import Wiring

#: Roles that drive neurons.
DRIVING = frozenset({Role.FORWARD, Role.BIAS, Role.RECURRENT})


def role(circuit: Wiring, pathway: Pathway | str) -> Role:
    """The part of a pathway: the one that it declares, else what its target's ports say.

    A pathway to the port ``feedback`` is feedback. One to an input of the neuron (the ports ``drive`` and ``offset``),
    or one that acts at spikes, is a bias if it comes from a constant, recurrent if it comes from its own target
    population, and forward otherwise.
    """
    declared = circuit.pathway[pathway] if isinstance(pathway, str) else pathway
    return declared.role if declared.role is not None else implied_role(circuit, declared)


def implied_role(circuit: Wiring, pathway: Pathway) -> Role:
    """The part that the ports of a pathway's target tell, whatever the pathway declares."""
    neuron, variable = circuit.population[pathway.post].neuron, pathway.target.split(".")[1]
    if variable == neuron.ports.get("feedback"):
        return Role.FEEDBACK
    if variable not in neuron.inputs and not pathway.at_spikes:
        return Role.OTHER
    if circuit.population[pathway.pre].neuron.name == "constant":
        return Role.BIAS
    return Role.RECURRENT if pathway.pre == pathway.post else Role.FORWARD


def drives(circuit: Wiring, pathway: Pathway | str) -> bool:
    """Whether a pathway is part of what neurons are driven by, biases included."""
    return role(circuit, pathway) in DRIVING


def with_role(circuit: Wiring, *roles: Role) -> tuple[Pathway, ...]:
    """The pathways that play one of these parts."""
    return tuple(pathway for pathway in circuit.pathways if role(circuit, pathway) in roles)
