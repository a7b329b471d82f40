"""Detection of variables that stop being finite, recorded or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurosim.errors import NumericalError

#: The step of a variable that never stopped being finite.
NEVER = 2**31 - 1


@dataclass(frozen=True)
class Broken:
    """The first variable that stopped being finite.

    Attributes
    ----------
    name
        Qualified.
    step
        The number of the time step from which on it is not.
    trial, neuron
        The first of them.
    """

    name: str
    step: int
    trial: int
    neuron: int

    def error(self, dt: float) -> NumericalError:
        """The error for the user, with the time step in seconds."""
        return NumericalError(
            f"'{self.name}' stopped being finite at {self.step * dt * 1e3:g} ms (trial {self.trial}, neuron "
            f"{self.neuron}); is the time step too long for the method?"
        )


def first_broken(steps: Mapping[str, np.ndarray]) -> Broken | None:
    """The earliest, from the first step at which each ``(trial, neuron)`` of each variable was not finite."""
    name = min(steps, key=lambda name: steps[name].min(), default=None)
    if name is None or steps[name].min() == NEVER:
        return None
    trial, neuron = np.argwhere(steps[name] == steps[name].min())[0]
    return Broken(name, int(steps[name].min()), int(trial), int(neuron))


def first_batch(steps: Mapping[str, np.ndarray]) -> tuple[str, int] | None:
    """The first variable that was not finite in training, and in which batch, from whether it was in each."""
    batches = {name: int(np.argmax(ever)) for name, ever in steps.items() if np.any(ever)}
    return min(batches.items(), key=lambda item: item[1]) if batches else None


def broken_now(values: Mapping[str, np.ndarray], step: int) -> Broken | None:
    """The first variable ``(trial, neuron)`` that is not finite at a step."""
    return first_broken({name: np.where(np.isfinite(array), NEVER, step) for name, array in values.items()})
