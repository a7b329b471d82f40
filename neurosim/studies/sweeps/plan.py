"""Read a sweep from TOML, and check all of it before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from neurosim.errors import ConfigError, DataError, NeurosimError
from neurosim.model_files.checking import Faults, check_table, line_of
from neurosim.model_files.model_file import Model, load, settled
from neurosim.model_files.search_keys import MOST, VARIANT, Choice, override, short_keys, toml_text
from neurosim.model_files.sections import read_toml
from neurosim.studies.availability import unavailable, unavailable_in
from neurosim.studies.readings import Reading, complaints
from neurosim.studies.sweeps.points import KINDS, Kind, RandomPoints, Search, choices, corners
from neurosim.suggestions import did_you_mean
from neurosim.training.history import QUANTITIES

# Lines of a report.
_MOST_LINES = 50

Seed = Annotated[int, Field(ge=0, lt=2**63)]


class Settings(BaseModel):
    """The section ``[sweep]``.

    Attributes
    ----------
    title
        Title of the figure.
    model
        A shipped name, or the path of a TOML file from the sweep's folder; variants may be written after it.
    variants, overrides
        Applied to all configurations, as on the command line.
    seeds
        Seeds for every configuration.
    metric
        The number that configurations are compared by: a quantity of training at its last evaluation
        (``validation_accuracy``), a path in ``summary.json``, or a table with the keys of a row in ``expected.toml``.
        Never of the test split.
    direction
        Whether larger or smaller is better.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = ""
    model: str = Field(min_length=1)
    variants: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    seeds: tuple[Seed, ...] = Field(default=(0,), min_length=1, max_length=MOST)
    metric: Reading | None = None
    direction: Literal["maximize", "minimize"] | None = None


@dataclass(frozen=True)
class Configuration:
    """One point of a sweep.

    Attributes
    ----------
    values
        Its settings: key path -> value as in a model file.
    model
        The model with these settings.
    """

    values: Mapping[str, Any]
    model: Model


@dataclass(frozen=True)
class SweepPlan:
    """A checked sweep.

    Attributes
    ----------
    name
        The stem of its file.
    settings
        The section ``[sweep]``.
    kind
        How configurations are chosen.
    options
        Settings of that kind, if it has any.
    keys
        Key path -> values, or a range to draw from.
    configurations
        All configurations in order (in a grid the last key varies fastest); none for a search, which proposes its own.
    base
        The model: a shipped name, the path of its file, or the model itself.
    """

    name: str
    settings: Settings
    kind: Kind
    options: RandomPoints | Search | None
    keys: Mapping[str, Choice]
    configurations: tuple[Configuration, ...]
    base: str | Model

    def model_at(self, values: Mapping[str, Any], check: Callable[..., Model] = load) -> Model:
        """The model with these settings, checked.

        Raises
        ------
        NeurosimError
            They do not fit.
        """
        named = str(values.get(VARIANT, "")).split("+")
        variants = (*self.settings.variants, *(name for name in named if name))
        changes = [override(key, value) for key, value in values.items() if key != VARIANT]
        return check(self.base, (*self.settings.overrides, *changes), variants)


def read_plan(
    source: str | Path | Mapping[str, Any], *, on_check: Callable[[int, int], None] | None = None
) -> SweepPlan:
    """Read and check a sweep and every model that it will run.

    Parameters
    ----------
    source
        The path of a TOML file, or its tables.
    on_check
        Receives the numbers of checked and of all configurations.

    Raises
    ------
    ConfigError
        With all faults of the file, or else with all faults of all configurations.
    DataError, UnknownNameError
        The file cannot be read, or the model does not exist.
    """
    if isinstance(source, Mapping):
        name, folder, tables = "sweep", Path(), source
    else:
        path = Path(source)
        if not path.is_file():
            raise DataError(f"{path}: there is no such file, expected a sweep in TOML")
        name, folder, tables = path.stem, path.parent, read_toml(path)
    faults = Faults()
    for key in tables:
        if key not in ("sweep", *KINDS):
            faults.add(key, f"unknown section; {did_you_mean(key, ('sweep', *KINDS))}")
    settings = _settings(tables.get("sweep"), faults)
    kind, options, keys, points = choices(tables, faults)
    if kind == "search" and settings is not None:
        for key in ("metric", "direction"):
            if getattr(settings, key) is None:
                faults.add(f"sweep.{key}", "missing, expected it for a search")
    faults.raise_any(name)
    assert settings and kind
    base = str(folder / settings.model) if is_file(settings.model) else settings.model
    # Faults of the model itself are reported once, not for every configuration.
    settled(base, settings.overrides, settings.variants)
    plan = SweepPlan(name, settings, kind, options, keys, (), base)
    tried = corners(keys) if kind == "search" else points
    # Keys and types come first: reading equations takes long.
    _settled(plan, tried)
    load(base, settings.overrides, settings.variants)
    configurations = _checked(plan, tried, on_check)
    return SweepPlan(name, settings, kind, options, keys, () if kind == "search" else configurations, base)


