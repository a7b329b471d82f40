"""Carry out a sweep: from its file to its results, on workers, reusing finished runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.atomic import discard, is_temporary, write_file, writing
from neurosim.border import PATH, instance, optional, public, whole
from neurosim.errors import DataError
from neurosim.model_files.model_file import Model
from neurosim.model_files.search_keys import Range
from neurosim.plots.figures import save_figure
from neurosim.plots.sweep import sweep_figure
from neurosim.runs import folder as files
from neurosim.runs.lock import locked
from neurosim.studies.study_folder import claimed
from neurosim.studies.sweeps.chosen import ListedPoints, Searched
from neurosim.studies.sweeps.crew import Crew, Quiet, SweepWatcher
from neurosim.studies.sweeps.plan import SweepPlan, is_file, read_plan
from neurosim.studies.sweeps.pool import require_dask
from neurosim.studies.sweeps.results import FAILED, FINISHED, NOT_RUN, Trial, dataset_of, rows_of
from neurosim.studies.sweeps.same import lost
from neurosim.studies.tables import csv_text

if TYPE_CHECKING:
    import xarray

RESULTS, TABLE, FIGURE, RUNS, DESCRIPTION = "results.zarr", "results.csv", "sweep.png", "runs", "sweep.toml"
LOCK = "sweep.lock"
#: Number of local worker processes; more would exhaust the machine.
WORKERS = whole(1, 256)
_SOURCE = instance(str, Path, Mapping, expected="a file of TOML that describes a sweep, or its sections")
# Results that are no numbers of a run.
_NO_NUMBERS = ("metric", "status", "message", "folder", "run_s")


@public(source=_SOURCE, workers=optional(WORKERS), out=optional(PATH))
def sweep(
    source: str | Path | Mapping[str, Any],
    *,
    scheduler: Any = None,
    workers: int | None = None,
    out: str | Path | None = None,
    progress: SweepWatcher | None = None,
) -> xarray.Dataset:
    """Run every configuration of a sweep with every seed and collect the results.

    Finished runs in the folder are reused, so the same call continues a sweep that was stopped or extended. A script
    has to call this below ``if __name__ == "__main__":``, because worker processes import it.

    Parameters
    ----------
    source
        The path of a TOML file, or its tables; see ``docs/how-to/sweep.md``.
    scheduler
        The address of a Dask scheduler, or a `distributed.Client`; its workers have to see `out` under the same path.
        By default local worker processes are started.
    workers
        Number of local workers; by default one per core.
    out
        The folder for runs and results. It is new, or holds this sweep or a part of it; by default
        ``runs/sweep-<name>``.
    progress
        Receives progress events.

    Returns
    -------
    xarray.Dataset
        See `neurosim.studies.sweeps.results.dataset_of`. Also in the folder: ``results.zarr``, ``results.csv``,
        ``sweep.png``, ``sweep.toml``, and the runs in ``runs``.

    Raises
    ------
    ConfigError, UnknownNameError, DataError
        A fault in the sweep or in a configuration, before anything runs; a folder in use (by which process), or with
        another sweep; Dask is missing, or no scheduler answers; no finished run has the metric. Failures of single
        runs are in the results.
    KeyboardInterrupt
        Passed on after the results so far are written.

    Examples
    --------
    >>> tables = {
    ...     "sweep": {
    ...         "model": "lansdell2020/digits",
    ...         "overrides": ["training.epochs=1", "training.measure_every=0"],
    ...         "metric": "validation_accuracy",
    ...         "direction": "maximize",
    ...     },
    ...     "grid": {"scheme.learning_rate": [0.1, 0.2]},
    ... }
    >>> from distributed import Client
    >>> with Client(processes=False, dashboard_address=None) as client:  # in a script: workers=2 instead
    ...     results = sweep(tables, scheduler=client, out="runs/rates")
    >>> results.metric.sizes["scheme.learning_rate"]
    2
    """
    watcher = progress or Quiet()
    require_dask()
    plan = read_plan(source, on_check=watcher.checking)
    outcome = carry_out(plan, scheduler=scheduler, workers=workers, out=out, progress=watcher)
    if outcome.without_metric is not None:
        raise DataError(f"{outcome.folder}: {outcome.without_metric}")
    return outcome.results


@dataclass(frozen=True)
class SweepOutcome:
    """The outcome of a sweep.

    Attributes
    ----------
    plan
        The sweep's plan.
    trials
        Its configurations with their results.
    results
        The results as a Dataset.
    folder
        The sweep's folder.
    """

    plan: SweepPlan
    trials: Sequence[Trial]
    results: xarray.Dataset
    folder: Path

    @property
    def failed(self) -> bool:
        """Whether a result is missing for another reason than diverged learning, or no run has the metric."""
        missing = (self.results.status == FAILED).any() or (self.results.status == NOT_RUN).any()
        return bool(missing) or self.without_metric is not None

    @property
    def without_metric(self) -> str | None:
        """A sentence, if runs finished and none of them has the metric."""
        done = int((self.results.status == FINISHED).sum())
        if not done or self.results.metric.notnull().any():
            return None
        name = self.results.metric.attrs["long_name"]
        known = [str(n) for n in self.results if n not in _NO_NUMBERS and self.results[n].notnull().any()]
        runs = "the one run" if done == 1 else f"any of the {done} runs"
        return f"{name} has no value in {runs} that finished; there are {', '.join(known)} (results are kept)"


@public(workers=optional(WORKERS), out=optional(PATH))
def carry_out(
    plan: SweepPlan,
    *,
    scheduler: Any = None,
    workers: int | None = None,
    out: str | Path | None = None,
    progress: SweepWatcher | None = None,
) -> SweepOutcome:
    """As `sweep`, for a checked plan; the folder is locked meanwhile."""
    require_dask()
    root = Path(out if out is not None else Path("runs") / f"sweep-{plan.name}").resolve()
    with writing(root):
        root.mkdir(parents=True, exist_ok=True)
    # Two sweeps would overwrite each other's results and mix one search's trials.
    with locked(root, LOCK):
        claimed(root, root, DESCRIPTION, _described(plan), includes=lost, results=(RESULTS, TABLE, FIGURE))
        with writing(root):
            (root / RUNS).mkdir(exist_ok=True)
        for left in [file for file in root.iterdir() if is_temporary(file)]:
            discard(left)
        return _carry_out(plan, scheduler, workers, root, progress or Quiet())


def _carry_out(plan: SweepPlan, scheduler: Any, workers: int | None, root: Path, watcher: SweepWatcher) -> SweepOutcome:
    chosen = Searched(plan, root) if plan.kind == "search" else ListedPoints(plan)
    total = chosen.count * len(plan.settings.seeds)
    crew = Crew(scheduler, None if workers is None else min(workers, total), root / RUNS, watcher)
    watcher.begin(total)
    try:
        _run_all(chosen, crew)
    finally:
        # Results are written even if the sweep is stopped.
        crew.close()
        trials = chosen.trials(crew)
        results = dataset_of(plan, trials)
        _write(plan, trials, results, root)
    return SweepOutcome(plan, trials, results, root)


def _run_all(chosen: ListedPoints | Searched, crew: Crew) -> None:
    while chosen.more or crew.busy:
        asked = list(chosen.ask(crew))
        # A seed after the other, so that the results of a sweep that is stopped are balanced.
        for seed in chosen.plan.settings.seeds:
            for configuration in asked:
                crew.want(configuration, seed)
        if crew.busy:
            crew.wait()
        chosen.tell(crew)


def _described(plan: SweepPlan) -> dict[str, Any]:
    """The sweep with all its settings, as tables that reproduce it."""
    keys: dict[str, Any] = {
        key: choice.model_dump(mode="json", exclude_none=True) if isinstance(choice, Range) else choice
        for key, choice in plan.keys.items()
    }
    # An absolute path names the file from any folder.
    base = plan.base.name if isinstance(plan.base, Model) else plan.base
    model = str(Path(base).resolve()) if is_file(base) else base
    options = plan.options.model_dump(mode="json") if plan.options is not None else {}
    table: Any = [dict(each.values) for each in plan.configurations] if plan.kind == "list" else options | keys
    settings = plan.settings.model_dump(mode="json", exclude_none=True)
    return {"sweep": settings | {"model": model}, plan.kind: table}


def _write(plan: SweepPlan, trials: list[Trial], results: xarray.Dataset, root: Path) -> None:
    files.write_dataset(root / RESULTS, results)
    write_file(root / TABLE, csv_text(rows_of(plan, trials)))
    figure = sweep_figure(results)
    if figure is not None:
        with writing(root):
            save_figure(figure, root / FIGURE)
