"""What a probe finds, and how it tells how far it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import xarray

    from neurosim.engines.batched.engine import BatchedEngine
    from neurosim.tasks._task import Task

#: Told how many steps are done and how many there are at most.
OnStep = Callable[[int, int], None]


@dataclass(frozen=True)
class Findings:
    """What a probe finds.

    Attributes
    ----------
    numbers
        By name; of one layer as ``hidden1.cosine``. Not a number where something was not reached.
    curves
        What the numbers were taken from, labelled.
    """

    numbers: Mapping[str, float]
    curves: xarray.Dataset | None = None


class Measure(Protocol):
    """What every probe's `measure` is."""

    def __call__(
        self, config: Any, engine: BatchedEngine, task: Task, *, seed: int, on_step: OnStep | None = None
    ) -> Findings:
        """Measure.

        Parameters
        ----------
        config
            The settings of the probe.
        engine
            What runs the circuit.
        task
            Where its trials come from.
        seed
            Of everything that is drawn.
        on_step
            Told about progress.
        """
        ...
