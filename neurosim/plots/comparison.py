"""Several models beside each other: learning curves with bands, and angles by layer."""

from __future__ import annotations

from typing import Literal

import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from neurosim.plots._arguments import drawing
from neurosim.plots._style import COLOURS, label, tidy

Line = Literal["-", "--", ":"]

# Line styles and markers, for more models than colours.
_LINES: tuple[Line, ...] = ("-", "--", ":")
_MARKERS = ("o", "s", "^")
# Bands of more models than this hide the lines.
_FEW = len(COLOURS)


@drawing()
def comparison_figure(curves: xarray.Dataset, angles: xarray.Dataset | None, *, quantity: str, angle: str) -> Figure:
    """Learning curves on the left, angles at the end on the right, where they were measured; one legend beside them.

    Parameters
    ----------
    curves
        `quantity` and its ``half_width`` over ``model`` and ``presentations``.
    angles
        `angle` and its ``half_width`` over ``model`` and ``layer``, or ``None``.
    quantity, angle
        Names of the variables.
    """
    count = curves.sizes["model"]
    # Each model needs some width in each layer of the angles, and a line of the legend.
    widths = [4.6] if angles is None else [4.6, 4.6 + 0.06 * angles.sizes["layer"] * max(0, count - _FEW)]
    figure = Figure(figsize=(sum(widths) + 1.6, max(3.6, 0.8 + 0.22 * count)), layout="constrained")
    axes = figure.subplots(1, len(widths), squeeze=False, width_ratios=widths)[0]
    learning_bands(curves, axes[0], quantity=quantity)
    if angles is not None:
        angles_by_layer(angles, axes[1], angle=angle)
    # One line stands for a model's curve and for its angles.
    handles = []
    for number, model in enumerate(curves.model.values):
        colour, line, marker = _look(number)
        marker = "" if angles is None else marker
        handles.append(Line2D([], [], color=colour, linestyle=line, marker=marker, label=str(model)))
    figure.legend(handles=handles, loc="outside right upper", frameon=False)
    return figure


@drawing()
def learning_bands(curves: xarray.Dataset, ax: Axes, *, quantity: str) -> Axes:
    """Draw each model's mean over the presentations, with a band for the interval; see `comparison_figure`."""
    opacity = 0.2 if curves.sizes["model"] <= _FEW else 0.06
    for number, model in enumerate(curves.model.values):
        course = curves.sel(model=model).dropna("presentations", subset=[quantity])
        colour, line, _ = _look(number)
        ax.plot(course.presentations, course[quantity], line, color=colour, linewidth=1.6, label=str(model))
        low, high = course[quantity] - course.half_width, course[quantity] + course.half_width
        ax.fill_between(course.presentations, low, high, color=colour, alpha=opacity, linewidth=0)
    if curves[quantity].attrs.get("units") == "%":
        # With few seeds, intervals exceed the range of percentages.
        ax.set_ylim(0, 102)
    counted = curves.presentations.values[curves.presentations.values > 0]
    if len(counted) and counted.max() > 10 * counted.min():
        # Logarithmic, since presentations differ by factors; zero stays visible.
        ax.set_xscale("symlog", linthresh=float(counted.min()))
        ax.set_xlim(0, counted.max())
    ax.set_xlabel("presentations")
    ax.set_ylabel(label(curves[quantity]))
    return tidy(ax)


@drawing()
def angles_by_layer(angles: xarray.Dataset, ax: Axes, *, angle: str) -> Axes:
    """Draw each model's angle in each layer, with its interval, and chance; see `comparison_figure`."""
    shown = angles.dropna("layer", how="all", subset=[angle])
    models = list(shown.model.values)
    ax.axhline(90, color="0.4", linewidth=1, linestyle=":")
    for number, model in enumerate(models):
        own = shown.sel(model=model)
        places = [layer + 0.8 * ((number + 0.5) / len(models) - 0.5) for layer in range(shown.sizes["layer"])]
        colour, _, marker = _look(number)
        half = own.half_width.fillna(0)
        ax.errorbar(places, own[angle], half, fmt=marker, markersize=5, capsize=2, color=colour, label=str(model))
    ax.set_xticks(range(shown.sizes["layer"]), [str(layer) for layer in shown.layer.values])
    ax.set_xlim(-0.5, shown.sizes["layer"] - 0.5)
    ax.set_ylim(0, max(100.0, 1.03 * float(shown[angle].max())) if shown[angle].size else 100.0)
    ax.set_ylabel(label(angles[angle]))
    return tidy(ax)


def _look(number: int) -> tuple[str, Line, str]:
    """Colour, line and marker of a model."""
    cycle = number // len(COLOURS)
    return COLOURS[number % len(COLOURS)], _LINES[cycle % len(_LINES)], _MARKERS[cycle % len(_MARKERS)]
