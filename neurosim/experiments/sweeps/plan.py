"""A sweep as its TOML file describes it, checked wholly before anything runs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

from neurosim.errors import ConfigError, DataError, NeurosimError
from neurosim.experiments.checking import Faults, check_table, did_you_mean, shown
from neurosim.experiments.model_file import Model, load
from neurosim.experiments.readings import Reading, complaints, unavailable
from neurosim.experiments.sections import read_toml
from neurosim.experiments.sweeps.keys import (
    VARIANT,
    Choice,
    Range,
    check_key,
    override,
    read_keys,
    short_keys,
    toml_text,
)  # fmt: skip
from neurosim.random import stream
from neurosim.training.history import QUANTITIES

Kind = Literal["grid", "zip", "list", "random", "search"]
KINDS: tuple[Kind, ...] = ("grid", "zip", "list", "random", "search")

# More is a slip, and would take days to check alone.
_MOST = 10_000


class Settings(BaseModel):
    """The section ``[sweep]``.

    Attributes
    ----------
    title
        Above the figure.
    model
        A shipped name, or the path of a TOML file from the sweep's folder; variants may be written after it.
    variants, overrides
        For all configurations, as on the command line.
    seeds
        Every configuration is run with each of them.
    metric
        What configurations are compared by: a quantity of training at its last evaluation (``validation_accuracy``),
        a path in ``summary.json``, or a table with the keys of a row in ``expected.toml``. Never of the test split.
    direction
        Whether more or less of it is better.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = ""
    model: str = Field(min_length=1)
    variants: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    seeds: tuple[NonNegativeInt, ...] = Field(default=(0,), min_length=1)
    metric: Reading | None = None
    direction: Literal["maximize", "minimize"] | None = None


class Draws(BaseModel):
    """Settings of ``[random]``: how many configurations, drawn from which seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: PositiveInt
    seed: NonNegativeInt = 0


class Search(BaseModel):
    """Settings of ``[search]``.

    Attributes
    ----------
    trials
        How many configurations altogether, those of an earlier start of the same search included.
    startup
        Drawn at random before the tree-structured Parzen estimator (Bergstra et al. 2011, Advances in Neural
        Information Processing Systems 24) proposes any.
    seed
        Of what is drawn.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    trials: PositiveInt
    startup: PositiveInt = 10
    seed: NonNegativeInt = 0


@dataclass(frozen=True)
class Configuration:
    """One point of a sweep.

    Attributes
    ----------
    values
        What it sets: key path -> value as in a model file.
    model
        With these settings.
    """

    values: Mapping[str, Any]
    model: Model


@dataclass(frozen=True)
class Plan:
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
        Settings of that, if it has any.
    keys
        Key path -> values, or, where they are drawn, maybe a range.
    configurations
        All of them, in order (of a grid, the last key varies fastest); none for a search, which finds its own.
    base
        The model and where it comes from.
    """

    name: str
    settings: Settings
    kind: Kind
    options: Draws | Search | None
    keys: Mapping[str, Choice]
    configurations: tuple[Configuration, ...]
    base: str | Path

    def model_at(self, values: Mapping[str, Any]) -> Model:
        """The model with these settings, checked.

        Raises
        ------
        NeurosimError
            They do not fit.
        """
        named = str(values.get(VARIANT, "")).split("+")
        variants = (*self.settings.variants, *(name for name in named if name))
        changes = [override(key, value) for key, value in values.items() if key != VARIANT]
        return load(self.base, (*self.settings.overrides, *changes), variants)


def read_plan(source: str | Path | Mapping[str, Any], *, on_check: Callable[[int, int], None] | None = None) -> Plan:
    """Read and check a sweep and every model that it will run.

    Parameters
    ----------
    source
        The path of a TOML file, or its tables.
    on_check
        Told how many configurations of how many are checked.

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
    kind, options, keys, points = _choices(tables, faults)
    if kind == "search" and settings is not None:
        for key in ("metric", "direction"):
            if getattr(settings, key) is None:
                faults.add(f"sweep.{key}", "missing, expected it for a search")
    faults.raise_any(name)
    assert settings and kind
    base = folder / settings.model if _is_file(settings.model) else settings.model
    # What is wrong with the model itself is said once, not for every configuration.
    load(base, settings.overrides, settings.variants)
    plan = Plan(name, settings, kind, options, keys, (), base)
    found = _checked(plan, _corners(keys) if kind == "search" else points, on_check)
    return Plan(name, settings, kind, options, keys, () if kind == "search" else found, base)


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
    """Settings in a short line: ``learning_rate=0.1, sigma=0.05``."""
    short = short_keys(list(values))
    texts = (f"{short[key]}={v if isinstance(v, str) else toml_text(v)}" for key, v in values.items())
    return ", ".join(texts) or "as it is"


def _is_file(model: str) -> bool:
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


