"""Draw ``docs/images/feedback_cost.png``: what learned feedback costs, and what noise makes of it.

``python docs/feedback_cost_figure.py`` runs the sweeps ``cost``, ``reward`` and ``correlated`` of
``models/lansdell2020`` and ``noise`` of ``models/untuned`` into ``runs`` (some ten minutes; finished runs are reused),
draws the figure, and prints each number with its interval beside the law.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import neurosim
from neurosim.plots import COLOURS, tidy
from neurosim.plots.figures import save_figure
from neurosim.studies.statistics import interval

MODELS = Path(__file__).parents[1] / "models"
#: Standard deviation of the noise on the targets of `cost`, and the outputs it has unless a sweep says otherwise.
TARGET_NOISE, OUTPUTS = 10.0, 10
#: Presentations between two looks, of which half is waited for in the mean.
LOOK = 20
#: What is measured: a name, the law or NaN, and a value a seed.
Row = tuple[str, float, Sequence[float]]
#: By a name, rows by what is varied.
Kinds = Mapping[str, Mapping[float, Row]]


def measured(name: str) -> xarray.Dataset:
    """The results of a sweep, with one dim ``run`` besides the seeds."""
    folder, _, stem = name.partition("/")
    found = neurosim.sweep(MODELS / folder / "sweeps" / f"{stem}.toml", out=Path("runs") / stem, workers=1)
    keys = [str(dim) for dim in found.metric.dims if dim not in ("seed", "run")]
    return found.stack(run=keys).reset_index("run") if keys else found


def value(run: xarray.Dataset, key: str, default: Any) -> Any:
    """A setting of one run, or what the model has where the sweep leaves it."""
    given = run[key].item() if key in run.coords else ""
    if given == "" or (isinstance(given, float) and math.isnan(given)):
        return default
    return json.loads(given) if isinstance(given, str) and given.startswith("[") else given


def neurons(run: xarray.Dataset) -> int:
    """The size of the hidden layer."""
    return value(run, "network.hidden", [40])[0]


def cost_rows(results: xarray.Dataset) -> dict[str, dict[float, Row]]:
    """By estimator, then by the number of perturbed neurons; ``outputs``: by that of outputs."""
    kinds: dict[str, dict[float, Row]] = {"least squares": {}, "default": {}, "own responses": {}, "outputs": {}}
    for number in results.run.values:
        run = results.sel(run=number)
        n, m = neurons(run), int(value(run, "task.n_outputs", OUTPUTS))
        law, values = float((n + 1) * (m + 2) + LOOK / 2), run.metric.values
        if value(run, "variant", "") == "vector":
            kinds["own responses"][n] = (f"own responses, {n} neurons", float(n + 1), values)
        elif value(run, "scheme.estimator", "") == "growing_memory":
            # Steps divided by the error's power: all trials count alike, which leaves m of m + 2.
            kinds["default"][n] = (f"the default, {n} neurons", float((n + 1) * m + LOOK / 2), values)
        else:
            row = (f"least squares, {n} neurons, {m} outputs", law, values)
            if m == OUTPUTS:
                kinds["least squares"][n] = row
            if n == 160:
                kinds["outputs"][m] = row
    return kinds


def reward_rows(results: xarray.Dataset, n: int = 40, m: int = OUTPUTS) -> dict[str, dict[float, Row]]:
    """By where the reward's noise comes from, then by how much more than with a clean reward the law asks for.

    Changes of other trials' losses have nothing to do with a trial's own error, whose length makes m + 2 of m. The
    whole loss is half the square of that error, whose components have the variance v: sixth moments of the normal law
    make (m + 4)*v/(2*sigma**2) of it.
    """
    kinds: dict[str, dict[float, Row]] = {"summed over a batch": {}, "no clean pass": {}}
    for number in results.run.values:
        run = results.sel(run=number)
        if value(run, "scheme.baseline", "") == "running":
            sigma = float(value(run, "network.neuron.sigma", math.nan))
            kind, name, added = (
                "no clean pass",
                f"no clean pass, sigma {sigma:g}",
                (m + 4) * (TARGET_NOISE / sigma) ** 2 / 2,
            )
        else:
            batch = int(value(run, "probe.batch_size", 0))
            kind, name, added = "summed over a batch", f"reward of a batch of {batch}", m * (batch - 1)
        law = (n + 1) * (m + 2 + added) + LOOK / 2
        kinds[kind][1 + added / (m + 2)] = (name, law, run.metric.values)
    return kinds


def correlated_rows(results: xarray.Dataset) -> dict[str, dict[float, Row]]:
    """By the size of the layer, then by the correlation of its noise."""
    kinds: dict[str, dict[float, Row]] = {}
    for number in results.run.values:
        run = results.sel(run=number)
        n, correlation = neurons(run), float(value(run, "network.noise_correlation", 0.0))
        limit = math.degrees(math.atan(correlation * math.sqrt(n - 1)))
        row = (f"{n} neurons, correlation {correlation:g}", limit, run.metric.values)
        kinds.setdefault(f"{n} neurons", {})[correlation] = row
    return kinds


def noise_rows(results: xarray.Dataset) -> dict[str, dict[float, Row]]:
    """By depth, then by the noise of each neuron: angles to the gradient, mean over the hidden layers."""
    kinds: dict[str, dict[float, Row]] = {}
    for number in results.run.values:
        run = results.sel(run=number)
        depth, sigma = len(value(run, "network.hidden", [])), float(value(run, "network.neuron.sigma", math.nan))
        angles = run.signal_angle_deg.sel(layer=[f"hidden{n}" for n in range(1, depth + 1)]).mean("layer")
        right = interval(run.test_accuracy.values.tolist())
        name = f"{depth} layers, sigma {sigma:g} (test accuracy {right} %), angle"
        kinds.setdefault(f"{depth} layers", {})[sigma] = (name, math.nan, angles.values)
    return kinds


def points(ax: Axes, rows: Mapping[float, Row], colour: str, label: str, *, law: bool = True) -> None:
    """A dot for each seed, and a line for the law."""
    at = sorted(rows)
    for x in at:
        values = rows[x][2]
        ax.plot([x] * len(values), values, "o", color=colour, markersize=3, label=label if x == at[0] else None)
    if law:
        ax.plot(at, [rows[x][1] for x in at], "-", color=colour, linewidth=1, alpha=0.7)


def figure_of(cost: Kinds, reward: Kinds, correlated: Kinds, noise: Kinds) -> Figure:
    """Four panels: the number of neurons, noise of the reward, noise that neurons share, and the size of noise."""
    figure = Figure(figsize=(9, 6.6), layout="constrained")
    axes = figure.subplots(2, 2).flat
    for number, kind in enumerate(("least squares", "default", "own responses")):
        points(axes[0], cost[kind], COLOURS[number], kind)
    axes[0].set_xlabel("perturbed neurons")
    for number, (kind, rows) in enumerate(reward.items()):
        points(axes[1], rows, COLOURS[number], kind)
    axes[1].set_xlabel("noise of the reward (1: change of the own loss)")
    for ax, ticks in zip(axes[:2], ((40, 80, 160, 320, 640), (2, 5, 10, 20, 50)), strict=True):
        ax.set(xscale="log", yscale="log", ylabel="presentations to 45 degrees")
        ax.set_xticks(ticks, [str(tick) for tick in ticks])
        ax.set_xticks([], minor=True)
    for number, (kind, rows) in enumerate(correlated.items()):
        at = {max(correlation, 0.001): row for correlation, row in rows.items()}
        points(axes[2], at, COLOURS[number], kind, law=False)
        grid = np.geomspace(0.001, 0.3, 60)
        limit = np.degrees(np.arctan(grid * math.sqrt(int(kind.split()[0]) - 1)))
        axes[2].plot(grid, limit, "-", color=COLOURS[number], linewidth=1, alpha=0.7)
    axes[2].set(xscale="log", xlabel="correlation of noise (0 at the left edge)", ylim=(0, 90))
    axes[2].set_ylabel("feedback to transposed weights (degrees)")
    for number, (kind, rows) in enumerate(noise.items()):
        points(axes[3], rows, COLOURS[number], kind, law=False)
    axes[3].set(xscale="log", xlabel="standard deviation of each neuron's noise", ylim=(0, 90))
    axes[3].set_ylabel("signal to gradient, digits (degrees)")
    for ax in axes:
        ax.legend(frameon=False, fontsize=8)
        tidy(ax)
    return figure


def main() -> None:
    """Run, draw and print."""
    paper = "lansdell2020"
    kinds = (
        cost_rows(measured(f"{paper}/cost")),
        reward_rows(measured(f"{paper}/reward")),
        correlated_rows(measured(f"{paper}/correlated")),
        noise_rows(measured("untuned/noise")),
    )
    save_figure(figure_of(*kinds), Path(__file__).with_name("images") / "feedback_cost.png")
    for rows in (each for tables in kinds for each in tables.values()):
        for _, (name, law, values) in sorted(rows.items()):
            beside = "" if math.isnan(law) else f", law {law:.4g}"
            print(f"{name}: {interval(list(values))} ({len(values)} seeds){beside}")


if __name__ == "__main__":  # worker processes import this file
    main()
