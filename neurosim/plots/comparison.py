"""Several models beside each other: learning curves with bands, and angles by layer."""

from __future__ import annotations

import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurosim.plots._style import COLOURS, label, tidy


def comparison_figure(curves: xarray.Dataset, angles: xarray.Dataset | None, *, quantity: str, angle: str) -> Figure:
    """Learning curves on the left, angles at the end on the right, where they were measured.

    Parameters
    ----------
    curves
        `quantity` and its ``half_width`` over ``model`` and ``presentations``.
    angles
        `angle` and its ``half_width`` over ``model`` and ``layer``, or ``None``.
    quantity, angle
        Names of the variables.
    """
    figure = Figure(figsize=(4.6 if angles is None else 9.2, 3.6), layout="constrained")
    axes = figure.subplots(1, 1 if angles is None else 2, squeeze=False)[0]
    learning_bands(curves, axes[0], quantity=quantity)
    if angles is not None:
        angles_by_layer(angles, axes[1], angle=angle)
    return figure


def learning_bands(curves: xarray.Dataset, ax: Axes, *, quantity: str) -> Axes:
    """Draw each model's mean over the presentations, with a band for the interval; see `comparison_figure`."""
    for number, model in enumerate(curves.model.values):
        course = curves.sel(model=model).dropna("presentations", subset=[quantity])
        colour = COLOURS[number % len(COLOURS)]
        ax.plot(course.presentations, course[quantity], color=colour, linewidth=1.8, label=str(model))
        low, high = course[quantity] - course.half_width, course[quantity] + course.half_width
        ax.fill_between(course.presentations, low, high, color=colour, alpha=0.2, linewidth=0)
    if curves[quantity].attrs.get("units") == "%":
        # Intervals of few seeds reach beyond what a percentage can be.
        ax.set_ylim(0, 102)
    ax.set_xlabel("presentations")
    ax.set_ylabel(label(curves[quantity]))
    ax.legend(frameon=False)
    return tidy(ax)


def angles_by_layer(angles: xarray.Dataset, ax: Axes, *, angle: str) -> Axes:
    """Draw each model's angle in each layer, with its interval, and chance; see `comparison_figure`."""
    shown = angles.dropna("layer", how="all", subset=[angle])
    models = list(shown.model.values)
    ax.axhline(90, color="0.4", linewidth=1, linestyle=":")
    for number, model in enumerate(models):
        own = shown.sel(model=model)
        places = [layer + 0.6 * ((number + 0.5) / len(models) - 0.5) for layer in range(shown.sizes["layer"])]
        half = own.half_width.fillna(0)
        ax.errorbar(
            places, own[angle], half, fmt="o", capsize=3, color=COLOURS[number % len(COLOURS)], label=str(model)
        )
    ax.set_xticks(range(shown.sizes["layer"]), [str(layer) for layer in shown.layer.values])
    ax.set_xlim(-0.5, shown.sizes["layer"] - 0.5)
    ax.set_ylim(0, max(100.0, 1.03 * float(shown[angle].max())) if shown[angle].size else 100.0)
    ax.set_ylabel(label(angles[angle]))
    ax.legend(frameon=False)
    return tidy(ax)
