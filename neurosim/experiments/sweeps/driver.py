"""A sweep from its file to its results: every run once, on workers, and none again that is finished."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import tomli_w

from neurosim.errors import NeurosimError
from neurosim.experiments import folder as files
from neurosim.experiments.collection import Attempt, finished, key_of
from neurosim.experiments.model_file import Model
from neurosim.experiments.sweeps.plan import Configuration, Plan, label_of, read_plan
from neurosim.experiments.sweeps.pool import Pool, require_dask
from neurosim.experiments.sweeps.results import FAILED, NOT_RUN, Trial, dataset_of, metric_of, rows_of
from neurosim.experiments.sweeps.search import Study
from neurosim.experiments.tables import csv_text
from neurosim.plots.figures import save_figure
from neurosim.plots.sweep import sweep_figure

if TYPE_CHECKING:
    import xarray

# Seconds after which a search looks for new workers.
_MOMENT = 1.0

RESULTS, TABLE, FIGURE, RUNS, DESCRIPTION = "results.zarr", "results.csv", "sweep.png", "runs", "sweep.toml"


class Watcher(Protocol):
    """Somebody who is told how a sweep goes on."""

    def say(self, line: str) -> None:
        """A line of text."""

    def checking(self, done: int, total: int) -> None:
        """So many configurations are checked."""

    def begin(self, total: int) -> None:
        """So many runs will be needed."""

    def going(self, key: str, label: str, done: float, text: str) -> None:
        """A run goes on: the share that is done, and its last numbers. Called from another thread."""

    def ended(self, key: str, label: str, attempt: Attempt, seconds: float) -> None:
        """A run is over, or was finished before."""


class Quiet:
    """A watcher that tells nobody."""

    def say(self, line: str) -> None:
        """See `Watcher`."""

    def checking(self, done: int, total: int) -> None:
        """See `Watcher`."""

    def begin(self, total: int) -> None:
        """See `Watcher`."""

    def going(self, key: str, label: str, done: float, text: str) -> None:
        """See `Watcher`."""

    def ended(self, key: str, label: str, attempt: Attempt, seconds: float) -> None:
        """See `Watcher`."""


def sweep(
    source: str | Path | Mapping[str, Any],
    *,
    scheduler: Any = None,
    workers: int | None = None,
    out: str | Path | None = None,
    progress: Watcher | None = None,
) -> xarray.Dataset:
    """Run every configuration of a sweep with every seed, and collect what came of it.

    What is finished in the folder is not run again, so a sweep that was stopped, or whose file was widened, is started
    again with the same words. A script has to call this below ``if __name__ == "__main__":``, because worker
    processes import it.

    Parameters
    ----------
    source
        The path of a TOML file, or its tables; see ``docs/how-to/sweep.md``.
    scheduler
        The address of a scheduler of Dask, or a `distributed.Client`; its workers have to see `out` under the same
        path. By default worker processes of this machine are started.
    workers
        How many; by default one for each core.
    out
        The folder for the runs and the results; by default ``runs/sweep-<name>``.
    progress
        Told how it goes on.

    Returns
    -------
    xarray.Dataset
        See `neurosim.experiments.sweeps.results.dataset_of`. Also in the folder: ``results.zarr``, ``results.csv``,
        ``sweep.png``, ``sweep.toml``, and the runs in ``runs``.

    Raises
    ------
    ConfigError, UnknownNameError, DataError
        The sweep or one of its configurations does not fit, before anything is run; Dask is not installed, or nobody
        answers at the address. What goes wrong in a run is in the results.
    KeyboardInterrupt
        Passed on, after the results so far were written.
    """
    watcher = progress or Quiet()
    require_dask()
    plan = read_plan(source, on_check=watcher.checking)
    return carry_out(plan, scheduler=scheduler, workers=workers, out=out, progress=watcher).results


@dataclass(frozen=True)
class Outcome:
    """What came of a sweep.

    Attributes
    ----------
    plan
        What was asked.
    trials
        Its configurations with what came of each.
    results
        The same as a Dataset.
    folder
        Where it is written.
    """

    plan: Plan
    trials: Sequence[Trial]
    results: xarray.Dataset
    folder: Path

    @property
    def failed(self) -> bool:
        """Whether anything has no result for another reason than learning itself."""
        return bool((self.results.status == FAILED).any() or (self.results.status == NOT_RUN).any())


def carry_out(
    plan: Plan,
    *,
    scheduler: Any = None,
    workers: int | None = None,
    out: str | Path | None = None,
    progress: Watcher | None = None,
) -> Outcome:
    """As `sweep`, of a plan that is checked."""
    watcher = progress or Quiet()
    require_dask()
    root = Path(out if out is not None else Path("runs") / f"sweep-{plan.name}").resolve()
    with files.writing(root):
        (root / RUNS).mkdir(parents=True, exist_ok=True)
    files.write_file(root / DESCRIPTION, tomli_w.dumps(_described(plan)))
    crew = _Crew(scheduler, workers, root / RUNS, watcher)
    chosen = _Searched(plan, root) if plan.kind == "search" else _Listed(plan)
    watcher.begin(chosen.count * len(plan.settings.seeds))
    try:
        _run_all(chosen, crew)
    finally:
        # Stopped or not: what there is, is written.
        crew.close()
        trials = chosen.trials(crew)
        found = dataset_of(plan, trials)
        _write(plan, trials, found, root)
    return Outcome(plan, trials, found, root)


class _Crew:
    """Runs, each once: reused, under way, or done; the workers are started when the first run needs them."""

    def __init__(self, scheduler: Any, workers: int | None, root: Path, watcher: Watcher) -> None:
        self.scheduler, self.workers, self.root, self.watcher = scheduler, workers, root, watcher
        self.attempts: dict[tuple[str, int], Attempt] = {}
        self.labels: dict[tuple[str, int], tuple[Model, str]] = {}
        self.pool: Pool | None = None

    def want(self, configuration: Configuration, seed: int) -> None:
        """Have a run done unless it is, or is being done."""
        key = key_of(configuration.model, seed)
        if key in self.labels:
            return
        label = f"{label_of(configuration.values)}, seed {seed}"
        self.labels[key] = configuration.model, label
        before = finished(configuration.model, seed, self.root)
        if before is not None:
            self._settle(key, before, 0.0)
            return
        if self.pool is None:
            self.pool = Pool(self.scheduler, self.workers, self.watcher.say)
            self.pool.watch(self._report)
        self.pool.submit(configuration.model, seed, self.root)

    @property
    def size(self) -> int:
        """How many runs are done at once."""
        return 1 if self.pool is None else self.pool.size

    @property
    def busy(self) -> bool:
        """Whether a run is under way."""
        return self.pool is not None and self.pool.pending

    def wait(self) -> None:
        """Wait until a run is over, or a moment, because workers may have come."""
        done = self.pool.next(_MOMENT) if self.pool is not None else None
        if done is None:
            return
        key, result = done
        model, _ = self.labels[key]
        attempt = Attempt(message=result["message"], diverged=result["diverged"])
        if not attempt.message:
            attempt = finished(model, key[1], self.root) or Attempt(
                message=f"finished on {result['worker']}, but its folder is not in {self.root}: workers need the same "
                "file system, under the same path"
            )
        self._settle(key, attempt, result["seconds"])

    def close(self) -> None:
        """Leave the workers; what is under way is given up."""
        if self.pool is not None:
            if self.pool.pending:
                self.pool.give_up()
            self.pool.__exit__()

    def _settle(self, key: tuple[str, int], attempt: Attempt, seconds: float) -> None:
        self.attempts[key] = attempt
        self.watcher.ended(_name(key), self.labels[key][1], attempt, seconds)

    def _report(self, report: dict[str, Any]) -> None:
        config_hash, _, seed = str(report["run"]).rpartition("-seed")
        key = config_hash, int(seed)
        # What arrives late belongs to a run that is over.
        if key in self.labels and key not in self.attempts:
            self.watcher.going(_name(key), self.labels[key][1], float(report["done"]), str(report["text"]))


class _Listed:
    """Configurations that are all known from the start."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.count, self.asked = plan, len(plan.configurations), False

    @property
    def more(self) -> bool:
        """Whether there are configurations that nobody asked for."""
        return not self.asked

    def ask(self, crew: _Crew) -> Iterator[Configuration]:
        """What to run now: everything."""
        if not self.asked:
            self.asked = True
            yield from self.plan.configurations

    def tell(self, crew: _Crew) -> None:
        """Learn what came of it; nothing depends on it here."""

    def trials(self, crew: _Crew) -> list[Trial]:
        """All configurations with what came of them."""
        return [Trial(each.values, _attempts(self.plan, each.model, crew)) for each in self.plan.configurations]


