"""Alignment of the delivered signal with the true gradient, layer by layer, over the epochs."""

from __future__ import annotations

import xarray
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from neurosim.plots._arguments import drawing
from neurosim.plots._style import COLOURS, label, tidy

# Most measurements that are marked one by one.
_FEW = 12


@drawing()
def alignment(
    history: xarray.Dataset,
    ax: Axes,
    *,
    measure: str = "signal_angle_deg",
    style: str = "-",
    name: str = "",
) -> Axes:
    """Draw one number of each hidden layer over the epochs; angles with a line at 90 degrees, chance.

    Parameters
    ----------
    history
        History of a run; `measure` has the dims ``epoch`` and ``layer``.
    ax
        Where to draw.
    measure
        Which number.
    style
        Style of the lines, to draw several runs into the same Axes.
    name
        Name of the run, for the legend.
    """
    values = history[measure]
    shown = values.dropna("layer", how="all")
    angles = values.attrs.get("units") == "deg"
    if angles and not ax.lines:
        ax.axhline(90, color="0.4", linewidth=1, linestyle=":")
        ax.annotate("chance", (1, 90), (0, 2), ("axes fraction", "data"), "offset points", ha="right", color="0.4")
        worst = float(shown.max()) if shown.size else 0.0
        ax.set_ylim(0, max(100.0, 1.03 * worst))
        ax.set_yticks(range(0, 181 if worst > 120 else 91, 30))
    for number, layer in enumerate(values.layer.values):
        if layer not in shown.layer:
            continue
        course = shown.sel(layer=layer).dropna("epoch")
        text = f"{name}, {layer}" if name else str(layer)
        colour = COLOURS[number % len(COLOURS)]
        # With few points a line hides where they are; with one there is no line.
        marker = "o" if len(course) <= _FEW else ""
        ax.plot(course.epoch, course, style, color=colour, label=text, linewidth=1.8, marker=marker, markersize=4)
    last = float(history.epoch[-1]) or 1.0
    ax.set_xlim(min(ax.get_xlim()[0], -0.03 * last), max(ax.get_xlim()[1], 1.03 * last))
    ax.set_xlabel("epoch")
    ax.set_ylabel(label(values))
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    if ax.get_legend_handles_labels()[0]:
        ax.legend(frameon=False)
    else:
        ax.annotate("nothing is fed back", (0.5, 0.5), xycoords="axes fraction", ha="center", color="0.4")
    return tidy(ax)
