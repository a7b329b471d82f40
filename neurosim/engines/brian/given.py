"""The arguments of one call of the engine, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.engines.slots import Continuation
from neurosim.engines.stimuli import Stimulus


@dataclass(frozen=True)
class CheckedCall:
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
        """Stimuli that change, ``(trial times step, n)``: the courses of all trials, one after the other.

        Without events, unless standalone code runs.
        """
        moving = {
            name: np.broadcast_to(self._course(circuit, name, each, steps), (self.trials, steps, _size(circuit, name)))
            for name, each in self.stimuli.items()
            if each.changes and (self.standalone or each.kind != "events")
        }
        return {name: np.concatenate(array) for name, array in moving.items()}

    def _course(self, circuit: Circuit, name: str, stimulus: Stimulus, steps: int) -> np.ndarray:
        values = np.asarray(stimulus.values)[:, :steps]
        if stimulus.kind != "events":
            return values
        full = np.zeros((*values.shape[:2], _size(circuit, name) + 1))
        np.put_along_axis(full, values.astype(np.int64), 1.0, axis=2)
        return full[..., :-1]

    def events(self) -> dict[str, np.ndarray]:
        """Events, ``(trial, step, most)``, that are written into variables step by step; none in standalone code."""
        if self.standalone:
            return {}
        events = {name: np.asarray(each.values) for name, each in self.stimuli.items() if each.kind == "events"}
        return {name: np.broadcast_to(array, (self.trials, *array.shape[1:])) for name, array in events.items()}


def _size(circuit: Circuit, variable: str) -> int:
    return circuit.population[variable.split(".")[0]].size
