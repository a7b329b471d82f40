"""Progress of a sweep on a terminal or in a log file."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from rich.console import Console

if TYPE_CHECKING:
    from neurosim.studies.collection import Attempt

# Most runs that a terminal shows at once; a cluster may have hundreds.
_SHOWN = 12


class SweepLive:
    """Progress bars for the sweep and its runs on a terminal; elsewhere a line for each finished run.

    See `neurosim.studies.sweeps.crew.SweepWatcher`.
    """

    def __init__(self, console: Console) -> None:
        self.console, self.bar = console, None
        self.total, self.over, self.reused, self.wrong = 0, 0, 0, 0
        self.whole: Any = None
        self.bars: dict[str, Any] = {}
        # Reports come from another thread.
        self.lock = threading.Lock()

    def __enter__(self) -> SweepLive:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None

    def say(self, line: str) -> None:
        """See `SweepWatcher`."""
        self.console.print(line, soft_wrap=True)

    def checking(self, done: int, total: int) -> None:
        """See `SweepWatcher`."""
        if done == total:
            self.say(f"{total} {'configuration' if total == 1 else 'configurations'} checked")

    def begin(self, total: int) -> None:
        """See `SweepWatcher`."""
        self.total = total
        if not self.console.is_terminal:
            return
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), TextColumn("{task.fields[text]}"))
        self.bar = Progress(*columns, TimeElapsedColumn(), console=self.console, transient=True)
        self.whole = self.bar.add_task("sweep", total=total, text=self._counts())
        self.bar.start()

    def going(self, key: str, label: str, done: float, text: str) -> None:
        """See `SweepWatcher`."""
        with self.lock:
            if self.bar is None:
                return
            if key not in self.bars and len(self.bars) < _SHOWN:
                self.bars[key] = self.bar.add_task(f"  {label}", total=1.0, text=text)
            if key in self.bars:
                self.bar.update(self.bars[key], completed=done, text=text)

    def ended(self, key: str, label: str, attempt: Attempt, seconds: float) -> None:
        """See `SweepWatcher`."""
        with self.lock:
            self.over += 1
            self.reused += attempt.reused and not seconds
            self.wrong += attempt.run is None
            if self.bar is not None:
                if key in self.bars:
                    self.bar.remove_task(self.bars.pop(key))
                self.bar.update(self.whole, completed=self.over, text=self._counts())
        if attempt.run is None:
            self.say(f"{label}: stopped: {attempt.message}")
        elif self.bar is None and seconds:
            # Two configurations may be one run, and a search may end before all its trials.
            self.say(f"{self.over} of {self.total}: {label}, {seconds:.1f} s")

    def _counts(self) -> str:
        parts = [f"{self.over}/{self.total} runs"]
        parts += [f"{self.reused} finished before"] if self.reused else []
        parts += [f"{self.wrong} without result"] if self.wrong else []
        return ", ".join(parts)
