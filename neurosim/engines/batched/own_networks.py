"""Trials that are networks of their own: the presentation of a batch of one, mapped over the trials.

No part of a presentation knows of it. Noise is drawn by the running number of a trial's presentation, so that each has
the numbers that it has in a batch with others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from neurosim.engines.batched.batch import Arrays, Batch, Outcome, Request
from neurosim.engines.batched.stepping import rows
from neurosim.engines.own_weights import with_trials
from neurosim.engines.slots import slots


def each_by_itself(request: Request, batch: Batch, present: Callable[[Batch], Outcome]) -> Outcome:
    """The results of `present` with each trial as a batch of one.

    Parameters
    ----------
    request
        What of a presentation runs.
    batch
        All trials; variables of synapses can have an axis of trials.
    present
        Presents a batch of one trial.

    Returns
    -------
    Outcome
        As of one batch, with an axis of trials in front of what learning changes.
    """
    if batch.row is not None:
        courses = {name: _rows_of(array, batch) for name, array in batch.courses.items()}
        batch = replace(batch, courses=courses, row=None)
    axes = _axes(request, batch)
    if batch.trials == 1:
        shared = {name: array if axes.values[name] is None else array[0] for name, array in batch.values.items()}
        outcome = present(replace(batch, values=shared))
        first = jax.tree.map(lambda array: array[None], (outcome.changes, outcome.stepped))
        return replace(outcome, changes=first[0], stepped=first[1])

    def alone(one: Batch) -> Outcome:
        return present(_batch_of_one(one, axes))

    return _beside_each_other(jax.vmap(alone, in_axes=(axes,))(batch))


def _rows_of(course: Any, batch: Batch) -> Any:
    if jnp.shape(course)[1] in (1, batch.trials):
        return course
    return jax.vmap(lambda now: rows(now, batch.row, batch.trials))(course)


def _axes(request: Request, batch: Batch) -> Batch:
    """Which axis of each array is that of trials; ``None`` where all trials share it."""
    trials, known = batch.trials, slots(request.circuit, None if request.setting.steady else request.setting.dt)
    own = with_trials(request.circuit, batch.values) | {
        name
        for name, slot in known.items()
        if slot.per_trial and name in batch.values and jnp.ndim(batch.values[name]) > len(slot.shape)
    }
    own = {name for name in own if jnp.shape(batch.values[name])[0] == trials}
    noise = {
        phase: {name: 0 if jnp.ndim(a) > 1 and jnp.shape(a)[0] == trials else None for name, a in drawn.items()}
        for phase, drawn in batch.noise.items()
    }
    shared: Any = None
    return Batch(
        values={name: 0 if name in own else None for name in batch.values},
        stimuli={name: 0 if _has(array, 0, 2, trials) else None for name, array in batch.stimuli.items()},
        keys=shared,
        presentations=0,
        courses={name: 1 if _has(array, 1, 3, trials) else None for name, array in batch.courses.items()},
        noise=noise,
        perturbations=shared,
        left=shared,
        begin=None,
    )


def _has(array: Any, axis: int, dimensions: int, trials: int) -> bool:
    return jnp.ndim(array) == dimensions and jnp.shape(array)[axis] == trials


def _batch_of_one(one: Batch, axes: Batch) -> Batch:
    """One trial as a batch: what was mapped over trials has an axis for it again, except for weights."""

    def again(arrays: Arrays, mapped: Arrays, axis: int) -> Arrays:
        return {n: array if mapped[n] is None else jnp.expand_dims(array, axis) for n, array in arrays.items()}

    return replace(
        one,
        stimuli=again(one.stimuli, axes.stimuli, 0),
        courses=again(one.courses, axes.courses, 1),
        noise={phase: again(drawn, axes.noise[phase], 0) for phase, drawn in one.noise.items()},
        presentations=one.presentations[None],
    )


def _beside_each_other(each: Outcome) -> Outcome:
    """Outcomes of batches of one, with trials in front of all, as that of one batch."""
    first = jax.tree.map(lambda array: array[:, 0], (each.ends, each.final))
    recordings = jax.tree.map(lambda array: jnp.moveaxis(array[:, :, 0], 0, 1), each.recordings)
    # At the ends of phases is noted whether, within a loop at which step for each trial and neuron.
    broken = jax.tree.map(lambda array: jnp.any(array) if array.ndim == 1 else array[:, 0], each.broken)
    return replace(each, ends=first[0], final=first[1], recordings=recordings, broken=broken)
