"""The outcome of a sweep as a table for the terminal."""

from __future__ import annotations

from neurosim.studies.statistics import interval
from neurosim.studies.sweeps.driver import SweepOutcome
from neurosim.studies.sweeps.plan import label_of
from neurosim.studies.sweeps.results import DIVERGED, FAILED, ranked, status_of

_ROWS = 20
_MESSAGES = 10


def columns(outcome: SweepOutcome) -> tuple[str, str, str]:
    """Column heads of `cells`; the last is the metric with its unit."""
    attributes = outcome.results.metric.attrs
    unit = "" if attributes["units"] == "1" else f" ({attributes['units']})"
    return "configuration", "seeds", f"{attributes['long_name']}{unit}"


def cells(outcome: SweepOutcome) -> list[tuple[str, str, str]]:
    """Configurations with their metric, best first if there is a direction; at most `_ROWS`."""
    lines = ranked(outcome.plan, outcome.trials)
    rows = [
        (label_of(trial.values), str(len(values)), interval(values).text_of_few()) for _, trial, values in lines[:_ROWS]
    ]
    left = len(lines) - len(rows)
    return [*rows, (f"... {left} more", "", "")] if left else rows


def failures(outcome: SweepOutcome) -> list[str]:
    """Reasons for missing results, each message once."""
    where: dict[str, list[str]] = {}
    for trial in outcome.trials:
        refusals = [f"{DIVERGED} or refused: {trial.message}"] if trial.message and not trial.attempts else []
        for seed, attempt in trial.attempts.items():
            status = status_of(attempt)
            if status in (DIVERGED, FAILED):
                where.setdefault(f"{status}: {attempt.message}", []).append(f"{label_of(trial.values)}, seed {seed}")
        for line in refusals:
            where.setdefault(line, []).append(label_of(trial.values))
    lines = [f"{len(runs)} without result, first {runs[0]}: {message}" for message, runs in where.items()]
    lines = [*([outcome.without_metric] if outcome.without_metric is not None else []), *lines]
    return lines[:_MESSAGES] + ([f"... {len(lines) - _MESSAGES} more in results.csv"] if len(lines) > _MESSAGES else [])
