"""Reproduce: run the models of a folder and compare the results with its ``expected.toml``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from neurosim.atomic import write_file
from neurosim.border import FLAG, PATH, optional, public
from neurosim.errors import DataError
from neurosim.runs import folder as files
from neurosim.runs.data_identity import Identified
from neurosim.runs.run import RunWatcher
from neurosim.studies.collection import Attempt, collect, identified_by, key_of
from neurosim.studies.expected import Claim, Row, load_expected
from neurosim.studies.readings import read
from neurosim.studies.study_folder import claimed
from neurosim.studies.tables import csv_text, markdown_text, number_text

COLUMNS = ("fact", "measured", "expected", "source", "verdict")
DESCRIPTION, TABLE, PAGE = "reproduce.toml", "reproduce.csv", "reproduce.md"
_RESULTS = (TABLE, PAGE)


@dataclass(frozen=True)
class Verdict:
    """The verdict on one row.

    Attributes
    ----------
    row
        The row of ``expected.toml``.
    verdict
        ``met``, ``falls short`` or ``not run``.
    values
        One value for each seed that has one, in the order of the row's seeds.
    note
        Why the row falls short or was not run, if the numbers do not show it.
    failed
        Whether it counts against the folder: it had to run and is not met. A known gap counts.
    """

    row: Row
    verdict: Literal["met", "falls short", "not run"]
    values: tuple[float, ...] = ()
    note: str = ""
    failed: bool = False

    @property
    def mean(self) -> float:
        """Mean over the seeds; NaN without values."""
        return float(np.mean(self.values)) if self.values else math.nan

    @property
    def cells(self) -> tuple[str, ...]:
        """Text for `COLUMNS`."""
        measured = f"{number_text(self.mean)}{self.row.unit_text}" if self.values else "-"
        if len(self.values) > 1:
            measured += f" ({number_text(min(self.values))} to {number_text(max(self.values))})"
        verdict = f"{self.verdict} ({self.note})" if self.note else self.verdict
        return self.row.fact, measured, self.row.expectation, self.row.source_text, verdict

    @property
    def numbers(self) -> dict[str, Any]:
        """Numbers for a CSV file."""
        row = self.row
        low, high = (None if math.isinf(bound) else bound for bound in row.bounds)
        quantity = f" {_SIGNS[row.relation]} ".join(map(str, row.readings)) if row.relation else str(row.readings[0])
        return {
            "fact": row.fact,
            "models": " ".join("+".join((reading.model, *reading.variants)) for reading in row.readings),
            "overrides": " ".join(row.overrides),
            "quantity": quantity,
            "seeds": " ".join(map(str, row.seeds)),
            "mean": self.mean,
            "lowest": min(self.values, default=math.nan),
            "highest": max(self.values, default=math.nan),
            "expected": row.value,
            "expected_low": low,
            "expected_high": high,
            "unit": row.unit,
            "source": row.source,
            "origin": row.origin or "",
            "verdict": self.verdict,
            "note": self.note,
        }


_SIGNS = {"difference": "-", "ratio": "/"}


@public(slow=FLAG, out=optional(PATH))
def reproduce(
    name: str | Path,
    *,
    slow: bool = False,
    out: str | Path | None = None,
    progress: RunWatcher | None = None,
    say: Callable[[str], None] | None = None,
) -> list[Verdict]:
    """Run the models of an ``expected.toml`` and judge each row.

    Finished runs are reused, and interrupted ones resume: see
    `neurosim.studies.collection.collect`. ``reproduce.csv`` and ``reproduce.md`` are written beside the runs.

    Parameters
    ----------
    name
        A folder of models, or one model in it: see `neurosim.studies.expected.load_expected`.
    slow
        Whether to run the slow rows.
    out
        The folder for the runs. It is new or holds those of this name; by default ``runs/reproduce-<name>``.
    progress, say
        Receive the progress, and a line about every run.

    Returns
    -------
    list of Verdict
        In the order of the rows.

    Raises
    ------
    UnknownNameError, ConfigError, DataError
        Before anything runs: no such folder, or faulty rows.
    """
    claims = load_expected(name)
    default = Path("runs") / f"reproduce-{_file_name(name)}"
    root = claimed(out, default, DESCRIPTION, {"name": _whole_name(name)}, includes=_includes, results=_RESULTS)
    identified = Identified()
    claims = tuple(
        Claim(each.row, tuple((r, identified_by(identified, model)) for r, model in each.readings)) for each in claims
    )
    wanted = [claim for claim in claims if slow or not claim.row.slow]
    runs = [(model, seed) for claim in wanted for seed in claim.row.seeds for _, model in claim.readings]
    attempts = collect(runs, root, progress=progress, say=say)
    verdicts = [judge(claim, attempts) if slow or not claim.row.slow else _left_out(claim.row) for claim in claims]
    write_file(root / TABLE, csv_text([verdict.numbers for verdict in verdicts]))
    write_file(root / PAGE, _page(str(name), verdicts))
    return verdicts


def judge(claim: Claim, attempts: Mapping[tuple[str, int], Attempt]) -> Verdict:
    """Compare the runs of a row with its expected value."""
    row, values = claim.row, []
    for seed in row.seeds:
        numbers = []
        for reading, model in claim.readings:
            attempt = attempts[key_of(model, seed)]
            where = f"{model.name}, seed {seed}"
            if attempt.run is None:
                verdict = "falls short" if attempt.diverged else "not run"
                return _unmet(row, values, f"{where}: {attempt.message}", verdict)
            try:
                numbers.append(read(reading, attempt.run.summary, attempt.run.history))
            except DataError as error:
                return _unmet(row, values, f"{where}: {error}")
        values.append(_related(numbers, row.relation))
    judged = values if row.each_seed else [float(np.mean(values))]
    if all(map(row.met_by, judged)):
        note = "no longer a known gap" if row.known_gap is not None else ""
        return Verdict(row, "met", tuple(values), note)
    return _unmet(row, values)


def tally(verdicts: Sequence[Verdict]) -> str:
    """The counts of rows met, short and not run, as a sentence."""
    count = {name: sum(verdict.verdict == name for verdict in verdicts) for name in ("met", "falls short", "not run")}
    gaps = sum(verdict.verdict == "falls short" and verdict.row.known_gap is not None for verdict in verdicts)
    known = f" ({gaps} of them known)" if gaps else ""
    return f"{count['met']} met, {count['falls short']} fall short{known}, {count['not run']} not run"


def _unmet(
    row: Row, values: Sequence[float], note: str = "", verdict: Literal["falls short", "not run"] = "falls short"
) -> Verdict:
    notes = [note, f"known gap: {row.known_gap}" if row.known_gap is not None else ""]
    return Verdict(row, verdict, tuple(values), "; ".join(filter(None, notes)), failed=True)


def _left_out(row: Row) -> Verdict:
    never = f", never run so far: {row.not_run}" if row.not_run is not None else ""
    return Verdict(row, "not run", note=f"slow, {row.minutes:g} min{never}")


def _related(numbers: Sequence[float], relation: str | None) -> float:
    if relation is None:
        return numbers[0]
    with np.errstate(all="ignore"):
        own, other = np.float64(numbers[0]), np.float64(numbers[1])
        return float(own - other if relation == "difference" else own / other)


def _page(name: str, verdicts: Sequence[Verdict]) -> str:
    version = files.installed_version("neurosim") or ""
    text = f"# {name}\n\nneurosim {version}: {tally(verdicts)}. Measured: mean over the seeds (lowest to highest).\n\n"
    return text + markdown_text(COLUMNS, [verdict.cells for verdict in verdicts])


def _includes(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """The results that would be lost if these replaced others, in words; empty if the others are a part of them."""
    if f"{theirs['name']}/".startswith(f"{ours['name']}/"):
        return ""
    return f"it is of {theirs['name']}, this one of {ours['name']}"


def _whole_name(name: str | Path) -> str:
    """A shipped name unchanged, a path made absolute."""
    path = Path(name)
    return path.resolve().with_suffix("").as_posix() if path.exists() else str(name)


def _file_name(name: str | Path) -> str:
    return str(name).removesuffix(".toml").strip("./").replace("/", "-") or "models"
