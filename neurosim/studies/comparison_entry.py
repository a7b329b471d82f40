"""One model of a comparison: its runs, and the numbers that are compared."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import xarray

from neurosim.circuit.rewards import reward_samples
from neurosim.model_files.model_file import Model
from neurosim.runs.run import Run
from neurosim.studies.collection import Attempt
from neurosim.studies.readings import over
from neurosim.studies.statistics import Interval, interval


@dataclass(frozen=True)
class Entry:
    """One model of a comparison.

    Attributes
    ----------
    name
        The shortest distinct name.
    model
        The model.
    attempts
        One attempt for each seed.
    chosen
        What its searches have chosen, in words, each with the seed of its split (``None`` for one of all splits).
    """

    name: str
    model: Model
    attempts: tuple[Attempt, ...]
    chosen: tuple[tuple[int | None, str], ...] = ()

    @property
    def label(self) -> str:
        """The name, with the scheme unless that is in it."""
        kind = self.model.scheme_kind
        return self.name if not kind or kind in self.name else f"{self.name} ({kind})"

    @property
    def histories(self) -> dict[int, xarray.Dataset]:
        """Seed -> what was measured, of finished runs."""
        return {seed: each.run.history for seed, each in enumerate(self.attempts) if each.run is not None}

    @functools.cached_property
    def reward_samples(self) -> float:
        """Reward samples of a presentation; see `neurosim.circuit.rewards.reward_samples`."""
        return reward_samples(self.model.circuit)

    @property
    def runs(self) -> tuple[Run, ...]:
        """The finished runs."""
        return tuple(attempt.run for attempt in self.attempts if attempt.run is not None)

    @property
    def classifies(self) -> bool:
        """Whether the task has an accuracy."""
        return any("test_accuracy" in run.summary for run in self.runs)

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that were measured."""
        return tuple(dict.fromkeys(layer for run in self.runs for layer in run.summary["layers"]))

    @property
    def local(self) -> bool | None:
        """Whether all learning rules are local; ``None`` without runs."""
        return self.runs[0].summary.get("local") if self.runs else None

    @property
    def phases(self) -> int | None:
        """Number of phases of a presentation; ``None`` without runs."""
        return self.runs[0].summary.get("phases") if self.runs else None

    @property
    def global_scalar(self) -> bool | None:
        """Whether learning needs a scalar broadcast to all synapses; ``None`` without runs."""
        return self.runs[0].summary.get("global_scalar") if self.runs else None

    def test(self) -> Interval:
        """Test accuracy in percent, or test loss."""
        return self._interval("test_accuracy" if self.classifies else "test_loss")

    def results(self) -> list[float]:
        """For each seed test accuracy in percent, or test loss; NaN without a result."""
        name = "test_accuracy" if self.classifies else "test_loss"
        return [math.nan if a.run is None else _number(a.run.summary.get(name)) for a in self.attempts]

    def angles(self, layer: str, name: str) -> list[float]:
        """For each seed the final angle of a layer in degrees; NaN without a result."""
        layers = [{} if a.run is None else a.run.summary["layers"].get(layer, {}) for a in self.attempts]
        return [_number(numbers.get(name)) for numbers in layers]

    def angle(self, layer: str, name: str) -> Interval:
        """The final angle of a layer in degrees."""
        return interval([_number(run.summary["layers"].get(layer, {}).get(name)) for run in self.runs])

    def reached(self, accuracy: float) -> tuple[Interval, int]:
        """Presentations until a validation accuracy, over the seeds that reached it, and their number."""
        counts = [over(run.history.validation_accuracy, "first_above", accuracy) for run in self.runs]
        known = [number for number in counts if math.isfinite(number)]
        return interval(known), len(known)

    def _interval(self, name: str) -> Interval:
        return interval([_number(run.summary.get(name)) for run in self.runs])


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
