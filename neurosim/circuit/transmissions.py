"""Recurrent transmissions: which pathways bring activity back, so that credit can go through each again and again."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from graphlib import CycleError, TopologicalSorter

from neurosim.circuit.description import Role
from neurosim.circuit.roles import drives, role
from neurosim.circuit.spike_texts import is_plain
from neurosim.circuit.wiring import Wiring

#: Roles of pathways that bring something back.
_BACK = frozenset({Role.RECURRENT, Role.LATERAL, Role.FEEDBACK})


def recurrent_pathways(circuit: Wiring) -> tuple[str, ...]:
    """The pathways that bring activity back: by their role, and those from a population to itself."""
    return tuple(p.name for p in circuit.pathways if role(circuit, p) in _BACK or p.pre == p.post)


def uncountable(circuit: Wiring, pathways: Collection[str]) -> Iterator[str]:
    """Why transmissions through these pathways cannot be counted, one sentence a fault."""
    for name in sorted(pathways):
        declared = circuit.pathway[name]
        if declared.delivers is not None or (declared.at_spikes and not is_plain(circuit, name)):
            yield (
                f"pathway '{name}' says by a text what it delivers, and a derivative cannot be kept from going through "
                "that; leave out the text"
            )
    onward: dict[str, set[str]] = {name: set() for name in circuit.population}
    for pathway in circuit.pathways:
        if pathway.name not in pathways and drives(circuit, pathway):
            onward[pathway.post].add(pathway.pre)
    try:
        TopologicalSorter(onward).prepare()
    except CycleError as error:
        loop = " -> ".join(reversed(error.args[1]))
        yield (
            f"without {', '.join(sorted(pathways)) or 'any pathway'} the populations {loop} still drive each other in "
            "a loop; give those pathways role='recurrent'"
        )
