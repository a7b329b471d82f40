"""Which pathways of a circuit learn at which moment. Engines ask here; none knows the names of moments."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from neurosim.circuit.description import Pathway, Phase
from neurosim.circuit.wiring import Wiring
from neurosim.rules._moments import BEGINNING as BEGINNING
from neurosim.rules._moments import INTEGRAL as INTEGRAL
from neurosim.rules._moments import PHASE_END as PHASE_END
from neurosim.rules._moments import STEP as STEP
from neurosim.rules._moments import Moment as Moment

#: Whether all rules act, none, or those of the named pathways.
Learn = bool | Collection[str]


def acting(
    circuit: Wiring, phases: Phase | Iterable[Phase], moment: Moment | None = None, learn: Learn = True
) -> tuple[Pathway, ...]:
    """The pathways whose rules act in one of the phases, in the order in which phases name them.

    Parameters
    ----------
    moment
        When; at any moment if left out.
    learn
        What of it is switched on.
    """
    phases = (phases,) if isinstance(phases, Phase) else phases
    names = dict.fromkeys(name for phase in phases for name in phase.learn)
    learning = (circuit.pathway[name] for name in names if learn is True or (learn and name in learn))
    return tuple(pathway for pathway in learning if moment is None or pathway.synapse.at(moment) is not None)


def in_steps(circuit: Wiring, phases: Phase | Iterable[Phase], learn: Learn = True) -> tuple[Pathway, ...]:
    """The pathways whose rules act in the loop over time steps of one of the phases."""
    acts = acting(circuit, phases, learn=learn)
    return tuple(pathway for pathway in acts if any(moment.within_steps for moment in pathway.synapse.moments))


def at_end(circuit: Wiring, phase: Phase, learn: Learn = True) -> tuple[Pathway, ...]:
    """The pathways whose rules act when a phase is over, after what it holds is held.

    Engines ask here, and so does whoever needs to know what such rules read.
    """
    return acting(circuit, phase, PHASE_END, learn)


def waiting(circuit: Wiring, phases: Iterable[Phase], learn: Learn = True) -> tuple[Pathway, ...]:
    """The pathways whose increments, made in one of the phases, wait for the end of the batch."""
    return tuple(pathway for pathway in acting(circuit, phases, learn=learn) if waits(pathway))


def waits(pathway: Pathway) -> bool:
    """Whether any increments of a pathway wait for the end of the batch."""
    return any(moment.averaged for moment in pathway.synapse.moments)
