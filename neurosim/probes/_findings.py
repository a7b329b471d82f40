"""The results of a probe, and its reports of progress."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import xarray

    from neurosim.engines.batched.engine import BatchedEngine
    from neurosim.tasks._task import Task

from neurosim.folded import fields_folded

#: Told how many steps are done and how many there are at most.
OnStep = Callable[[int, int], None]


@dataclass(frozen=True)
class Findings:
    """The results of a probe.

    Attributes
    ----------
    numbers
        By name; of one layer as ``hidden1.cosine``. Not a number where something was not reached.
    curves
        What the numbers were taken from, labelled.
    """

    numbers: Mapping[str, float]
    curves: xarray.Dataset | None = None

    def _repr_html_(self) -> str:
        return fields_folded(self, f"findings: {len(self.numbers)} numbers")


@dataclass(frozen=True)
class Number:
    """Declaration of one of a probe's numbers; a probe declares all of them as ``NUMBERS`` beside its settings.

    Attributes
    ----------
    name
        As in `Findings`, with what varies in angle brackets: ``<layer>.cosine``, ``above_<level>``.
    unit
        ``1`` for none.
    meaning
        In one line.
    """

    name: str
    unit: str
    meaning: str

    def means(self, name: str) -> bool:
        """Whether this is what a number with that name is."""
        parts = re.split(r"<\w+>", self.name)
        return re.fullmatch(r"[^.]+(?:\.\d+)?".join(map(re.escape, parts)), name) is not None


def number_of(numbers: Iterable[Number], name: str) -> Number | None:
    """The declaration of the number with a name, if a probe has one."""
    return next((number for number in numbers if number.means(name)), None)


class Measure(Protocol):
    """The signature of every probe's `measure`."""

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
            Seed of everything that is drawn.
        on_step
            Told about progress.
        """
        ...
