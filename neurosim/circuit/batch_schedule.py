"""Which rules act in which mini-batch: a pathway with ``every = k`` learns in one batch of k and rests in the others.

What is switched off is the rule itself, so that nothing it would have done, decay and an optimiser's memory included,
happens in such a batch.
"""

from __future__ import annotations

import functools
import math

from neurosim.circuit.wiring import Wiring


@functools.lru_cache(maxsize=64)
def cycle(circuit: Wiring) -> tuple[frozenset[str], ...]:
    """The pathways whose rules act, for each batch of a period after which everything repeats."""
    learning = {name for phase in circuit.phases for name in phase.learn}
    period = math.lcm(*(circuit.pathway[name].every for name in learning))
    return tuple(
        frozenset(name for name in learning if batch % circuit.pathway[name].every == 0) for batch in range(period)
    )


def learning_in(circuit: Wiring, batch: int) -> frozenset[str]:
    """The pathways whose rules act in a batch, by its running number."""
    patterns = cycle(circuit)
    return patterns[batch % len(patterns)]


def needed_phases(circuit: Wiring, acting: frozenset[str]) -> tuple[str, ...]:
    """The phases of a batch up to the last one in which anything learns, but always the first.

    All of them where state carries over.
    """
    names = [phase.name for phase in circuit.phases]
    last = max((number for number, phase in enumerate(circuit.phases) if acting & set(phase.learn)), default=0)
    return tuple(names if circuit.carry else names[: last + 1])
