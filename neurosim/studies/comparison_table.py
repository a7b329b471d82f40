"""The table of a comparison, as text and as numbers."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurosim.studies.comparison_entry import Entry
from neurosim.studies.differences import ENOUGH_PAIRS, Difference, difference
from neurosim.studies.statistics import Interval, interval
from neurosim.studies.tables import markdown_text

#: Numbers shown by layer.
ANGLES = ("signal_angle_deg", "update_angle_deg")
# With two seeds, half the confidence interval is six times their distance.
_ENOUGH = 3
_LOCAL = {True: "yes", False: "no", None: "-"}


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
        Where the runs and the files of the comparison are.
    reference
        Name of the model that the others are compared with.
    resample
        Whether each seed had a split of its own.
    trials
        Of the search of each model; 0 without one.
    """

    entries: tuple[Entry, ...]
    reach: float
    folder: Path
    reference: str = ""
    resample: bool = False
    trials: int = 0

    def __str__(self) -> str:
        notes = "".join(f"\n{' '.join(note.split())}\n" for note in self.notes)
        paired = self.difference_rows
        differences = f"\n{markdown_text(self.difference_columns, paired)}" if paired else ""
        return markdown_text(self.columns, self.rows) + differences + notes

    @functools.cached_property
    def differences(self) -> tuple[Difference, ...]:
        """Each model against the reference, seed by seed: test results first, then angles by layer."""
        reference = next((entry for entry in self.entries if entry.name == self.reference), None)
        others = [entry for entry in self.entries if entry is not reference]
        if reference is None or not reference.runs:
            return ()
        differences: list[Difference] = []
        for entry in others:
            if entry.runs and entry.classifies == reference.classifies:
                quantity = "test_accuracy_percent" if entry.classifies else "test_loss"
                pairs = list(zip(entry.results(), reference.results(), strict=True))
                better = entry.classifies
                differences.append(difference(entry.name, reference.name, quantity, pairs, higher_is_better=better))
        for entry in others:
            for layer in (layer for layer in entry.layers if layer in reference.layers):
                for name in ANGLES:
                    pairs = list(zip(entry.angles(layer, name), reference.angles(layer, name), strict=True))
                    quantity = f"{layer}.{name}"
                    one = difference(entry.name, reference.name, quantity, pairs, higher_is_better=False)
                    differences += [one] if one.values else []
        return tuple(differences)

    @property
    def for_json(self) -> dict[str, Any]:
        """Everything as numbers and text."""
        return {
            "folder": str(self.folder),
            "rows": self.numbers,
            "differences": self.difference_numbers,
            "notes": self.notes,
        }

    @property
    def difference_columns(self) -> tuple[str, ...]:
        """Heads of `difference_rows`."""
        heads: dict[tuple[bool, ...], str] = {(True,): "test accuracy (points)", (False,): "test loss"}
        unit = heads.get(self._kinds, "test")
        return ("model", f"{unit}, minus {self.reference}", "95 % interval", "pairs", "verdict")

    @property
    def difference_rows(self) -> list[tuple[str, ...]]:
        """The differences of test results as text; those of angles are in ``differences.csv``."""
        return [
            (each.model, each.mean_text, each.interval_text, str(len(each.values)), each.verdict)
            for each in self.differences
            if each.quantity.startswith("test_")
        ]

    @property
    def difference_numbers(self) -> list[dict[str, Any]]:
        """All differences as numbers."""
        return [
            {
                "model": each.model,
                "reference": each.reference,
                "quantity": each.quantity,
                "difference": each.mean,
                "low": each.low,
                "high": each.high,
                "pairs": len(each.values),
                "verdict": each.verdict,
                "values": " ".join(f"{value:.10g}" for value in each.values),
            }
            for each in self.differences
        ]

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
            "Presentations are counted to the first evaluation that reaches it, so to a whole epoch.",
            *self._notes_on_pairs,
        ]
        for entry in self.entries:
            if entry.chosen:
                lines.append(f"{entry.name}: chosen {_chosen(entry.chosen)}")
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
                "reward_samples_per_presentation": entry.reward_samples,
                **_columns("wall_s", interval([run.summary["wall_s"] for run in entry.runs])),
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
    def _notes_on_pairs(self) -> list[str]:
        """What the differences mean."""
        lines = []
        if self.difference_rows:
            lines.append(
                f"Differences are those of the same seed; intervals are bootstrapped from {ENOUGH_PAIRS} seeds on "
                "(expanded percentile; 92 % instead of 95 % coverage at five seeds, 95 % from ten), below that "
                "there is the range and no verdict. 'No difference': the interval holds 0; it says how large a "
                "difference may still be."
            )
        if self.resample:
            lines.append(
                "Each seed has a split of its own, the same for all models. Splits share examples, so intervals say "
                "what other splits of these data would give, not other data."
            )
        else:
            lines.append("All seeds have the split that the task says; tasks that are drawn have one for each seed.")
        if self.trials:
            lines.append(
                f"Settings of each model were chosen by {self.trials} trials of a search on the validation split; "
                "all trials are in tune.csv."
            )
        return lines

    @property
    def _kinds(self) -> tuple[bool, ...]:
        """Whether there are models with an accuracy, with a loss alone, or of both kinds."""
        return tuple({entry.classifies for entry in self.entries if entry.runs})


def _columns(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.mean, f"{name}_half_width": interval.half_width}


def _chosen(chosen: Sequence[tuple[int | None, str]]) -> str:
    """What searches have chosen, each choice once with the seeds of its splits."""
    seeds: dict[str, list[str]] = {}
    for seed, text in chosen:
        seeds.setdefault(text, []).extend([] if seed is None else [str(seed)])
    return "; ".join(f"{text} (seeds {', '.join(of)})" if of else text for text, of in seeds.items())