class _Searched:
    """Configurations that the study proposes, a few at a time."""

    def __init__(self, plan: Plan, root: Path) -> None:
        self.plan, self.study = plan, Study(plan, root)
        self.count = max(self.study.options.trials, len(self.study.trials))
        self.again = self.study.unfinished
        self.open: dict[int, Configuration] = {}

    @property
    def more(self) -> bool:
        """Whether there are trials that nobody asked for."""
        return bool(self.again or self.study.more)

    def ask(self, crew: _Crew) -> Iterator[Configuration]:
        """As many as keep all workers busy."""
        while len(self.open) < max(1, math.ceil(crew.size / len(self.plan.settings.seeds))):
            if self.again:
                number = self.again.pop(0)
                values = self.study.trials[number]
            elif self.study.more:
                number, values = self.study.ask()
            else:
                return
            try:
                self.open[number] = Configuration(values, self.plan.model_at(values))
            except NeurosimError as error:
                # Ends of ranges fit, and still two of them may not go together.
                self.study.tell(number, math.nan, str(error))
                continue
            yield self.open[number]

    def tell(self, crew: _Crew) -> None:
        """Tell the study what is known of its trials."""
        for number, configuration in list(self.open.items()):
            attempts = _attempts(self.plan, configuration.model, crew)
            if len(attempts) < len(self.plan.settings.seeds):
                continue
            del self.open[number]
            values = [metric_of(self.plan.settings.metric, attempt) for attempt in attempts.values()]
            wrong = [attempt for attempt in attempts.values() if attempt.run is None]
            if all(attempt.diverged for attempt in wrong):
                # One seed that diverges makes the mean none.
                self.study.tell(number, float(np.mean(values)), wrong[0].message if wrong else "the metric is none")

    def trials(self, crew: _Crew) -> list[Trial]:
        """All trials, those of earlier starts included."""
        messages, found = self.study.messages, []
        for number, values in self.study.trials.items():
            try:
                model = self.plan.model_at(values)
            except NeurosimError as error:
                found.append(Trial(values, {}, str(error)))
                continue
            attempts = _attempts(self.plan, model, crew)
            for seed in self.plan.settings.seeds:
                if seed not in attempts and (before := finished(model, seed, crew.root)) is not None:
                    attempts[seed] = before
            found.append(Trial(values, attempts, messages.get(number, "")))
        return found


