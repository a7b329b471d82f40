"""The table of a comparison, as text and as numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurosim.model_files.model_file import Model
from neurosim.runs.run import Run
from neurosim.studies.collection import Attempt
from neurosim.studies.readings import over
from neurosim.studies.statistics import Interval, interval
from neurosim.studies.tables import markdown_text

#: Numbers shown by layer.
ANGLES = ("signal_angle_deg", "update_angle_deg")
# With two seeds, half the confidence interval is six times their distance.
_ENOUGH = 3
_LOCAL = {True: "yes", False: "no", None: "-"}


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
    """

    name: str
    model: Model
    attempts: tuple[Attempt, ...]

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


@dataclass(frozen=True)
class Comparison:
    """The results of all models.

    Attributes
    ----------
    entries
        One entry for each model, in the order given.
    reach
        The validation accuracy in percent up to which presentations are counted.
    folder
        Where the runs, ``compare.csv``, ``compare.md`` and ``compare.png`` are.
    """

    entries: tuple[Entry, ...]
    reach: float
    folder: Path

    def __str__(self) -> str:
        notes = "".join(f"\n{' '.join(note.split())}\n" for note in self.notes)
        return markdown_text(self.columns, self.rows) + notes

    @property
    def columns(self) -> tuple[str, ...]:
        """Heads of `rows`."""
        until = f"presentations to {self.reach:g} %"
        heads: dict[tuple[bool, ...], str] = {(True,): "test accuracy (%)", (False,): "test loss"}
        test = heads.get(self._kinds, "test")
        declared = ("local", "phases", "global scalar")
        return ("model", test, until, *declared, "layer", "signal angle (deg)", "update angle (deg)")

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The table as text: a line for each layer; the first also holds the numbers of the model."""
        lines = []
        for entry in self.entries:
            test = entry.test().text_of_few(2 if entry.classifies else None, enough=_ENOUGH)
            if len(self._kinds) > 1 and entry.runs:
                test = f"accuracy {test} %" if entry.classifies else f"loss {test}"
            declared = (_LOCAL[entry.local], str(entry.phases or "-"), _LOCAL[entry.global_scalar])
            about = (entry.name, test, self._until(entry), *declared)
            for number, layer in enumerate(entry.layers or ("-",)):
                angles = (entry.angle(layer, name).text_of_few(1, enough=_ENOUGH) for name in ANGLES)
                lines.append((*(about if number == 0 else ("",) * len(about)), layer, *angles))
        return lines

    @property
    def notes(self) -> list[str]:
        """Notes below the table."""
        lines = [
            "Mean ± half the 95 % confidence interval (Student's t) over the seeds, of two seeds (least to greatest); "
            "angles to the true gradient.",
            "Presentations are counted to the first evaluation that reaches it, so to a whole epoch. A scheme that "
            "perturbs does so once a presentation: its presentations are its reward samples.",
        ]
        for entry in self.entries:
            for seed, attempt in enumerate(entry.attempts):
                if attempt.run is None:
                    lines.append(f"{entry.name}: without seed {seed}, which stopped: {attempt.message}")
        return lines

    @property
    def numbers(self) -> list[dict[str, Any]]:
        """The table as numbers: a row for each model and layer."""
        table = []
        for entry in self.entries:
            until, reached = entry.reached(self.reach)
            about: dict[str, Any] = {
                "model": entry.model.name,
                "seeds": len(entry.runs),
                "test": "accuracy_percent" if entry.classifies else "loss",
                **_columns("test", entry.test()),
                "reach_percent": self.reach,
                "seeds_that_reached": reached,
                **_columns("presentations", until),
                "local": entry.local,
                "phases": entry.phases,
                "global_scalar": entry.global_scalar,
            }
            for layer in entry.layers or ("",):
                row = {**about, "layer": layer}
                for name in ANGLES:
                    row |= _columns(name, entry.angle(layer, name))
                table.append(row)
        return table

    def _until(self, entry: Entry) -> str:
        if not entry.classifies:
            return "-"
        until, reached = entry.reached(self.reach)
        if not reached:
            return "not reached"
        missing = "" if reached == len(entry.runs) else f" ({reached} of {len(entry.runs)} seeds)"
        return until.text_of_few(0, enough=_ENOUGH) + missing

    @property
    def _kinds(self) -> tuple[bool, ...]:
        """Whether there are models with an accuracy, with a loss alone, or of both kinds."""
        return tuple({entry.classifies for entry in self.entries if entry.runs})


def _columns(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.mean, f"{name}_half_width": interval.half_width}


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
