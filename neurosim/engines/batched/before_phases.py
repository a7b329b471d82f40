"""Rules that act at the beginning of a presentation, on the weights alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp

from neurosim.circuit.description import Phase
from neurosim.circuit.moments import BEGINNING, Learn, acting
from neurosim.circuit.plan import Plan
from neurosim.engines.batched.learning import increments
from neurosim.engines.batched.snapshot import Arrays, Snapshot
from neurosim.engines.bounds import within_bounds


def changes_at_beginning(
    graph: Plan, values: Mapping[str, Any], left: Mapping[str, Any], phases: Sequence[Phase], learn: Learn
) -> Arrays:
    """The increments of the pathways that learn before the first of `phases`, all from the weights as they are.

    Parameters
    ----------
    values
        All leaves.
    left
        Pathway -> what the noise of this batch's update leaves on its weights.
    learn
        As of `Request`.
    """
    now, changes = Snapshot(graph, values), {}
    for name in (pathway.name for pathway in acting(graph.circuit, phases, BEGINNING, learn)):
        # Nothing in it belongs to a trial, so that there is one increment, however large the batch.
        changes |= increments(now, name, 1, BEGINNING)
        if name in left:
            changes[f"{name}.w"] = changes[f"{name}.w"] + left[name]
        if graph.circuit.pathway[name].bounds is not None and (w := f"{name}.w") in changes:
            changes[w] = within_bounds(jnp, graph.circuit, name, values, values[w] + changes[w]) - values[w]
    return changes
