"""Recordings of a loop over time: at every step as its results, at some steps in arrays that it carries along.

An array for every hundredth step is written where a condition holds: XLA writes in place, and computes
what is recorded at these steps only. (A loop of one turn or none does not serve: with the region analysis that
`program` asks for, XLA lets what it only reads be overwritten by the step before it is read.)
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neurosim.circuit.wiring import Wiring
from neurosim.engines.batched.snapshot import Arrays, Snapshot
from neurosim.engines.batched.stretch import Stretch
from neurosim.engines.records import Record, size_of

#: Behind the text of what is recorded, in the names of these arrays.
_KEPT = "|kept"


def taken(stretch: Stretch, record: Record, begun: Snapshot, spiked: Mapping[str, Any]) -> Any:
    """The recordings of one step, ``(trial, place)``.

    Parameters
    ----------
    begun
        All variables at the step's beginning.
    spiked
        Who spikes in it.
    """
    circuit = stretch.plan.circuit
    if record.spikes:
        values = spiked[record.name] > 0
        full = values.astype(stretch.dtype) if record.over else values
    else:
        full = _full(stretch, record.name, begun[record.name])
    chosen = full[:, record.slice] if record.chosen else full
    if not record.over:
        return chosen
    total = jnp.sum(chosen, axis=-1, keepdims=True)
    return total / record_width(circuit, record) if record.over == "mean" else total


def record_width(circuit: Wiring, record: Record) -> int:
    """How many neurons or synapses it is of."""
    return len(record.places(size_of(circuit, record.name)))


def _full(stretch: Stretch, name: str, value: Any) -> Any:
    """A variable at shape (trial, place)."""
    circuit = stretch.plan.circuit
    size = size_of(circuit, name)
    owner = name.rpartition(".")[0]
    if owner in circuit.pathway:
        shape = circuit.variable_shape(owner, name.rpartition(".")[2])
        each = jnp.ndim(value) > len(shape)
        value = jnp.broadcast_to(value, jnp.shape(value)[:1] + shape if each else shape)
        value = value.reshape(-1, size)
    full = jnp.broadcast_to(value, (stretch.trials, size))
    # Numbers that no array is part of may be whole.
    return full.astype(stretch.dtype) if jnp.issubdtype(full.dtype, jnp.number) else full


def at_every_step(stretch: Stretch, begun: Snapshot, spiked: Mapping[str, Any]) -> Arrays:
    """The recordings of each step."""
    return {one.text: taken(stretch, one, begun, spiked) for one in stretch.record if one.every == 1}


def empty(stretch: Stretch) -> Arrays:
    """Arrays for what is recorded at some steps, ``(sample, trial, place)``."""
    arrays: Arrays = {}
    for one in (one for one in stretch.record if one.every > 1):
        rows = -(-stretch.steps // one.every)
        width = 1 if one.over else record_width(stretch.plan.circuit, one)
        arrays[one.text + _KEPT] = jnp.zeros((rows, stretch.trials, width), stretch.dtype)
    return arrays


def written(stretch: Stretch, kept: Mapping[str, Any], begun: Snapshot, number: Any, first_step: Any) -> Arrays:
    """The arrays of `empty` with a sample of this step, if it has one.

    Parameters
    ----------
    number, first_step
        The step's, and that of the stretch, within the presentation.
    """
    arrays: Arrays = {}
    for one in (one for one in stretch.record if one.every > 1):
        name = one.text + _KEPT
        row = number // one.every - (first_step + one.every - 1) // one.every
        due = number % one.every == 0

        def write(array: Any, one: Record = one, row: Any = row) -> Any:
            sample = taken(stretch, one, apart(begun), {})
            return jax.lax.dynamic_update_index_in_dim(array, sample.astype(array.dtype), row, 0)

        arrays[name] = jax.lax.cond(due, write, lambda array: array, kept[name])
    return arrays


def apart(now: Snapshot) -> Snapshot:
    """The same instant for a loop within the loop: what is computed there is not known outside it."""
    instant = copy.copy(now)
    instant.values = dict(now.values)
    return instant


def split_off(after: Arrays) -> tuple[Arrays, Arrays]:
    """The values that steps carry, without these arrays, and these by their texts."""
    kept = {name.removesuffix(_KEPT): array for name, array in after.items() if name.endswith(_KEPT)}
    return {name: array for name, array in after.items() if not name.endswith(_KEPT)}, kept


def joined(record: Sequence[Record], parts: Mapping[str, Sequence[Any]]) -> Arrays:
    """The recordings of all phases: one array where there is a sample at every step, else one for each phase."""
    rare = {one.text for one in record if one.every > 1}
    return {text: tuple(arrays) if text in rare else jnp.concatenate(arrays) for text, arrays in parts.items()}


def trimmed(
    record: Sequence[Record], recordings: Mapping[str, Any], begin: int, steps: Sequence[int]
) -> dict[str, Any]:
    """Recordings without the rows for which there was no step.

    Parameters
    ----------
    recordings
        What the compiled program gives.
    begin, steps
        The number of the first step, and how many each phase has.
    """
    made = dict(recordings)
    firsts = begin + np.concatenate([[0], np.cumsum(steps)])[:-1]
    for one in (one for one in record if one.every > 1 and one.text in recordings):
        rows = [one.samples(int(first), count) for first, count in zip(firsts, steps, strict=True)]
        made[one.text] = np.concatenate(
            [np.asarray(part)[:count] for part, count in zip(recordings[one.text], rows, strict=True)]
        )
    return made
