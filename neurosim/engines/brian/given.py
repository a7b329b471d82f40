"""What one call of the engine presents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.engines.slots import Continuation
from neurosim.engines.stimuli import Stimulus


@dataclass(frozen=True)
class Given:
    """The arguments of `BrianEngine.run`, checked.

    Attributes
    ----------
    standalone
        Whether Brian2 compiles the whole run, and results exist only after it.
    others
        As for `BrianEngine.run`.
    """

    state: Mapping[str, np.ndarray]
    stimuli: Mapping[str, Stimulus]
    trials: int
    batch: int
    seed: int
    first: int
    noise: Mapping[str, Mapping[str, np.ndarray]]
    learn: bool
    phases: Sequence[str] | None
    start: Continuation | None
    keep: bool
    standalone: bool
    own_weights: bool = False
    unfinished: bool = False

    def constants(self, circuit: Circuit) -> dict[str, np.ndarray]:
        """Stimuli that stay as they are, ``(trial, n)``."""
        return {
            name: np.broadcast_to(np.asarray(each.values), (self.trials, _size(circuit, name)))
            for name, each in self.stimuli.items()
            if not each.changes
        }

    def courses(self, circuit: Circuit, steps: int) -> dict[str, np.ndarray]:
        """Stimuli that change, ``(trial times step, n)``: the courses of all trials, one after the other."""
        moving = {
            name: np.broadcast_to(np.asarray(each.values)[:, :steps], (self.trials, steps, _size(circuit, name)))
            for name, each in self.stimuli.items()
            if each.changes
        }
        return {name: np.concatenate(array) for name, array in moving.items()}


def _size(circuit: Circuit, variable: str) -> int:
    return circuit.population[variable.split(".")[0]].size
