"""Collect the sweep ``models/untuned/sweeps/table.toml``: the table, its summary in the README, and the figure.

``neurosim sweep models/untuned/sweeps/table.toml --workers 1 --out runs/untuned``, stopped by Ctrl-C whenever one
likes, then ``python docs/untuned_table.py runs/untuned/results.csv``. What ``models/untuned/table.csv`` has already is
kept, unless the defaults have changed since (its column ``hash``); runs of the files given replace it. A folder of runs
is read as well, such as that of ``neurosim reproduce untuned --slow``: its finished runs that are runs of a cell.
"""

from __future__ import annotations

import csv
import functools
import json
import math
import sys
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from neurosim.atomic import write_file
from neurosim.model_files.model_file import load
from neurosim.plots import COLOURS, tidy
from neurosim.plots.figures import save_figure
from neurosim.studies.statistics import interval

FOLDER = Path(__file__).parents[1] / "models" / "untuned"
TABLE, README = FOLDER / "table.csv", FOLDER / "README.md"
BEGIN, END = "<!-- written by docs/untuned_table.py -->", "<!-- until here -->"
SCHEMES = ("backpropagation", "feedback_alignment", "node_perturbation")
DATA = ("digits", "wine", "breast_cancer", "iris", "teacher", "mnist")
ACTIVATIONS = ("tanh", "relu", "softplus")
DEPTHS, WIDTHS = (1, 2, 3, 5, 10), (16, 48, 200)
CELLS = len(DATA) * len(DEPTHS) * len(WIDTHS) * len(ACTIVATIONS)
#: Points by which learned feedback may fall short, and the share of cells and of layers that is asked for.
POINTS, SHARE = 3.0, 95.0
SETTINGS = ("data", "depth", "width", "activation", "scheme", "seed")
LAYERS = tuple(f"hidden{number}" for number in range(1, max(DEPTHS) + 1))

#: Data, depth, width and activation.
Cell = tuple[str, int, int, str]
#: The columns of `SETTINGS` as text.
Key = tuple[str, ...]


@dataclass(frozen=True)
class Compared:
    """A cell in which all three schemes were run with the same seeds.

    Attributes
    ----------
    seeds
        How many.
    diverged
        By scheme, how many of them diverged.
    accuracy
        By scheme, test accuracy in percent, the mean over the seeds in which no scheme diverged; NaN if there is none.
    angles
        By scheme, angles to the gradient in degrees of each hidden layer, likewise.
    """

    seeds: int
    diverged: Mapping[str, int]
    accuracy: Mapping[str, float]
    angles: Mapping[str, np.ndarray]

    def behind(self, scheme: str = SCHEMES[2]) -> float:
        """Points of accuracy above backpropagation (negative: below); minus infinity where the scheme diverged."""
        return -math.inf if self.diverged[scheme] else self.accuracy[scheme] - self.accuracy[SCHEMES[0]]

    @property
    def nearer(self) -> np.ndarray:
        """Of each hidden layer whose angles exist, whether that of learned feedback is below feedback alignment's."""
        learned, fixed = self.angles[SCHEMES[2]], self.angles[SCHEMES[1]]
        return (learned < fixed)[~np.isnan(learned) & ~np.isnan(fixed)]


def read(path: Path) -> dict[Key, dict[str, str]]:
    """The rows of a table, by what was run."""
    with path.open(encoding="utf-8", newline="") as stream:
        return {tuple(row[name] for name in SETTINGS): row for row in csv.DictReader(stream)}


def collected(path: Path) -> dict[Key, dict[str, str]]:
    """The rows of a sweep's ``results.csv`` that were run, in the form of the table."""
    rows = {}
    with path.open(encoding="utf-8", newline="") as stream:
        for run in csv.DictReader(stream):
            if run["status"] not in ("finished", "diverged"):
                continue
            hidden = json.loads(run["network.hidden"])
            given = (run["variant"] or "digits", len(hidden), hidden[0], run["network.neuron.activation"])
            key = tuple(map(str, (*given, run["scheme.kind"], run["seed"])))
            angles = {layer: _rounded(run.get(f"{layer}.signal_angle_deg", "")) for layer in LAYERS}
            right = _rounded(run.get("test_accuracy", ""))
            numbers = {"hash": hash_of(*key[:-1]), "status": run["status"], "test_accuracy": right, **angles}
            rows[key] = dict(zip(SETTINGS, key, strict=True)) | numbers
    return rows


@functools.cache
def hash_of(data: str, depth: str, width: str, activation: str, scheme: str) -> str:
    """The hash of a cell's settings with the defaults as they are."""
    hidden = f"network.hidden={[int(width)] * int(depth)}"
    settings = [hidden, f"network.neuron.activation='{activation}'", f"scheme.kind='{scheme}'"]
    return load("untuned/defaults", settings, () if data == "digits" else (data,)).hash


