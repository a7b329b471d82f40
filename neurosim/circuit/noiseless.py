"""A circuit as it is evaluated: its first phase without injected noise, all neurons taking part, from rest."""

from __future__ import annotations

import functools
from dataclasses import replace

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import PERTURB


@functools.lru_cache(maxsize=64)
def undisturbed(circuit: Circuit) -> Circuit:
    """The circuit with noise off in its first phase, no lots and nothing carried over; itself if it is so already.

    The accuracy of a network, and the gradient that its feedback should deliver, are computed without the noise it
    learns from. A circuit that starts with a clean phase stays as it is.
    """
    if any(population.lots for population in circuit.populations):
        circuit = replace(circuit, populations=tuple(replace(each, lots=()) for each in circuit.populations))
    if not circuit.phases:
        return circuit
    if circuit.delivered_at is not None and not circuit.carry:
        return circuit
    first = circuit.phases[0]
    quiet = replace(first, draw_noise=False)
    if first.switches.get(PERTURB):
        quiet = replace(quiet, switches={**first.switches, PERTURB: 0.0})
    if quiet == first and not circuit.carry:
        return circuit
    return replace(circuit, phases=(quiet, *circuit.phases[1:]), carry=False)
