"""Results of a sweep, as one labelled Dataset and as a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray

from neurosim.errors import DataError, UnitError
from neurosim.model_files.search_keys import Range, toml_text
from neurosim.studies.collection import Attempt
from neurosim.studies.readings import Reading, over, read
from neurosim.studies.sweeps.plan import SweepPlan
from neurosim.units import base_unit, parse_quantity

#: Status of a run.
FINISHED, DIVERGED, FAILED, NOT_RUN = "finished", "diverged", "failed", "not run"

# Entries of a summary that are no results.
_ABOUT = ("seed", "phases", "epochs")
_UNITS = {"wall_s": "s", "samples_per_second": "1/s", "loop_abscissa": "1/s"}
_SUFFIXES = {"_deg": "deg", "_accuracy": "%", "_sign_agreement": "%"}
_VALIDATION = ("validation_accuracy", "validation_loss")


@dataclass(frozen=True)
class Trial:
    """One configuration and its results.

    Attributes
    ----------
    values
        Its settings, key path -> value as in a model file.
    attempts
        Seed -> attempt; a seed is missing if nothing was run.
    message
        Why nothing was run.
    seconds
        Seed -> seconds on a worker; 0 for a reused run.
    """

    values: Mapping[str, Any]
    attempts: Mapping[int, Attempt]
    message: str = ""
    seconds: Mapping[int, float] = field(default_factory=dict)


def metric_of(metric: Reading | None, attempt: Attempt) -> float:
    """The metric of a run; NaN if it has none."""
    if attempt.run is None:
        return math.nan
    if metric is None:
        numbers = numbers_of(attempt)
        named = [*_VALIDATION, *(name for name in numbers if name.startswith("probe."))]
        return next((numbers[name] for name in named if math.isfinite(numbers.get(name, math.nan))), math.nan)
    try:
        return read(metric, attempt.run.summary, attempt.run.history)
    except DataError:
        return math.nan


def metric_name(metric: Reading | None, trials: Sequence[Trial]) -> str:
    """The name of the metric."""
    if metric is not None:
        return str(metric.history).replace("_", " ") if metric.over == "last" and not metric.layer else str(metric)
    measured = [numbers_of(attempt) for trial in trials for attempt in trial.attempts.values() if attempt.run]
    named = [*_VALIDATION, *(name for numbers in measured for name in numbers if name.startswith("probe."))]
    known = (name for name in named if any(math.isfinite(numbers.get(name, math.nan)) for numbers in measured))
    return next(known, _VALIDATION[0]).replace("_", " ")


def numbers_of(attempt: Attempt) -> dict[str, float]:
    """All numbers of a run, without those by layer."""
    if attempt.run is None:
        return {}
    summary, history = attempt.run.summary, attempt.run.history
    numbers = {name: over(history[name], "last") for name in _VALIDATION if name in history}
    for name, value in summary.items():
        if isinstance(value, int | float) and not isinstance(value, bool) and name not in _ABOUT:
            numbers[name] = float(value)
    numbers |= {f"probe.{name}": math.nan if v is None else float(v) for name, v in summary.get("probe", {}).items()}
    return numbers


def status_of(attempt: Attempt | None) -> str:
    """The status of a run."""
    if attempt is None:
        return NOT_RUN
    return FINISHED if attempt.run is not None else DIVERGED if attempt.diverged else FAILED


def dataset_of(plan: SweepPlan, trials: Sequence[Trial]) -> xarray.Dataset:
    """All results as a Dataset.

    Returns
    -------
    xarray.Dataset
        A grid has a dim for each key path, in the order of the file, then ``seed``. Others have the dims ``run`` (the
        number of the configuration) and ``seed``, and the keys as coordinates of ``run``. Variables: ``metric``, every
        number of ``summary.json``, angles by ``layer``, ``status``, ``message`` and ``folder``. Quantities are in SI
        units, named in the attribute ``units``. Missing numbers are NaN.
    """
    seeds = list(plan.settings.seeds)
    cells = [[trial.attempts.get(seed) for seed in seeds] for trial in trials]
    shape = (len(trials), len(seeds))
    variables: dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, str]]] = {}

    def add(name: str, values: list[Any], attributes: dict[str, str], *more: str) -> None:
        array = np.array(values)
        variables[name] = (("run", "seed", *more), array.reshape(*shape, *array.shape[2:]), attributes)

    metric = plan.settings.metric
    name = metric_name(metric, trials)
    add("metric", [[math.nan if a is None else metric_of(metric, a) for a in line] for line in cells],
        {"long_name": name, "units": _metric_unit(plan, name)})  # fmt: skip
    numbers = [[{} if a is None else numbers_of(a) for a in line] for line in cells]
    for name in dict.fromkeys(name for line in numbers for each in line for name in each):
        add(name, [[each.get(name, math.nan) for each in line] for line in numbers],
            {"long_name": name.replace("_", " "), "units": _unit(name)})  # fmt: skip
    layered = [[_layers(a) for a in line] for line in cells]
    layers = list(dict.fromkeys(layer for line in layered for each in line for layer in each))
    for name in dict.fromkeys(n for line in layered for each in line for of_layer in each.values() for n in of_layer):
        values = [[[each.get(layer, {}).get(name, math.nan) for layer in layers] for each in line] for line in layered]
        add(name, values, {"long_name": name.removesuffix("_deg").replace("_", " "), "units": _unit(name)}, "layer")
    add("run_s", [[trial.seconds.get(seed, math.nan) for seed in seeds] for trial in trials],
        {"long_name": "time on a worker", "units": "s"})  # fmt: skip
    add("status", [[status_of(a) for a in line] for line in cells], {"long_name": "what became of the run"})
    add("message", [[_message(trial, trial.attempts.get(seed)) for seed in seeds] for trial in trials],
        {"long_name": "why there is no result"})  # fmt: skip
    add("folder", [[a.run.folder.name if a and a.run else "" for a in line] for line in cells],
        {"long_name": "the run's folder"})  # fmt: skip
    coords: dict[str, Any] = {"seed": seeds, **({"layer": layers} if layers else {})}
    attributes = {"title": plan.settings.title, "model": plan.settings.model, "kind": plan.kind}
    if plan.settings.direction is not None:
        attributes["direction"] = plan.settings.direction
    if plan.kind == "grid":
        keys = {key: values for key, values in plan.keys.items() if not isinstance(values, Range)}
        lengths = tuple(map(len, keys.values()))
        unfolded = {
            name: ((*keys, *dims[1:]), values.reshape(*lengths, *values.shape[1:]), attrs)
            for name, (dims, values, attrs) in variables.items()
        }
        coords |= {key: (key, *coordinate(values)) for key, values in keys.items()}
        return xarray.Dataset(unfolded, coords=coords, attrs=attributes)
    coords["run"] = ("run", np.arange(len(trials)), {"long_name": "number of the configuration"})
    coords |= {key: ("run", *coordinate([trial.values.get(key) for trial in trials])) for key in plan.keys}
    return xarray.Dataset(variables, coords=coords, attrs=attributes)


def coordinate(values: Sequence[Any]) -> tuple[np.ndarray, dict[str, str]]:
    """Values of a key: numbers in SI units, if all are numbers or quantities of one dimension, else text.

    ``None`` stands for a key that a configuration does not set.
    """
    given = [value for value in values if value is not None]
    if given and all(isinstance(value, int | float) and not isinstance(value, bool) for value in given):
        whole = len(given) == len(values) and all(isinstance(value, int) for value in given)
        numbers = [math.nan if value is None else value for value in values]
        return np.array(numbers, dtype=int if whole else float), {"units": "1"}
    try:
        units = {base_unit(value) for value in given if isinstance(value, str)}
        if len(units) == 1 and "1" not in units and all(isinstance(value, str) for value in given):
            unit = units.pop()
            numbers = [math.nan if value is None else parse_quantity(value) for value in values]
            return np.array(numbers), {"units": unit}
    except UnitError:
        pass
    return np.array(["" if v is None else v if isinstance(v, str) else toml_text(v) for v in values]), {}


def rows_of(plan: SweepPlan, trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """A row for each run: settings as in a model file, seed, status and numbers."""
    rows = []
    for number, trial in enumerate(trials):
        for seed in plan.settings.seeds:
            attempt = trial.attempts.get(seed)
            settings = {key: _cell(trial.values.get(key)) for key in plan.keys}
            row: dict[str, Any] = {"configuration": number, **settings, "seed": seed, "status": status_of(attempt)}
            row["metric"] = math.nan if attempt is None else metric_of(plan.settings.metric, attempt)
            row |= {} if attempt is None else numbers_of(attempt)
            layers = _layers(attempt)
            row |= {f"{layer}.{name}": value for layer, rows in layers.items() for name, value in rows.items()}
            row["folder"] = attempt.run.folder.name if attempt is not None and attempt.run is not None else ""
            row["message"] = " ".join(_message(trial, attempt).split())
            rows.append(row)
    columns = dict.fromkeys(name for row in rows for name in row if name not in ("folder", "message"))
    return [{name: row.get(name) for name in (*columns, "folder", "message")} for row in rows]


def ranked(plan: SweepPlan, trials: Sequence[Trial]) -> list[tuple[int, Trial, list[float]]]:
    """Configurations with their metric for each seed that has it; best first, if there is a direction."""
    lines = []
    for number, trial in enumerate(trials):
        values = [metric_of(plan.settings.metric, attempt) for attempt in trial.attempts.values()]
        lines.append((number, trial, [value for value in values if not math.isnan(value)]))
    if plan.settings.direction is None:
        return lines
    sign = -1 if plan.settings.direction == "maximize" else 1
    return sorted(lines, key=lambda each: sign * float(np.mean(each[2])) if each[2] else math.inf)


def _layers(attempt: Attempt | None) -> dict[str, dict[str, float]]:
    if attempt is None or attempt.run is None:
        return {}
    layers = attempt.run.summary.get("layers", {})
    return {
        layer: {name: math.nan if value is None else float(value) for name, value in numbers.items()}
        for layer, numbers in layers.items()
    }


def _message(trial: Trial, attempt: Attempt | None) -> str:
    return trial.message if attempt is None else attempt.message


def _metric_unit(plan: SweepPlan, name: str) -> str:
    metric = plan.settings.metric
    if metric is not None and metric.over in ("first_below", "first_above", "slope"):
        # Presentations, or a power.
        return "1"
    return _unit((metric.history or metric.name or "") if metric is not None else name.replace(" ", "_"))


def _unit(name: str) -> str:
    last = name.rpartition(".")[2]
    return next((unit for suffix, unit in _SUFFIXES.items() if last.endswith(suffix)), _UNITS.get(last, "1"))


def _cell(value: Any) -> Any:
    return toml_text(value) if isinstance(value, bool | list | tuple | Mapping) else value
