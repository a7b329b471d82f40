"""The report of a probe's run: each number with unit, meaning and verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from neurosim import registry
from neurosim.errors import NeurosimError
from neurosim.model_files.checking import Faults, check_table
from neurosim.model_files.model_file import Model, load
from neurosim.model_files.sections import read_toml
from neurosim.model_files.variants import parted
from neurosim.probes._findings import number_of
from neurosim.studies.expected import Row, expected_beside


@dataclass(frozen=True)
class Line:
    """One number of a probe.

    Attributes
    ----------
    name, value, unit, meaning
        The number. Unit and meaning are empty if a user's probe does not declare them.
    verdict
        Comparison with the ``expected.toml`` beside the model; empty where it has no such row.
    """

    name: str
    value: float
    unit: str
    meaning: str
    verdict: str

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The cells of a table row."""
        unit = "" if self.unit in ("1", "") else f" {self.unit}"
        shown = "not reached" if math.isnan(self.value) else f"{self.value:.5g}{unit}"
        return self.name, shown, self.meaning, self.verdict


COLUMNS = ("number", "value", "meaning", "expected")


def lines_of(numbers: Mapping[str, float | None], model: Model, source: str | Path | None = None) -> list[Line]:
    """A line for each number of a run.

    Parameters
    ----------
    numbers
        ``probe`` in the run's summary.
    model
        The model that was run, with its variants and overrides.
    source
        The name or file of the model; an ``expected.toml`` may lie beside it.
    """
    declared = getattr(registry.load("probes", model.probe_kind), "NUMBERS", ())
    rows = _rows(model, source) if source is not None else []
    lines = []
    for name, given in numbers.items():
        value, known = math.nan if given is None else float(given), number_of(declared, name)
        verdicts = [_verdict(row, value) for row in rows if row.name == f"probe.{name}"]
        unit, meaning = (known.unit, known.meaning) if known is not None else ("", "")
        lines.append(Line(name, value, unit, meaning, "; ".join(verdicts)))
    return lines


def _rows(model: Model, source: str | Path) -> list[Row]:
    """Rows about this very model: the same settings, without a comparison."""
    try:
        base = parted(source)[0] if isinstance(source, str) else source
        path, stem = expected_beside(base)
        tables = read_toml(path).get("expected", [])
    except NeurosimError:
        return []
    rows = []
    for table in tables if isinstance(tables, list) else []:
        if not isinstance(table, Mapping) or table.get("model") != stem or "versus" in table:
            continue
        row = check_table(Row, table, "expected", Faults())
        if row is not None and row.name is not None and _same(row, base, model):
            rows.append(row)
    return rows


def _same(row: Row, base: str | Path, model: Model) -> bool:
    try:
        return load(base, row.overrides, row.variants).hash == model.hash
    except NeurosimError:
        return False


def _verdict(row: Row, value: float) -> str:
    gap = f"; known gap: {row.known_gap}" if row.known_gap is not None else ""
    verdict = "met" if row.met_by(value) else f"falls short{gap}"
    return f"{verdict} ({row.expectation}, {row.source})"


def description_of(model: Model) -> str:
    """Title and description of a model."""
    parts = [model.about.title, " ".join(model.about.description.split())]
    return "\n".join(part for part in parts if part)
