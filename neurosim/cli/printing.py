"""Output of the command line, all through one console: tables, JSON, and results of runs."""

from __future__ import annotations

import json
import math
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from neurosim.model_files.model_file import Model
    from neurosim.runs.run import Run

# Width in columns where output is no terminal.
_WIDE = 200


class _Output:
    """Standard output that never raises: it replaces what it cannot encode and remembers what it cannot write.

    A closed terminal, a full disk or a narrow encoding must not cost hours of training.
    """

    def __init__(self) -> None:
        self.failure: Exception | None = None

    @property
    def encoding(self) -> str:
        """Encoding of the underlying stream."""
        return getattr(sys.stdout, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        """Write as much as possible."""
        shown = text.encode(self.encoding, "replace").decode(self.encoding, "replace")
        self._try(lambda: sys.stdout.write(shown))
        return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        self._try(lambda: sys.stdout.flush())

    def isatty(self) -> bool:
        """Whether there is a terminal."""
        return sys.stdout is not None and sys.stdout.isatty()

    def fileno(self) -> int:
        """File descriptor of the underlying stream."""
        return sys.stdout.fileno()

    def failed(self) -> bool:
        """Whether any write has failed."""
        self.flush()
        return self.failure is not None

    def _try(self, action: Callable[[], object]) -> None:
        if self.failure is not None or sys.stdout is None:
            return
        try:
            action()
        except (OSError, ValueError) as error:
            self.failure = error


OUTPUT = _Output()


def console_of(*, quiet: bool = False) -> Console:
    """The console that all output goes through."""
    # A file or a pipe has no width. A table cut to a small terminal would lose the names of models.
    free = not OUTPUT.isatty() and "COLUMNS" not in os.environ
    file: Any = OUTPUT
    return Console(markup=False, highlight=False, emoji=False, width=_WIDE if free else None, file=file, quiet=quiet)


def say(text: str, end: str = "\n") -> None:
    """Print text without markup."""
    OUTPUT.write(f"{text}{end}")


def say_json(value: Any) -> None:
    """Print JSON; numbers that are not finite become null."""
    say(json.dumps(_for_json(value), indent=2, ensure_ascii=True, default=str))


def _for_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _for_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_for_json(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def name_table(title: str, rows: Sequence[tuple[str, str]]) -> Table:
    """A table of names and descriptions; names are never cut, so that they can be copied."""
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("name", no_wrap=True, overflow="ignore", min_width=max((len(name) for name, _ in rows), default=0))
    table.add_column("description")
    for row in rows:
        table.add_row(*row)
    return table


def print_table(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows below column heads; lines separate rows whose cells wrap."""
    table = Table(*columns, show_lines=any(len(" ".join(row)) > console.width - 10 for row in rows))
    for row in rows:
        table.add_row(*row)
    console.print(table)


def show_run(console: Console, run: Run, model: Model, source: str) -> None:
    """Print the results of a finished run."""
    console.print()
    if "probe" in run.summary:
        from neurosim.studies.probe_report import COLUMNS, description_of, lines_of

        console.print(description_of(model), soft_wrap=True)
        print_table(console, COLUMNS, [line.cells for line in lines_of(run.summary["probe"], model, source)])
        _say_where(console, run)
        return
    columns = {"signal": "signal_angle_deg", "update": "update_angle_deg", "weights": "weight_angle_deg"}
    table = Table("layer", title="angle to the true gradient, degrees", title_justify="left")
    for name in columns:
        table.add_column(name, justify="right")
    for layer, numbers in run.summary["layers"].items():
        values = (numbers.get(key, float("nan")) for key in columns.values())
        table.add_row(layer, *(f"{value:.1f}" if value == value else "-" for value in values))
    if run.summary["layers"]:
        console.print(table)
    accuracy = run.summary.get("test_accuracy")
    right = f"test accuracy {accuracy:.2f} %, " if accuracy is not None else ""
    console.print(
        f"{right}test loss {run.summary['test_loss']:.4g}, {run.summary['wall_s']:.1f} s, "
        f"{run.summary['samples_per_second']:.0f} presentations/s"
    )
    _say_where(console, run)


def _say_where(console: Console, run: Run) -> None:
    """Print the folder of a run, and commands that use it."""
    console.print(f"written to {run.folder}", soft_wrap=True)
    console.print(f"next: {'; '.join(_next(run))}", soft_wrap=True)


def _next(run: Run) -> list[str]:
    """Commands that apply to a run, quoted for a shell."""
    from neurosim.runs.prediction import can_predict

    here = run.folder.relative_to(Path.cwd()) if run.folder.is_relative_to(Path.cwd()) else run.folder
    # A name that begins with a dash would be an option.
    folder = shlex.quote(f"./{here}" if str(here).startswith("-") else str(here))
    predict = [f"neurosim predict {folder} FILE"] if can_predict(run.folder, run.state) else []
    return [f"neurosim plot {folder}", *predict, f"neurosim export {folder} --to {'npz' if run.state else 'csv'}"]
