"""A circuit whose weights stay as they are, for derivatives through time."""

from __future__ import annotations

import functools
from dataclasses import replace

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway
from neurosim.rules._rule import Rule

_FIXED = Rule(name="fixed")


@functools.lru_cache(maxsize=64)
def without_rules(circuit: Circuit) -> Circuit:
    """The circuit without its rules.

    Traces of rules are left out: an automatic derivative would keep those of every step and synapse. A rule whose
    variables are part of what its pathway delivers stays, as what it does to synapses within a step is activity.
    """

    def fixed(pathway: Pathway) -> Pathway:
        synapse = pathway.synapse
        if pathway.delivers is not None or not (synapse.learns or synapse.names or synapse.trace_variables):
            return pathway
        return replace(pathway, rule=_FIXED, parameters={}, bounds=None, every=1, update_noise=None, optimised=None)

    phases = tuple(replace(phase, learn=()) for phase in circuit.phases)
    return replace(circuit, pathways=tuple(fixed(each) for each in circuit.pathways), phases=phases)
