"""Compare several models over several seeds, in one table and one figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomli_w

from neurosim.atomic import write_file
from neurosim.border import COUNT, FLAG, NAMES, PATH, instance, number, optional, public
from neurosim.border.arguments import TEXT, several
from neurosim.model_files.model_file import Model, load
from neurosim.runs.data_identity import Identified
from neurosim.runs.run import RunWatcher
from neurosim.studies.collection import collect, key_of
from neurosim.studies.comparable import comparable
from neurosim.studies.comparison_curves import curve_rows
from neurosim.studies.comparison_drawing import draw
from neurosim.studies.comparison_entry import Entry
from neurosim.studies.comparison_table import Comparison
from neurosim.studies.resampling import is_split_by_setting, refuse_missing_classes, refuse_same_data, resampled
from neurosim.studies.study_folder import claimed
from neurosim.studies.sweeps.plan import label_of
from neurosim.studies.tables import csv_text
from neurosim.studies.tuning import Tuned, search, with_chosen

DESCRIPTION, TABLE, PAGE, FIGURE = "compare.toml", "compare.csv", "compare.md", "compare.png"
DIFFERENCES, CURVES, TRIALS, CHOSEN = "differences.csv", "curves.csv", "tune.csv", "chosen.toml"
_RESULTS = (TABLE, PAGE, FIGURE, DIFFERENCES, CURVES, TRIALS, CHOSEN)
_MODELS = several(instance(str, Path, Model, expected="a name, a file of TOML, or a loaded model"))


@public(
    models=_MODELS,
    seeds=COUNT,
    resample=FLAG,
    reference=optional(TEXT),
    reach=number(0, 100),
    overrides=NAMES,
    out=optional(PATH),
)
def compare(
    models: Sequence[str | Path | Model],
    *,
    seeds: int = 3,
    resample: bool = False,
    reference: str | None = None,
    reach: float = 90.0,
    overrides: Sequence[str] = (),
    out: str | Path | None = None,
    progress: RunWatcher | None = None,
    say: Callable[[str], None] | None = None,
) -> Comparison:
    """Train every model with every seed and compare the results, seed by seed.

    Models whose files have a section ``[tune]`` are tuned first, each by the same number of trials on the validation
    split. Finished runs and trials are reused: see `neurosim.studies.collection.collect`.

    Parameters
    ----------
    models
        Shipped names, paths of TOML files, or loaded models; text may have variants written after it,
        ``lansdell2020/mnist+fa``.
    seeds
        Number of seeds, counted from 0. From five on, differences have intervals.
    resample
        Whether each seed has a split of the data of its own (``task.split_seed`` is the seed), the same for all models.
    reference
        Name of the model that the others are compared with; by default the first.
    reach
        Validation accuracy in percent up to which presentations are counted.
    overrides
        ``section.key=value`` each, for all models, such as ``tune.trials=20``.
    out
        The folder for runs and table. It is new, or holds this comparison or a part of it; by default ``runs/compare``,
        or the first of ``runs/compare-2`` ... that fits.
    progress, say
        Receive the progress, and a line about every run.

    Returns
    -------
    Comparison
        Also in the folder: ``compare.csv``, ``compare.md``, ``compare.png``, ``differences.csv``, ``curves.csv``, after
        a search ``tune.csv`` with all trials and ``chosen.toml``, and the runs.

    Raises
    ------
    ConfigError, UnknownNameError, DataError
        Before anything runs: faulty models, models that do not train or are given twice, searches that are not equal, a
        split that cannot be drawn anew or lacks a class, or a folder with another comparison. While it runs: a search
        none of whose trials has a result.

    Examples
    --------
    >>> models = ["lansdell2020/digits", "lansdell2020/digits_fa"]
    >>> short = ["training.epochs=1", "training.measure_every=0", "engine.level=steady"]
    >>> comparison = compare(models, seeds=2, resample=True, overrides=short, out="runs/two")
    >>> [each.verdict for each in comparison.differences]
    ['too few seeds']
    """
    identified = Identified()
    loaded = [identified(load(model, overrides)) for model in models]
    named, chosen_reference = comparable(models, loaded, resample=resample, reference=reference)
    tuned = any(model.tune is not None for model in named.values())
    asked = _Asked(named, seeds, resample, tuned)
    kinds = asked.check_data() if tuned or resample else {}
    described = {
        "seeds": seeds,
        "overrides": sorted(overrides),
        "resample": resample,
        "models": {name: model.identity for name, model in named.items()},
        "tune": {name: model.tune.described for name, model in named.items() if model.tune is not None},
    }
    root = claimed(out, Path("runs") / "compare", DESCRIPTION, described, includes=_includes, results=_RESULTS)
    searches = _searched(asked, kinds, root, progress, say or _nothing) if tuned else {}
    final = {(name, seed): asked.final(name, seed, searches) for name in named for seed in range(seeds)}
    attempts = collect([(model, seed) for (_, seed), model in final.items()], root, progress=progress, say=say)
    entries = []
    for name in named:
        tried = tuple(attempts[key_of(final[name, seed], seed)] for seed in range(seeds))
        chosen = tuple((each.seed, each.text) for each in searches.values() if each.model == name)
        entries.append(Entry(name, final[name, 0], tried, chosen))
    trials = max((len(each.trials) for each in searches.values()), default=0)
    comparison = Comparison(tuple(entries), reach, root, chosen_reference, resample, trials)
    _write(comparison, list(searches.values()))
    return comparison


@dataclass(frozen=True)
class _Asked:
    """What is to be compared."""

    models: Mapping[str, Model]
    seeds: int
    resample: bool
    tuned: bool

    @property
    def each_split(self) -> bool:
        """Whether there is a search for each seed."""
        first = next(iter(self.models.values())).tune
        return self.resample and first is not None and first.options.each_split

    def at(self, name: str, seed: int) -> Model:
        """A model with the split of a seed, identified by its data."""
        model = self.models[name]
        changes = resampled(model, seed) if self.resample else []
        # The files are the same; which of their examples are where is a setting.
        return replace(load(model, changes), data=model.data) if changes else model

    def final(self, name: str, seed: int, searches: Mapping[tuple[str, int | None], Tuned]) -> Model:
        """A model as it runs with a seed."""
        model = self.at(name, seed)
        tuned = searches.get((name, seed if self.each_split else None))
        return replace(with_chosen(model, tuned), data=model.data) if tuned is not None else model

    def check_data(self) -> dict[str, str]:
        """Refuse splits that judge badly; the kind of each model's task."""
        known: dict[tuple[str, int], Any] = {}
        kinds = {}
        for name, model in self.models.items():
            if self.resample:
                refuse_same_data(model)
            differ = self.resample or not is_split_by_setting(model)
            for seed in range(self.seeds if differ else 1):
                at = self.at(name, seed)
                key = f"{at.task_kind} {at.task_config.model_dump_json()}", 0 if is_split_by_setting(model) else seed
                if key not in known:
                    known[key] = at.load_task(seed=seed)
                refuse_missing_classes(at, known[key], seed, tuned=self.tuned)
                kinds[name] = known[key].kind
        return kinds