def found(folder: Path) -> dict[Key, dict[str, str]]:
    """The finished runs in a folder that are runs of a cell, in the form of the table."""
    rows = {}
    for path in sorted(each.parent for each in folder.glob("*/summary.json")):
        written = tomllib.loads((path / "config.toml").read_text(encoding="utf-8"))
        given = json.loads((path / "summary.json").read_text(encoding="utf-8"))
        task, hidden, kind = written["task"], written["network"]["hidden"], written["scheme"]["kind"]
        data = {"teacher_student": "teacher", "table": Path(task.get("path", "")).stem}.get(task["kind"], task["kind"])
        activation = written["network"]["neuron"]["activation"]
        shape = len(hidden) in DEPTHS and hidden[0] in WIDTHS
        key = tuple(map(str, (data, len(hidden), hidden[0], activation, kind, given["seed"])))
        if kind not in SCHEMES or not shape or hash_of(*key[:-1]) != given["config_hash"]:
            continue
        angles = {name: _rounded(numbers["signal_angle_deg"]) for name, numbers in given["layers"].items()}
        numbers = {
            "hash": given["config_hash"],
            "status": "finished",
            "test_accuracy": _rounded(given["test_accuracy"]),
            **angles,
        }
        rows[key] = dict(zip(SETTINGS, key, strict=True)) | numbers
    return rows


