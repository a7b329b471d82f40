"""An equal search for each model of a comparison: the section ``[tune]``, carried out on the validation split."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.atomic import writing
from neurosim.errors import ConfigError, DataError
from neurosim.model_files.model_file import Model
from neurosim.runs.lock import locked
from neurosim.runs.run import RunWatcher
from neurosim.studies.collection import Attempt, attempt_run, finished, key_of
from neurosim.studies.readings import Reading
from neurosim.studies.sweeps.chosen import Searched
from neurosim.studies.sweeps.plan import Configuration, Settings, SweepPlan, label_of
from neurosim.studies.sweeps.points import Search
from neurosim.studies.sweeps.results import Trial, metric_name, metric_of, ranked, status_of
from neurosim.studies.tables import number_text

LOCK = "search.lock"


@dataclass(frozen=True)
class Tuned:
    """The outcome of one search.

    Attributes
    ----------
    model, seed
        Name of the model, and the seed of the split; ``None`` if there is one search for all seeds.
    plan
        What was searched.
    trials
        All trials in order, also those without a result.
    best
        Number of the chosen one.
    score
        Its metric, averaged over the search's seeds.
    """

    model: str
    seed: int | None
    plan: SweepPlan
    trials: Sequence[Trial]
    best: int
    score: float

    @property
    def values(self) -> dict[str, Any]:
        """The chosen settings: key path -> value as in a model file."""
        return dict(self.trials[self.best].values)

    @property
    def text(self) -> str:
        """The chosen settings for readers, numbers with three digits."""
        return _text(self.values)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A row for each trial and seed."""
        rows = []
        for number, trial in enumerate(self.trials):
            for seed in self.plan.settings.seeds:
                attempt = trial.attempts.get(seed)
                given = {key: trial.values.get(key) for key in self.plan.keys}
                about = {"model": self.model, "trial": number, "seed": seed, "chosen": number == self.best}
                result = {
                    "status": status_of(attempt),
                    "metric": str(self.plan.settings.metric and self.plan.settings.metric.history),
                    "value": None if attempt is None else metric_of(self.plan.settings.metric, attempt),
                    "folder": attempt.run.folder.name if attempt is not None and attempt.run is not None else "",
                    "message": " ".join((trial.message if attempt is None else attempt.message).split()),
                }
                rows.append({**about, "settings": given, **result})
        return rows


@dataclass
class _Alone:
    """Runs one after the other in this process; see `neurosim.studies.sweeps.crew.Runs`."""

    root: Path
    progress: RunWatcher | None
    size: int = 1
    attempts: dict[tuple[str, int], Attempt] = field(default_factory=dict[tuple[str, int], Attempt])
    seconds: dict[tuple[str, int], float] = field(default_factory=dict[tuple[str, int], float])

    def want(self, configuration: Configuration, seed: int) -> None:
        """Run a configuration with a seed, unless it is done."""
        key = key_of(configuration.model, seed)
        if key in self.attempts:
            return
        began, before = time.perf_counter(), finished(configuration.model, seed, self.root)
        self.attempts[key] = before or attempt_run(configuration.model, seed, self.root, self.progress)
        self.seconds[key] = 0.0 if before else time.perf_counter() - began


def search(
    model: Model,
    name: str,
    root: Path,
    *,
    kind: str,
    seed: int | None,
    progress: RunWatcher | None,
    say: Callable[[str], None],
) -> Tuned:
    """Search the settings of a model, or go on with the search that is in the folder.

    Parameters
    ----------
    model
        The model at the split to search on.
    name
        What it is called in the comparison.
    root
        The folder of the comparison; runs go there, and the trials into ``tune/``.
    kind
        Of its task: ``classification`` or ``regression``.
    seed
        The seed of the split and of the runs; by default those of ``[tune]``.
    progress, say
        See `neurosim.studies.compare.compare`.

    Raises
    ------
    ConfigError
        The metric does not fit the task, or another process searches there.
    DataError
        No trial has a result.
    """
    plan = _plan_of(model, kind, seed)
    where = f"{name}, split {seed}" if seed is not None else name
    folder = root / "tune" / f"{model.name.replace('/', '-')}-{model.identity[:8]}"
    with writing(root):
        folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, LOCK):
        searched, alone = Searched(plan, folder), _Alone(root, progress)
        while searched.more:
            for configuration in searched.ask(alone):
                number = max(searched.open)
                say(f"tune {where}: trial {number + 1} of {searched.count}, {_text(configuration.values)}")
                for each in plan.settings.seeds:
                    alone.want(configuration, each)
            searched.tell(alone)
        trials = searched.trials(alone)
    # A trial of which a seed diverged is no choice.
    complete = [each for each in ranked(plan, trials) if len(each[2]) == len(plan.settings.seeds)]
    if not complete:
        reasons = [attempt.message for trial in trials for attempt in trial.attempts.values() if attempt.message]
        reasons += [trial.message for trial in trials if trial.message]
        raise DataError(
            f"tune: none of the {len(trials)} trials of {where} has a result, first: "
            f"{(reasons or ['nothing ran'])[0]}; "
            "expected ranges within which learning works"
        )
    score = float(np.mean(complete[0][2]))
    # Few examples give the same accuracy to many trials.
    tied = [(_loss(trial), number) for number, trial, values in complete if float(np.mean(values)) == score]
    tuned = Tuned(name, seed, plan, trials, min(tied)[1], score)
    say(f"tune {where}: chosen {tuned.text}, {metric_name(plan.settings.metric, trials)} {number_text(score)}")
    return tuned


def with_chosen(model: Model, tuned: Tuned) -> Model:
    """The model with the values that its search has chosen."""
    return replace(tuned.plan, base=model).model_at(tuned.values)


def _loss(trial: Trial) -> float:
    """Validation loss after the last epoch, which decides between trials of the same metric."""
    losses = [metric_of(Reading(history="validation_loss", over="last"), each) for each in trial.attempts.values()]
    mean = float(np.mean(losses))
    return mean if math.isfinite(mean) else math.inf


def _text(values: Mapping[str, Any]) -> str:
    return label_of({key: float(f"{v:.3g}") if isinstance(v, float) else v for key, v in values.items()})


def _plan_of(model: Model, kind: str, seed: int | None) -> SweepPlan:
    section = model.tune
    assert section is not None
    options = section.options
    metric = options.metric or ("validation_accuracy" if kind == "classification" else "validation_loss")
    if metric == "validation_accuracy" and kind != "classification":
        raise ConfigError.at("tune.metric", f"got '{metric}', expected validation_loss: {model.name} has no accuracy")
    settings = Settings(
        model=model.name,
        seeds=options.seeds if seed is None else (seed,),
        metric=Reading(history=metric, over="last"),
        direction="maximize" if metric.endswith("accuracy") else "minimize",
    )
    proposals = Search(trials=options.trials, startup=options.startup, seed=options.seed)
    return SweepPlan("tune", settings, "search", proposals, section.keys, (), model)
