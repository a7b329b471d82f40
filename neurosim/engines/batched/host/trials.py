"""A batch in shares of its trials, and what the shares give, joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.batch import Batch, Outcome
from neurosim.engines.own_weights import with_trials
from neurosim.engines.slots import slots


def has_rows(batch: Batch) -> bool:
    """Whether every stimulus has a row for each trial."""
    stimuli = (*batch.stimuli.values(), *batch.courses.values())
    return all(np.shape(array)[-2] == batch.trials for array in stimuli if np.ndim(array) >= 2)


def shared_out(batch: Batch, circuit: Circuit, dt: float | None, parts: Sequence[slice]) -> list[Batch]:
    """A batch of each of these trials. Courses stay whole, where every core reads them without a copy of its own."""
    # JAX's own arrays lie as its programs need them. NumPy's often do not, and then each program copies them.
    stimuli, courses = (
        {name: np.asarray(jnp.asarray(array)) for name, array in arrays.items()}
        for arrays in (batch.stimuli, batch.courses)
    )
    known = slots(circuit, dt)
    each_trial = with_trials(circuit, batch.values) | {
        name
        for name, array in batch.values.items()
        if name in known and known[name].per_trial and np.ndim(array) > len(known[name].shape)
    }
    return [
        replace(
            batch,
            values={name: array[part] if name in each_trial else array for name, array in batch.values.items()},
            stimuli={name: array[part] if array.ndim == 2 else array for name, array in stimuli.items()},
            courses=courses,
            presentations=batch.presentations[part],
            noise=jax.tree.map(lambda array, part=part: array[part], batch.noise),
            row=np.int32(part.start),
        )
        for part in parts
    ]


def joined(outcomes: Sequence[Outcome], *, own_weights: bool = False) -> Outcome:
    """The results of all shares, joined as if of one batch; each trial with weights of its own changes those."""
    return Outcome(
        ends=_along(0, [one.ends for one in outcomes]),
        changes=_along(0, [one.changes for one in outcomes]) if own_weights else outcomes[0].changes,
        stepped=_along(0, [one.stepped for one in outcomes]) if own_weights else outcomes[0].stepped,
        final=_along(0, [one.final for one in outcomes]),
        recordings=_along(1, [one.recordings for one in outcomes]),
        broken=jax.tree.map(lambda *shares: np.logical_or.reduce(shares), *(one.broken for one in outcomes)),
    )


def _along(axis: int, parts: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *arrays: np.concatenate(arrays, axis), *parts)
