"""How often a circuit is told a loss: reward samples, counted from its phases and from what its rules read."""

from __future__ import annotations

from neurosim.circuit.batch_schedule import cycle, needed_phases
from neurosim.circuit.composition import BATCH_SUMS, LOSS, LOSS_CHANGE, TOTAL_LOSS, reads_broadcast, uses_change
from neurosim.circuit.description import Phase
from neurosim.circuit.wiring import Wiring

_REWARDS = frozenset({LOSS, LOSS_CHANGE, TOTAL_LOSS, *BATCH_SUMS})


def reward_samples(circuit: Wiring) -> float:
    """Reward samples of a presentation, on average over batches.

    A reward sample is one phase of one trial of which learning uses the loss as a scalar that is broadcast: the phase
    at whose end the loss, or its change, is read by a rule that acts, by what the phase holds or by a neuron, and the
    earlier one that this change is measured from. A clean and a perturbed phase are two, a perturbed phase beside a
    critic is one. An error that reaches each neuron by a pathway is no reward.

    Returns
    -------
    float
        0 for schemes that learn without a scalar; not whole where pathways rest in some batches.
    """
    if not reads_broadcast(circuit):
        return 0.0
    patterns, phases = cycle(circuit), {phase.name: phase for phase in circuit.phases}
    told = [
        sum(_tells(circuit, phases[name], acting) for name in needed_phases(circuit, acting)) for acting in patterns
    ]
    return sum(told) / len(told)


def _tells(circuit: Wiring, phase: Phase, acting: frozenset[str]) -> bool:
    """Whether learning uses the loss of this phase."""
    read = {name for held in phase.hold for name in held.statement.names}
    learning = [circuit.pathway[name] for name in phase.learn if name in acting]
    read |= {name for pathway in learning for name in pathway.synapse.names}
    if read & _REWARDS:
        return True
    if learning and any(_REWARDS & p.model.equation_set.by_name.keys() for p in circuit.populations):
        return True
    # What the change of the loss is measured from: held in the output by an earlier phase.
    kept = circuit.readout.held_names if circuit.readout is not None and uses_change(circuit) else ()
    return any(held.population == circuit.output_population and held.statement.target in kept for held in phase.hold)