def compared(rows: Mapping[Key, Mapping[str, str]]) -> dict[Cell, Compared]:
    """The cells that are complete, with the seeds that all three schemes have."""
    cells: dict[Cell, dict[str, dict[str, Mapping[str, str]]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows.values():
        cell = row["data"], int(row["depth"]), int(row["width"]), row["activation"]
        cells[cell][row["seed"]][row["scheme"]] = row
    complete = {}
    for cell, seeds in cells.items():
        whole = [schemes for schemes in seeds.values() if set(schemes) == set(SCHEMES)]
        if whole:
            complete[cell] = _compared(whole, cell[1])
    return complete


def _compared(seeds: list[dict[str, Mapping[str, str]]], depth: int) -> Compared:
    diverged = {scheme: sum(each[scheme]["status"] == "diverged" for each in seeds) for scheme in SCHEMES}
    sound = [each for each in seeds if all(row["status"] == "finished" for row in each.values())]
    accuracy, angles = {}, {}
    for scheme in SCHEMES:
        right = [_number(each[scheme]["test_accuracy"]) for each in sound]
        accuracy[scheme] = float(np.mean(right)) if right else math.nan
        layers = [[_number(each[scheme][layer]) for layer in LAYERS[:depth]] for each in sound]
        angles[scheme] = np.mean(layers, axis=0) if layers else np.full(depth, math.nan)
    return Compared(len(seeds), diverged, accuracy, angles)


def summary(cells: Mapping[Cell, Compared]) -> str:
    """What the table says, as Markdown: how much of it there is, the targets, and where it falls short."""
    seeds = [cell.seeds for cell in cells.values()]
    few = f"{min(seeds)}" if min(seeds) == max(seeds) else f"{min(seeds)} to {max(seeds)}"
    lines = [
        f"{len(cells)} of {CELLS} cells are complete, with {few} of 5 seeds ({3 * sum(seeds)} of {15 * CELLS} runs).",
        "",
        "| target | found | met |",
        "| --- | --- | --- |",
        *_targets(cells),
        "",
        "Learned feedback less backpropagation in points of test accuracy (mean over cells, with its 95 % interval or, "
        "of fewer than five, its range), cells "
        f"within {POINTS:g} points, hidden layers whose angle is below feedback alignment's, and the same difference "
        "for feedback alignment:",
        "",
        "| cells | number | difference | within | layers nearer | feedback alignment's difference |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    parts = (("all", lambda cell: True), *_parts())
    lines += [_line(name, [each for cell, each in cells.items() if member(cell)]) for name, member in parts]
    return "\n".join(line for line in lines if line is not None)


def _targets(cells: Mapping[Cell, Compared]) -> list[str]:
    every, asked = list(cells.values()), f"{SHARE:g} %"
    diverged = [sum(cell.diverged[scheme] > 0 for cell in every) for scheme in SCHEMES]
    near = _percent(cell.behind() >= -POINTS for cell in every)
    whole = _percent(bool(cell.nearer.all()) for cell in every if cell.nearer.size)
    layers = _percent(np.concatenate([cell.nearer for cell in every]))
    yet = "" if len(cells) == CELLS else ", of these"

    def met(holds: bool) -> str:
        return f"{'yes' if holds else 'no'}{yet}"

    return [
        f"| no divergence | {diverged[2]} cells (feedback alignment {diverged[1]}, backpropagation {diverged[0]}) | "
        f"{met(not diverged[2])} |",
        f"| within {POINTS:g} points of backpropagation in {asked} of cells | {near:.0f} % | {met(near >= SHARE)} |",
        f"| angle below feedback alignment's in {asked} of hidden layers | {layers:.0f} % | {met(layers >= SHARE)} |",
        f"| the same in every hidden layer of {asked} of cells | {whole:.0f} % | {met(whole >= SHARE)} |",
    ]


def _parts() -> list[tuple[str, Callable[[Cell], bool]]]:
    """Names of parts of the table, each with the test whether a cell is in it."""
    parts: list[tuple[str, Callable[[Cell], bool]]] = [
        (name, lambda cell, name=name: cell[3] == name) for name in ACTIVATIONS
    ]
    parts += [(f"depth {depth}", lambda cell, depth=depth: cell[1] == depth) for depth in DEPTHS]
    parts += [(f"width {width}", lambda cell, width=width: cell[2] == width) for width in WIDTHS]
    return parts + [(name, lambda cell, name=name: cell[0] == name) for name in DATA]


def _line(name: str, cells: list[Compared]) -> str | None:
    if not cells:
        return None
    sound = [cell for cell in cells if not any(cell.diverged.values())]
    learned, fixed = (interval([cell.behind(scheme) for cell in sound]).text_of_few(1) for scheme in SCHEMES[2:0:-1])
    near = _percent(cell.behind() >= -POINTS for cell in cells)
    layers = _percent(np.concatenate([cell.nearer for cell in cells]))
    return f"| {name} | {len(cells)} | {learned} | {near:.0f} % | {layers:.0f} % | {fixed} |"


def figure_of(cells: Mapping[Cell, Compared]) -> Figure:
    """By depth, one column an activation: accuracy less backpropagation's, and angles, mean over layers."""
    figure = Figure(figsize=(10, 5.4), layout="constrained")
    axes = figure.subplots(2, len(ACTIVATIONS), sharex=True, sharey="row")
    for column, activation in enumerate(ACTIVATIONS):
        for number, scheme in enumerate(SCHEMES[:0:-1]):
            shown = [(cell[1], each) for cell, each in cells.items() if cell[3] == activation]
            at = [DEPTHS.index(depth) + 0.3 * (number - 0.5) for depth, _ in shown]
            style = {"color": COLOURS[number], "markersize": 3, "alpha": 0.6, "label": scheme.replace("_", " ")}
            axes[0, column].plot(at, [each.behind(scheme) for _, each in shown], "o", **style)
            axes[1, column].plot(at, [np.nanmean(each.angles[scheme]) for _, each in shown], "o", **style)
        axes[0, column].axhline(-POINTS, color="0.6", linewidth=0.8)
        axes[0, column].set_title(activation, fontsize=9)
        axes[1, column].set_xlabel("hidden layers")
        axes[1, column].set_xticks(range(len(DEPTHS)), [str(depth) for depth in DEPTHS])
        axes[1, column].set_xlim(-0.5, len(DEPTHS) - 0.5)
        for ax in axes[:, column]:
            tidy(ax)
    axes[0, 0].set_ylabel("test accuracy less\nbackpropagation's (points)")
    axes[1, 0].set_ylabel("angle to the gradient,\nmean over layers (degrees)")
    axes[0, 0].legend(frameon=False, fontsize=8, loc="lower left")
    return figure


def _rounded(number: str | float | None) -> str:
    return "" if math.isnan(_number(number)) else f"{_number(number):.2f}"


def _number(given: str | float | None) -> float:
    """A number of a table or a summary; NaN where there is none."""
    return math.nan if given in ("", None) else float(given)


def _percent(true: Iterable[object]) -> float:
    return 100 * float(np.mean(np.array(list(true), dtype=float)))


def main(files: Iterable[str]) -> None:
    """Read, merge, and write table, summary and figure."""
    kept = read(TABLE) if TABLE.is_file() else {}
    rows = {key: row for key, row in kept.items() if row.get("hash") == hash_of(*key[:-1])}
    for file in files:
        rows |= found(Path(file)) if Path(file).is_dir() else collected(Path(file))
    columns = (*SETTINGS, "hash", "status", "test_accuracy", *LAYERS)
    order = (DATA.index, int, int, ACTIVATIONS.index, SCHEMES.index, int)
    keys = sorted(rows, key=lambda key: tuple(place(part) for place, part in zip(order, key, strict=True)))
    lines = [",".join(columns), *(",".join(rows[key].get(name, "") for name in columns) for key in keys)]
    write_file(TABLE, "\n".join(lines) + "\n")
    cells = compared(rows)
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    write_file(README, f"{before}{BEGIN}\n\n{summary(cells)}\n\n{END}{rest.partition(END)[2]}")
    save_figure(figure_of(cells), Path(__file__).with_name("images") / "untuned.png")


if __name__ == "__main__":
    main(sys.argv[1:])
