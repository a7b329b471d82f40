"""The runs of a sweep: each is reused, under way, or done."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from neurosim.model_files.model_file import Model
from neurosim.studies.collection import Attempt, finished, key_of
from neurosim.studies.sweeps.plan import Configuration, label_of
from neurosim.studies.sweeps.pool import Pool

# Seconds between checks for new workers.
_MOMENT = 1.0


class SweepWatcher(Protocol):
    """Receives progress events of a sweep."""

    def say(self, line: str) -> None:
        """A line of text."""

    def checking(self, done: int, total: int) -> None:
        """Some configurations are checked."""

    def begin(self, total: int) -> None:
        """The sweep needs this many runs."""

    def going(self, key: str, label: str, done: float, text: str) -> None:
        """A run makes progress: the fraction done, and its last numbers. Called from another thread."""

    def ended(self, key: str, label: str, attempt: Attempt, seconds: float) -> None:
        """A run is over, or an earlier process finished it."""


class Quiet:
    """A watcher that ignores all events."""

    def say(self, line: str) -> None:
        """See `SweepWatcher`."""

    def checking(self, done: int, total: int) -> None:
        """See `SweepWatcher`."""

    def begin(self, total: int) -> None:
        """See `SweepWatcher`."""

    def going(self, key: str, label: str, done: float, text: str) -> None:
        """See `SweepWatcher`."""

    def ended(self, key: str, label: str, attempt: Attempt, seconds: float) -> None:
        """See `SweepWatcher`."""


class Runs(Protocol):
    """What a chooser of configurations needs to know of the runs."""

    root: Path
    attempts: dict[tuple[str, int], Attempt]
    seconds: dict[tuple[str, int], float]

    @property
    def size(self) -> int:
        """Number of runs at once."""
        ...


class Crew:
    """The runs of a sweep, each once. Workers start when the first run needs them."""

    def __init__(self, scheduler: Any, workers: int | None, root: Path, watcher: SweepWatcher) -> None:
        self.scheduler, self.workers, self.root, self.watcher = scheduler, workers, root, watcher
        self.attempts: dict[tuple[str, int], Attempt] = {}
        # Seconds on a worker; 0 for a reused run.
        self.seconds: dict[tuple[str, int], float] = {}
        self.labels: dict[tuple[str, int], tuple[Model, str]] = {}
        self.pool: Pool | None = None

    def want(self, configuration: Configuration, seed: int) -> None:
        """Request a run, unless it is done or under way."""
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
        """Number of runs at once."""
        return 1 if self.pool is None else self.pool.size

    @property
    def busy(self) -> bool:
        """Whether a run is under way."""
        return self.pool is not None and self.pool.pending

    def wait(self) -> None:
        """Wait until a run is over, but only briefly, since new workers may have joined."""
        done = self.pool.next(_MOMENT) if self.pool is not None else None
        if done is None:
            return
        key, result = done
        model, _ = self.labels[key]
        attempt = Attempt(message=result["message"], diverged=result["diverged"])
        if not attempt.message:
            attempt = finished(model, key[1], self.root) or Attempt(
                message=f"finished on {result['worker']}, but its folder is not in {self.root}, or it read other data: "
                "workers need the same file system, under the same path"
            )
        self._settle(key, attempt, result["seconds"])

    def close(self) -> None:
        """Release the workers and give up runs under way; runs that have just ended still count."""
        if self.pool is None:
            return
        if self.pool.pending:
            self.pool.give_up()
        self.pool.__exit__()
        for key, (model, _) in self.labels.items():
            attempt = None if key in self.attempts else finished(model, key[1], self.root)
            if attempt is not None:
                self._settle(key, attempt, 0.0)

    def _settle(self, key: tuple[str, int], attempt: Attempt, seconds: float) -> None:
        self.attempts[key] = attempt
        self.seconds[key] = seconds
        self.watcher.ended(_name(key), self.labels[key][1], attempt, seconds)

    def _report(self, report: dict[str, Any]) -> None:
        identity, _, seed = str(report["run"]).rpartition("-seed")
        key = identity, int(seed)
        # Late reports of a finished run are ignored.
        if key in self.labels and key not in self.attempts:
            self.watcher.going(_name(key), self.labels[key][1], float(report["done"]), str(report["text"]))


def _name(key: tuple[str, int]) -> str:
    return f"{key[0]}-seed{key[1]}"
