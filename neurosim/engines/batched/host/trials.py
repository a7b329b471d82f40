"""What a batch of trials takes, also in shares of its trials, and what the shares give, joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neurosim.circuit.description import Circuit
from neurosim.engines.state import carried_shapes


@dataclass(frozen=True)
class Batch:
    """The arrays of one call of `compiled.run_batch`, and which stimuli are sparse; see there."""

    sparse: tuple[str, ...]
    values: Mapping[str, Any]
    stimuli: Mapping[str, Any]
    keys: Any
    presentations: np.ndarray
    noise: Any
    begin: np.int32
    clamps: Mapping[str, Any]

    def whole(self) -> tuple[Any, ...]:
        """All trials, as `run_batch` takes them."""
        return (*(getattr(self, field.name) for field in fields(self)), None)

    @property
    def has_rows(self) -> bool:
        """Whether every stimulus has a row for each trial."""
        trials = len(self.presentations)
        return all(np.shape(array)[-2] == trials for array in self.stimuli.values() if np.ndim(array) >= 2)

    def shares(self, circuit: Circuit, parts: Sequence[slice]) -> list[tuple[Any, ...]]:
        """These trials each, as `run_batch` takes them.

        Courses over time stay whole, where every core reads them without a copy of its own.
        """
        # JAX's own arrays lie as its programs need them. NumPy's often do not, and then each program copies them.
        stimuli = {name: np.asarray(jnp.asarray(array)) for name, array in self.stimuli.items()}
        shapes = carried_shapes(circuit)
        each_trial = {name for name, a in self.values.items() if name in shapes and np.ndim(a) > len(shapes[name])}
        return [
            (
                self.sparse,
                {name: array[part] if name in each_trial else array for name, array in self.values.items()},
                {name: array[part] if array.ndim == 2 else array for name, array in stimuli.items()},
                self.keys,
                self.presentations[part],
                jax.tree.map(lambda array, part=part: array[part], self.noise),
                self.begin,
                {name: array[part] for name, array in self.clamps.items()},
                np.int32(part.start),
            )
            for part in parts
        ]


def joined(found: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    """What `run_batch` gives for all shares, as for one batch."""
    changes, final, ends, recordings, clamps, broken = zip(*found, strict=True)
    ever = jax.tree.map(lambda *shares: np.logical_or.reduce(shares), *broken)
    return changes[0], _along(0, final), _along(0, ends), _along(1, recordings), _along(0, clamps), ever


def _along(axis: int, found: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *arrays: np.concatenate(arrays, axis), *found)
