"""What the command line prints: one console, tables, and what a run found."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from neurosim.experiments.run import Run

# Columns of text where there is no terminal.
_WIDE = 200


def console_of() -> Console:
    # A file or a pipe has no width, and a table that is cut to that of a small terminal loses the names of models.
    free = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(markup=False, highlight=False, emoji=False, width=_WIDE if free else None)


def model_rows(name: str) -> list[tuple[str, str]]:
    """A shipped model and its variants, each with its title."""
    from neurosim.experiments.sections import read_sections
    from neurosim.experiments.variants import variants_of

    sections = read_sections(name)[1]
    titles = variants_of(sections).items()
    return [(name, str(sections.get("model", {}).get("title", ""))), *((f"  +{each}", title) for each, title in titles)]


def print_table(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    # Cells that wrap want lines between them.
    table = Table(*columns, show_lines=any(len(" ".join(row)) > console.width - 10 for row in rows))
    for row in rows:
        table.add_row(*row)
    console.print(table)


def show_run(console: Console, run: Run) -> None:
    """What a run found, at its end."""
    console.print()
    if "probe" in run.summary:
        print_table(
            console, ("number", "value"), [(name, f"{value:.5g}") for name, value in run.summary["probe"].items()]
        )
        console.print(f"written to {run.folder}", soft_wrap=True)
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
    console.print(f"written to {run.folder}", soft_wrap=True)
