"""Which rules act in which mini-batch: a pathway with ``every = k`` learns in one batch of k and rests in the others.

What is switched off is the rule itself, so that nothing it would have done, decay and an optimiser's memory included,
happens in such a batch.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable

from neurosim.circuit.description import Circuit, Phase


@functools.lru_cache(maxsize=64)
def cycle(circuit: Circuit) -> tuple[frozenset[str], ...]:
    """The pathways whose rules act, for each batch of a period after which everything repeats."""
    learning = {name for phase in circuit.phases for name in phase.learn}
    period = math.lcm(*(circuit.pathway[name].every for name in learning))
    return tuple(
        frozenset(name for name in learning if batch % circuit.pathway[name].every == 0) for batch in range(period)
    )


def acting(circuit: Circuit, batch: int) -> frozenset[str]:
    """The pathways whose rules act in a batch, by its running number."""
    patterns = cycle(circuit)
    return patterns[batch % len(patterns)]


def needed_phases(circuit: Circuit, acting: frozenset[str]) -> tuple[str, ...]:
    """The phases of a batch up to the last one in which anything learns, but always the first.

    All of them where state carries over.
    """
    names = [phase.name for phase in circuit.phases]
    last = max((number for number, phase in enumerate(circuit.phases) if acting & set(phase.learn)), default=0)
    return tuple(names if circuit.carry else names[: last + 1])


def beginning(circuit: Circuit, phases: Iterable[Phase]) -> tuple[str, ...]:
    """The pathways that learn in any of the phases by a rule that acts before the first of them."""
    learning = dict.fromkeys(name for phase in phases for name in phase.learn)
    return tuple(name for name in learning if circuit.pathway[name].rule.timing == "presentation")
