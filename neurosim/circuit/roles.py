"""What part each pathway plays: forward, bias, feedback, recurrent. Whoever needs to know asks here."""

from __future__ import annotations

from neurosim.circuit.description import Pathway, Role
from neurosim.circuit.wiring import Wiring

#: What makes up the input that neurons are driven by.
DRIVING = frozenset({Role.FORWARD, Role.BIAS, Role.RECURRENT})


def role(circuit: Wiring, pathway: Pathway | str) -> Role:
    """The part of a pathway: the one that it declares, else what its target's ports say.

    A pathway to the port ``feedback`` is feedback. One to an input of the neuron (the ports ``drive`` and ``offset``),
    or one that acts at spikes, is a bias if it comes from a constant, recurrent if it comes from its own target
    population, and forward otherwise.
    """
    found = circuit.pathway[pathway] if isinstance(pathway, str) else pathway
    if found.role is not None:
        return found.role
    neuron, variable = circuit.population[found.post].neuron, found.target.split(".")[1]
    if variable == neuron.ports.get("feedback"):
        return Role.FEEDBACK
    if variable not in neuron.inputs and not found.at_spikes:
        return Role.OTHER
    if circuit.population[found.pre].neuron.name == "constant":
        return Role.BIAS
    return Role.RECURRENT if found.pre == found.post else Role.FORWARD


def drives(circuit: Wiring, pathway: Pathway | str) -> bool:
    """Whether a pathway is part of what neurons are driven by, biases included."""
    return role(circuit, pathway) in DRIVING


def with_role(circuit: Wiring, *roles: Role) -> tuple[Pathway, ...]:
    """The pathways that play one of these parts."""
    return tuple(pathway for pathway in circuit.pathways if role(circuit, pathway) in roles)