def metric_complaint(metric: Reading) -> str | None:
    """Why configurations must not be compared by this number."""
    name = metric.name or metric.history or ""
    if name.startswith("test_"):
        return (
            f"got '{name}', expected a number that is not of the test split, such as validation_accuracy: what "
            "chooses a configuration cannot judge it, too"
        )
    return None


def label_of(values: Mapping[str, Any]) -> str:
    """Settings as a short label: ``learning_rate=0.1, sigma=0.05``."""
    short = short_keys(list(values))
    texts = (f"{short[key]}={v if isinstance(v, str) else toml_text(v)}" for key, v in values.items())
    return ", ".join(texts) or "as it is"


def is_file(model: str) -> bool:
    """Whether `model` is the path of a file and no shipped name."""
    return ".toml" in Path(model).name


def _settings(table: Any, faults: Faults) -> Settings | None:
    if isinstance(table, Mapping) and isinstance(table.get("metric"), str):
        text = table["metric"]
        table = {**table, "metric": {"history": text, "over": "last"} if text in QUANTITIES else {"name": text}}
    settings = check_table(Settings, {} if table is None else table, "sweep", faults)
    if settings is None:
        return None
    if len(set(settings.seeds)) < len(settings.seeds):
        faults.add("sweep.seeds", f"got {list(settings.seeds)}, expected every seed once")
    metric = settings.metric
    if metric is not None:
        for key in ("model", "variants", "overrides"):
            if getattr(metric, key):
                faults.add(f"sweep.metric.{key}", "unknown key; the model is that of the sweep")
        for key, sentence in complaints(metric):
            faults.add(f"sweep.metric.{key}", sentence)
        complaint = metric_complaint(metric)
        if complaint is not None:
            faults.add("sweep.metric", complaint)
    return settings


def _checked(
    plan: SweepPlan, points: list[dict[str, Any]], on_check: Callable[[int, int], None] | None
) -> tuple[Configuration, ...]:
    """The configuration of each point; a fault that many share is one line."""
    configurations: list[Configuration] = []
    faults: dict[str, list[int]] = {}
    look = _Metric(plan.settings.metric)
    for number, values in enumerate(points):
        if on_check is not None:
            on_check(number, len(points))
        try:
            model = plan.model_at(values)
            # Building the circuit finds parts that do not fit together.
            _ = model.circuit
            lines = look(model)
            configurations.append(Configuration(values, model))
        except NeurosimError as error:
            lines = _lines(error)
        for line in lines:
            faults.setdefault(line, []).append(number)
    if on_check is not None:
        on_check(len(points), len(points))
    _raise_any(plan, points, faults)
    return tuple(configurations)


def _settled(plan: SweepPlan, points: list[dict[str, Any]]) -> None:
    """Refuse faulty keys and values; a fault that many configurations share is one line."""
    faults: dict[str, list[int]] = {}
    for number, values in enumerate(points):
        try:
            plan.model_at(values, settled)
        except NeurosimError as error:
            for line in _lines(error):
                faults.setdefault(line, []).append(number)
    _raise_any(plan, points, faults)


def _lines(error: NeurosimError) -> list[str]:
    """The faults that an error reports, a line each; the whole message where it reports none by key."""
    return [line_of(fault) for fault in error.faults] or [str(error)]


def _raise_any(plan: SweepPlan, points: list[dict[str, Any]], faults: Mapping[str, list[int]]) -> None:
    if faults:
        count = f"{len(faults)} faults" if len(faults) > 1 else "1 fault"
        report = "".join(
            f"\n  {line}\n    in {len(where)} of {len(points)} configurations, first with {label_of(points[where[0]])}"
            for line, where in list(faults.items())[:_MOST_LINES]
        )
        report += f"\n  ... {len(faults) - _MOST_LINES} more" if len(faults) > _MOST_LINES else ""
        raise ConfigError(f"{plan.name}: {count}{report}")


class _Metric:
    """Checks whether runs of a model will have the metric; models that share a task read its data once."""

    def __init__(self, metric: Reading | None) -> None:
        # The default metric is the validation loss.
        self.metric = metric or Reading(history="validation_loss", over="last")
        self.given = metric is not None
        self.known: dict[str, tuple[str, str] | None] = {}

    def __call__(self, model: Model) -> list[str]:
        """The fault in a line, if runs of the model will not have the metric."""
        missing = unavailable(self.metric, model) or self._in_data(model)
        if missing is None:
            return []
        if self.given:
            return [f"sweep.metric.{missing[0]}: {missing[1]}"]
        return [f"sweep.metric: missing, and what is compared by default is not there: {missing[1]}"]

    def _in_data(self, model: Model) -> tuple[str, str] | None:
        if model.probe_kind:
            return None
        key = f"{model.task_kind} {model.task_config.model_dump_json()}"
        if key not in self.known:
            try:
                self.known[key] = unavailable_in(self.metric, model, model.load_task())
            except DataError:
                # The workers may have the data; if not, every run will report it.
                self.known[key] = None
        return self.known[key]
