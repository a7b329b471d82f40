"""The page `docs/benchmarks.md` and its figures, from what the works found."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import psutil
from matplotlib.figure import Figure

import neurosim
from benchmarks import _table
from benchmarks._results import Result

#: What our own numbers depend on.
PACKAGES = ("jax", "jaxlib", "numpy", "numba", "brian2")
_OPENING = """# Benchmarks

{date}, {machine}. This project: {versions}. Others: {others}.

`make bench` measures all of this again and writes this page (`python -m benchmarks --help` has the options, among them
`--only` for some works and `--no-peers`). Other simulators are installed by pip, each into an environment of its own in
a cache folder, in pinned versions; one that does not install or does other work is listed with the reason.

All contenders of a table do the same work with the same numbers, take turns round after round, and use all cores they
can. Times are on the wall, unless a table says that they are of processors, and without compiling, which is in the last
column as part of the first call, beside precision and threads. A ratio is the median over rounds of the time within a
round by that of the first row (quartiles in brackets); above 1 is slower than the first row. The machine's own limits
are measured in the same rounds.
"""


def page(results: Mapping[str, Result], broken: Mapping[str, str], *, figures: Path, limits: Mapping[str, str]) -> str:
    """The whole page.

    Parameters
    ----------
    results
        Work -> what it found.
    broken
        Work -> why it found nothing.
    figures
        The folder for figures, beside the page.
    limits
        What else is known of the machine: name -> value with its unit.
    """
    known = {name: found for result in results.values() for name, found in result.versions.items()}
    parts = [
        _OPENING.format(
            date=datetime.date.today().isoformat(),
            machine=machine(),
            versions=_listed({"neurosim": neurosim.__version__, **{name: version(name) for name in PACKAGES}}),
            others=_listed(known) or "none",
        )
    ]
    if limits:
        parts.append("\n".join(f"* {name}: {value}" for name, value in limits.items()))
    parts.append("## What is asked\n\n" + _summary(results))
    if broken:
        parts.append("Works that could not be measured:\n\n" + "\n".join(f"* {n}: {why}" for n, why in broken.items()))
    parts += [_details(name, result, figures) for name, result in results.items()]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def machine() -> str:
    """Processor, cores and memory."""
    memory = psutil.virtual_memory().total / 2**30
    return f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB of memory, Python {platform.python_version()}"


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {found}" for name, found in versions.items())


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.is_file():
        for line in described.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _summary(results: Mapping[str, Result]) -> str:
    lines = ["| work | what | asked | measured | met |", "| --- | --- | --- | ---: | --- |"]
    for result in results.values():
        for asked in result.asked:
            cells = (result.title, asked.what, _table.demand(asked), _table.measured(asked), _table.verdict(asked))
            lines.append(_line(cells))
    return "\n".join(lines)


def _details(name: str, result: Result, figures: Path) -> str:
    parts = [f"## {result.title}", f"{result.about} (`benchmarks/{name}.py`)"]
    for table in result.tables:
        lines = [
            f"| {table.caption}, {table.unit} | median | quartiles | ratio | |",
            "| --- | ---: | ---: | ---: | --- |",
        ]
        parts.append("\n".join([*lines, *(_line(_table.cells(table, row)) for row in table.rows)]))
    if result.missing:
        parts.append("Not measured:\n\n" + "\n".join(f"* {peer}: {_cell(why)}" for peer, why in result.missing.items()))
    if result.curves:
        file = figures / f"benchmark_{name}.png"
        draw(result, file)
        parts.append(f"![{result.title}]({figures.name}/{file.name})")
    return "\n\n".join(parts)


def draw(result: Result, file: Path) -> None:
    """A result's curves, one panel for each quantity, both axes logarithmic."""
    quantities = list(dict.fromkeys(curve.over for curve in result.curves))
    figure = Figure(figsize=(3.2 * len(quantities), 3.2), layout="constrained")
    panels = figure.subplots(1, len(quantities), squeeze=False, sharey=True)[0]
    for axes, quantity in zip(panels, quantities, strict=True):
        for curve in result.curves:
            if curve.over == quantity:
                axes.loglog(curve.x, curve.y, "o-", label=curve.name)
        axes.set_xlabel(quantity)
    panels[0].set_ylabel(f"time of a call ({result.curve_unit})")
    panels[0].legend(frameon=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=120)


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