def _run_all(chosen: _Listed | _Searched, crew: _Crew) -> None:
    while chosen.more or crew.busy:
        for configuration in chosen.ask(crew):
            for seed in chosen.plan.settings.seeds:
                crew.want(configuration, seed)
        if crew.busy:
            crew.wait()
        chosen.tell(crew)


def _attempts(plan: Plan, model: Model, crew: _Crew) -> dict[int, Attempt]:
    keys = {seed: key_of(model, seed) for seed in plan.settings.seeds}
    return {seed: crew.attempts[key] for seed, key in keys.items() if key in crew.attempts}


def _name(key: tuple[str, int]) -> str:
    return f"{key[0]}-seed{key[1]}"


def _described(plan: Plan) -> dict[str, Any]:
    """What was swept: the model with all its settings, and what was changed in it."""
    keys = {
        key: c if isinstance(c, tuple) else c.model_dump(mode="json", exclude_none=True) for key, c in plan.keys.items()
    }
    options = plan.options.model_dump(mode="json") if plan.options is not None else {}
    table: Any = [dict(each.values) for each in plan.configurations] if plan.kind == "list" else options | keys
    return {"sweep": plan.settings.model_dump(mode="json", exclude_none=True), plan.kind: table}


def _write(plan: Plan, trials: list[Trial], found: xarray.Dataset, root: Path) -> None:
    files.write_dataset(root / RESULTS, found)
    files.write_file(root / TABLE, csv_text(rows_of(plan, trials)))
    figure = sweep_figure(found)
    if figure is not None:
        with files.writing(root):
            save_figure(figure, root / FIGURE)
