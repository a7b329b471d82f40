"""Progress of runs on a terminal or in a log file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from neurosim.model_files.model_file import Model
    from neurosim.training.history import EpochReport


class Live:
    """A progress bar on a terminal, a line per epoch elsewhere."""

    def __init__(self, console: Console) -> None:
        self.console, self.bar, self.task = console, None, None
        self.last, self.done, self.epochs = 0.0, 0, 1

    def __enter__(self) -> Live:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _stop(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        self._stop()
        self.console.print(line, soft_wrap=True)

    def note(self, text: str) -> None:
        """See `neurosim.runs.run.RunWatcher`."""
        self.console.print(text, soft_wrap=True)

    def begin(self, model: Model, folder: Path) -> None:
        """See `neurosim.runs.run.RunWatcher`."""
        self._stop()
        scheme = f"{model.probe_kind} of {model.scheme_kind}" if model.probe_kind else model.scheme_kind
        self.console.print(f"{model.name}: {scheme} on {model.task_kind}, {model.engine.level} level")
        # A probe counts its steps like one epoch.
        self.done, self.epochs = 0, 1 if model.probe_kind else model.training.epochs
        if not self.console.is_terminal:
            return
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(bar_width=20))
        columns += (TextColumn("{task.fields[numbers]}"), TimeRemainingColumn())
        self.bar = Progress(*columns, console=self.console)
        what = model.probe_kind or f"epoch 0/{self.epochs}"
        self.task = self.bar.add_task(what, total=self.epochs, numbers="" if model.probe_kind else "compiling")
        self.bar.start()

    def step(self, done: int, total: int) -> None:
        """See `neurosim.runs.run.RunWatcher`."""
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, completed=self.done + done / total)

    def epoch(self, report: EpochReport) -> None:
        """See `neurosim.runs.run.RunWatcher`."""
        self.done = report.epoch
        if self.bar is not None and self.task is not None:
            what = f"epoch {report.epoch}/{report.epochs}"
            self.bar.update(self.task, description=what, completed=report.epoch, numbers=_numbers(report))
            return
        # In a log file at most one line a second, and always the first and the last.
        now = time.monotonic()
        if report.epoch in (0, report.epochs) or now - self.last > 1:
            self.last = now
            self.console.print(f"epoch {report.epoch}/{report.epochs}  {_numbers(report)}", soft_wrap=True)


def _numbers(report: EpochReport) -> str:
    parts = []
    if report.train_loss == report.train_loss:
        parts.append(f"loss {report.train_loss:.3f}")
    if report.validation_accuracy == report.validation_accuracy:
        parts.append(f"accuracy {report.validation_accuracy:.1f} %")
    elif report.validation_loss == report.validation_loss:
        parts.append(f"validation loss {report.validation_loss:.3f}")
    angles = [
        f"{value:.0f}°"
        for numbers in report.layers.values()
        if (value := numbers.get("signal_angle_deg", float("nan"))) == value
    ]
    return "  ".join([*parts, *(["angle " + " ".join(angles)] if angles else [])])