def _searched(
    asked: _Asked, kinds: Mapping[str, str], root: Path, progress: RunWatcher | None, say: Callable[[str], None]
) -> dict[tuple[str, int | None], Tuned]:
    """The searches of all models: one each, or one for each seed."""
    searches: dict[tuple[str, int | None], Tuned] = {}
    for seed in range(asked.seeds) if asked.each_split else (None,):
        for name in asked.models:
            model = asked.at(name, seed or 0)
            searches[name, seed] = search(model, name, root, kind=kinds[name], seed=seed, progress=progress, say=say)
    return searches


def _includes(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """The runs of a former comparison that this one lacks, in words; empty if it includes them all."""
    lost = [name for name, identity in dict(theirs["models"]).items() if identity not in ours["models"].values()]
    if lost:
        return f"it has {', '.join(lost)}, which this one has not, or with other settings or data"
    if ours["resample"] != theirs.get("resample", False):
        return "it has one split for all seeds" if ours["resample"] else "it has a split for each seed (resample)"
    for name, tune in dict(theirs.get("tune", {})).items():
        mine = next((ours["tune"].get(n) for n, i in ours["models"].items() if i == theirs["models"][name]), None)
        if mine is None or {**mine, "trials": 0} != {**tune, "trials": 0} or mine["trials"] < tune["trials"]:
            return f"it has another [tune] of {name}, or more trials"
    return "" if ours["seeds"] >= theirs["seeds"] else f"it has {theirs['seeds']} seeds, this one {ours['seeds']}"


def _nothing(line: str) -> None:
    """Say nothing."""


def _write(comparison: Comparison, searches: Sequence[Tuned]) -> None:
    """Write the tables and the figure."""
    root = comparison.folder
    write_file(root / TABLE, csv_text(comparison.numbers))
    write_file(root / DIFFERENCES, csv_text(comparison.difference_numbers))
    write_file(root / CURVES, csv_text(curve_rows(comparison.entries)))
    write_file(root / PAGE, str(comparison))
    if searches:
        write_file(root / TRIALS, csv_text(_trial_rows(searches)))
        chosen = [
            {"model": each.model, **({} if each.seed is None else {"split": each.seed}),
             "trials": len(each.trials), "trial": each.best, "score": each.score, "settings": each.values}
            for each in searches
        ]  # fmt: skip
        write_file(root / CHOSEN, tomli_w.dumps({"chosen": chosen}))
    draw(comparison, root / FIGURE)


def _trial_rows(searches: Sequence[Tuned]) -> list[dict[str, Any]]:
    """All trials of all searches, with a column for each key that any of them has."""
    rows = [row for each in searches for row in each.rows]
    keys = list(dict.fromkeys(key for row in rows for key in row["settings"]))
    return [
        {
            **{name: value for name, value in row.items() if name not in ("settings", "folder", "message")},
            **{key: label_of({key: value}).partition("=")[2] if (value := row["settings"].get(key)) is not None else ""
               for key in keys},
            "folder": row["folder"],
            "message": row["message"],
        }
        for row in rows
    ]  # fmt: skip
