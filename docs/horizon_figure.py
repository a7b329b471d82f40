"""Draw ``docs/images/horizon.png`` from the runs of the sweep `learned_in_time/sweeps/horizon.toml`.

``neurosim sweep models/learned_in_time/sweeps/horizon.toml --out runs/horizon``, then ``python docs/horizon_figure.py
runs/horizon``.
"""

from __future__ import annotations

import sys
import tomllib
from collections import defaultdict
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from neurosim.plots import COLOURS, tidy
from neurosim.plots.figures import save_figure
from neurosim.runs.run_result import open_run

GAMMAS = (0.0, 0.8, 0.95)
CONDITIONS = ((0.9, 0.8), (0.0, 0.8), (0.9, 1.2), (0.0, 1.2))


def angles(folder: Path) -> dict[tuple[float, float], dict[str, list[float]]]:
    """By correlation and gain: angles to the gradient over seeds, by kind of feedback."""
    by_condition: dict[tuple[float, float], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted((folder / "runs").iterdir()):
        settings = tomllib.loads((path / "config.toml").read_text(encoding="utf-8"))
        numbers = open_run(path, figures=False).summary["probe"]
        condition = (settings["task"]["correlation"], settings["network"]["gain"])
        gamma = settings["scheme"]["gamma"]
        by_condition[condition][f"{gamma:g}"].append(numbers["hidden1.update_angle_deg"])
        if gamma == GAMMAS[-1]:
            by_condition[condition]["symmetric"].append(numbers["hidden1.immediate_update_angle_deg"])
    return by_condition


def figure_of(by_condition: dict[tuple[float, float], dict[str, list[float]]]) -> Figure:
    """A panel for each condition, a dot for each seed and a bar for their mean."""
    figure = Figure(figsize=(10, 3.2), layout="constrained")
    names = ["symmetric", *(f"{gamma:g}" for gamma in GAMMAS)]
    shown = ["symmetric", *(f"gamma {gamma:g}" for gamma in GAMMAS)]
    axes = figure.subplots(1, len(CONDITIONS), sharey=True)
    for ax, condition in zip(axes, CONDITIONS, strict=True):
        for place, name in enumerate(names):
            values = np.array(by_condition[condition][name])
            colour = COLOURS[6] if name == "symmetric" else COLOURS[place - 1]
            ax.bar(place, values.mean(), color=colour, alpha=0.35, width=0.7)
            ax.plot(place + np.linspace(-0.15, 0.15, len(values)), values, "o", color=colour, markersize=4)
        ax.set_xticks(range(len(names)), shown, fontsize=8, rotation=30, ha="right")
        ax.set_xlabel("feedback: symmetric, or learned", fontsize=8)
        ax.set_title(f"correlation {condition[0]:g}, gain {condition[1]:g}", fontsize=9)
        tidy(ax)
    axes[0].set_ylabel("update to the gradient (degrees)")
    return figure


if __name__ == "__main__":
    save_figure(figure_of(angles(Path(sys.argv[1]))), Path(__file__).with_name("images") / "horizon.png")