def _choices(
    tables: Mapping[str, Any], faults: Faults
) -> tuple[Kind | None, Draws | Search | None, dict[str, Choice], list[dict[str, Any]]]:
    """How configurations are chosen: kind, its options, keys, and the points, none for a search."""
    given = [kind for kind in KINDS if kind in tables]
    if len(given) != 1:
        got = " and ".join(f"[{kind}]" for kind in given) or "none"
        faults.add("sweep", f"got {got}, expected one of the tables {', '.join(f'[{kind}]' for kind in KINDS)}")
        return None, None, {}, []
    kind = given[0]
    table = tables[kind]
    if kind == "list":
        keys, points = _listed(table, faults)
        return kind, None, keys, points
    if not isinstance(table, Mapping):
        faults.add(kind, f"got {shown(table)}, expected a table [{kind}] of key paths")
        return kind, None, {}, []
    options = None
    if kind in ("random", "search"):
        # A key path has a point in it, or is a table; all else belongs to the table itself.
        own = {k: v for k, v in table.items() if "." not in k and k != VARIANT and not isinstance(v, Mapping)}
        options = check_table(Draws if kind == "random" else Search, own, kind, faults)
        table = {key: value for key, value in table.items() if key not in own}
    keys = read_keys(table, kind, faults)
    if not table:
        faults.add(kind, "got no key path, expected at least one")
    if kind in ("grid", "zip"):
        listed = {k: c.listed(f"{kind}.{k}", faults) if isinstance(c, Range) else c for k, c in keys.items()}
        return kind, None, dict(listed), (_grid if kind == "grid" else _zipped)(listed, faults)
    for key, choice in keys.items():
        if isinstance(choice, Range) and choice.count is not None:
            faults.add(f"{kind}.{key}.count", f"unknown key in [{kind}], whose values are drawn between low and high")
    points = _drawn(keys, options, faults) if isinstance(options, Draws) else []
    return kind, options, keys, points


def _grid(keys: Mapping[str, tuple[Any, ...]], faults: Faults) -> list[dict[str, Any]]:
    count = math.prod(map(len, keys.values()))
    if count > _MOST:
        faults.add("grid", f"got {count} combinations, expected at most {_MOST}")
        return []
    return [dict(zip(keys, values, strict=True)) for values in itertools.product(*keys.values())]


def _zipped(keys: Mapping[str, tuple[Any, ...]], faults: Faults) -> list[dict[str, Any]]:
    if len({len(values) for values in keys.values()}) > 1:
        lengths = ", ".join(f"{key} {len(values)}" for key, values in keys.items())
        faults.add("zip", f"got lists of different lengths ({lengths}), expected the same")
        return []
    if any(len(values) > _MOST for values in keys.values()):
        faults.add("zip", f"got more than {_MOST} values")
        return []
    return [dict(zip(keys, values, strict=True)) for values in zip(*keys.values(), strict=True)]


def _listed(table: Any, faults: Faults) -> tuple[dict[str, Choice], list[dict[str, Any]]]:
    if not isinstance(table, list) or not table or not all(isinstance(each, Mapping) for each in table):
        faults.add("list", "expected tables [[list]], each with the key paths and values of one configuration")
        return {}, []
    points = []
    for number, each in enumerate(table):
        point = dict(_leaves(each))
        points.append(point)
        for key in point:
            check_key(key, f"list.{number}.{key}", faults)
    if len(points) > _MOST:
        faults.add("list", f"got {len(points)} configurations, expected at most {_MOST}")
    keys = dict.fromkeys(key for point in points for key in point)
    return {key: tuple(point[key] for point in points if key in point) for key in keys}, points


def _leaves(table: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in table.items():
        path = f"{above}.{key}".removeprefix(".")
        # A quoted path may set a table whole: "network.neuron" = { kind = "lif" }.
        if isinstance(value, Mapping) and "kind" not in value:
            yield from _leaves(value, path)
        else:
            yield path, value


def _drawn(keys: Mapping[str, Choice], draws: Draws, faults: Faults) -> list[dict[str, Any]]:
    if draws.count > _MOST:
        faults.add("random.count", f"got {draws.count}, expected at most {_MOST}")
        return []
    points: list[dict[str, Any]] = [{} for _ in range(draws.count)]
    for key, choice in keys.items():
        # A stream for each key, so that another key, or more draws, leave these as they are.
        generator = stream(draws.seed, "sweep", key)
        for point in points:
            point[key] = (
                choice.drawn(generator) if isinstance(choice, Range) else choice[generator.integers(len(choice))]
            )
    return points


def _corners(keys: Mapping[str, Choice]) -> list[dict[str, Any]]:
    """What a search can be checked by before it begins: the ends of every range, and every listed value."""
    ends = {
        key: tuple(choice.value(bound) for bound in choice.bounds) if isinstance(choice, Range) else choice
        for key, choice in keys.items()
    }
    first = {key: values[0] for key, values in ends.items()}
    return [first, *({**first, key: value} for key, values in ends.items() for value in values[1:])]


def _checked(
    plan: Plan, points: list[dict[str, Any]], on_check: Callable[[int, int], None] | None
) -> tuple[Configuration, ...]:
    """A configuration for each point; the same fault in many of them is one line."""
    found: list[Configuration] = []
    faults: dict[str, list[int]] = {}
    for number, values in enumerate(points):
        if on_check is not None:
            on_check(number, len(points))
        try:
            model = plan.model_at(values)
            # Parts that do not fit together show when the circuit is built.
            _ = model.circuit
            missing = unavailable(plan.settings.metric, model) if plan.settings.metric is not None else None
            lines = [f"sweep.metric.{missing[0]}: {missing[1]}"] if missing else []
            found.append(Configuration(values, model))
        except NeurosimError as error:
            lines = [line.strip() for line in str(error).splitlines()[1:]] or [str(error)]
        for line in lines:
            faults.setdefault(line, []).append(number)
    if on_check is not None:
        on_check(len(points), len(points))
    if faults:
        count = f"{len(faults)} faults" if len(faults) > 1 else "1 fault"
        report = "".join(
            f"\n  {line}\n    in {len(where)} of {len(points)} configurations, first with {label_of(points[where[0]])}"
            for line, where in faults.items()
        )
        raise ConfigError(f"{plan.name}: {count}{report}")
    return tuple(found)
