"""Rules that act at the beginning of a presentation, on the weights alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from neurosim.circuit.batch_schedule import beginning
from neurosim.circuit.description import Phase
from neurosim.circuit.plan import Plan
from neurosim.engines.batched.learning import increments
from neurosim.engines.batched.snapshot import Arrays, Snapshot

#: Of a pathway: what the noise of this batch's update leaves on its weights.
LEFT = "left_by_update"


def changes_at_beginning(
    graph: Plan, values: Mapping[str, Any], phases: Sequence[Phase], learn: bool | Collection[str]
) -> Arrays:
    """The increments of the pathways that learn before the first of `phases`, all from the weights as they are.

    Parameters
    ----------
    values
        All leaves, with what the noise of updates leaves.
    learn
        As for `present`.
    """
    now, found = Snapshot(graph, values), {}
    for name in beginning(graph.circuit, phases):
        if learn is True or (learn and name in learn):
            # Nothing in it belongs to a trial, so that there is one increment, however large the batch.
            found |= increments(now, name, 1)
            if f"{name}.{LEFT}" in values:
                found[f"{name}.w"] = found[f"{name}.w"] + values[f"{name}.{LEFT}"]
    return found
