"""Several models beside each other: learning curves against what they cost, angles by layer, and paired differences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from neurosim.plots._arguments import drawing
from neurosim.plots._style import COLOURS, label, tidy

# Dashes and markers, which tell models apart without colours; their numbers have no common factor with each other, so
# that every model has a look of its own.
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 1.5, 1, 1.5)), (0, (2, 1)))
_MARKERS = ("o", "s", "^", "D", "v", "P")
# Bands of more models than this hide the lines.
_FEW = len(COLOURS)
#: Fewer seeds than this are drawn one by one: their interval would be mostly guessed.
ENOUGH_SEEDS = 5
_COSTS = ("presentations", "reward_samples", "seconds")


@drawing()
def comparison_figure(
    curves: xarray.Dataset,
    angles: xarray.Dataset | None,
    *,
    quantity: str,
    angle: str,
    differences: xarray.Dataset | None = None,
    chance: float | None = None,
) -> Figure:
    """Learning curves above; angles at the end, paired differences and the legend below.

    Parameters
    ----------
    curves
        `quantity` and what it has cost, ``presentations``, ``reward_samples`` and ``seconds``, over ``model``,
        ``seed`` and ``epoch``; a cost that no model has is left out.
    angles
        `angle` in degrees over ``model``, ``layer`` and ``seed``, or ``None``.
    quantity, angle
        Names of the variables.
    differences
        ``difference`` over ``model`` and ``pair``, with its ``mean`` and the ends ``low`` and ``high`` of an interval
        over ``model``; models are some of those of the curves.
    chance
        The quantity where nothing is learned.
    """
    models = [str(model) for model in curves.model.values]
    costs = [cost for cost in _COSTS if cost in curves and (curves[cost] > 0).any()]
    below = [name for name, given in (("angles", angles), ("differences", differences)) if given is not None]
    widths = [4.0 + (0.06 * angles.sizes["layer"] * max(0, len(models) - _FEW) if angles is not None else 0.0)]
    rows = 0 if differences is None else differences.sizes["model"]
    # A line of the legend for each model, and a row with its name for each difference.
    height = 3.3 + max(3.3 if below else 0.0, 0.7 + 0.22 * len(models), 0.8 + 0.42 * rows)
    figure = Figure(figsize=(max(3.9 * len(costs), widths[0] + 6.2), height), layout="constrained")
    halves = figure.add_gridspec(2, 1, height_ratios=[3.3, height - 3.3])
    above, under = figure.add_subfigure(halves[0]), figure.add_subfigure(halves[1])
    for ax, cost in zip(np.atleast_1d(above.subplots(1, len(costs), sharey=True)), costs, strict=True):
        learning_bands(curves, ax, quantity=quantity, over=cost, chance=chance)
        if cost != costs[0]:
            ax.set_ylabel("")
    ratios = [widths[0] if name == "angles" else 3.4 for name in below]
    panels = np.atleast_1d(under.subplots(1, len(below) + 1, width_ratios=[*ratios, 2.2]))
    for name, ax in zip(below, panels, strict=False):
        if angles is not None and name == "angles":
            angles_by_layer(angles, ax, angle=angle)
        elif differences is not None:
            paired_differences(differences, ax, models=models)
    _legend(panels[-1], models, caption=_caption(curves))
    return figure


@drawing()
def learning_bands(
    curves: xarray.Dataset, ax: Axes, *, quantity: str, over: str = "presentations", chance: float | None = None
) -> Axes:
    """Draw each model's mean over the seeds against a cost, with the 95 % interval, or with every seed where few.

    Parameters
    ----------
    curves, quantity, chance
        See `comparison_figure`.
    ax
        Where to draw.
    over
        The cost.
    """
    from scipy.stats import t

    percent = curves[quantity].attrs.get("units") == "%"
    opacity = 0.18 if curves.sizes["model"] <= _FEW else 0.06
    for number, model in enumerate(curves.model.values):
        colour, dashes, _ = _look(number)
        of_model = curves.sel(model=model).dropna("seed", how="all", subset=[quantity])
        values, at = of_model[quantity].values, of_model[over].values
        known = np.isfinite(values).any(0) & np.isfinite(at).any(0) if len(values) else np.zeros(0, bool)
        if not known.any():
            continue
        values, at = values[:, known], np.nanmean(at[:, known], axis=0)
        mean = np.nanmean(values, axis=0)
        if len(values) >= ENOUGH_SEEDS:
            half = t.ppf(0.975, len(values) - 1) * np.nanstd(values, axis=0, ddof=1) / math.sqrt(len(values))
            # An interval of percentages may exceed what there is.
            low, high = (np.clip(end, 0, 100) if percent else end for end in (mean - half, mean + half))
            ax.fill_between(at, low, high, color=colour, alpha=opacity, linewidth=0)
        elif len(values) > 1:
            ax.plot(at, values.T, color=colour, linewidth=0.6, alpha=0.6)
        ax.plot(at, mean, linestyle=dashes, color=colour, linewidth=1.7, label=str(model))
    if percent:
        ax.set_ylim(0, 102)
    if chance is not None:
        _mark_chance(ax, chance)
    _spread(ax, curves[over].values)
    ax.set_xlabel(label(curves[over]))
    ax.set_ylabel(label(curves[quantity]))
    return tidy(ax)


@drawing()
def angles_by_layer(angles: xarray.Dataset, ax: Axes, *, angle: str) -> Axes:
    """Draw each model's angle in each layer, mean and every seed, and chance; see `comparison_figure`."""
    shown = angles.dropna("layer", how="all", subset=[angle])
    models = list(shown.model.values)
    _mark_chance(ax, 90.0)
    for number, model in enumerate(models):
        colour, _, marker = _look(number)
        for place, layer in enumerate(shown.layer.values):
            values = shown[angle].sel(model=model, layer=layer).values
            values = values[np.isfinite(values)]
            if not len(values):
                continue
            x = place + 0.8 * ((number + 0.5) / len(models) - 0.5)
            # Unclipped: an angle of 0 lies on the axis.
            ax.plot([x, x], [values.min(), values.max()], color=colour, linewidth=1.2, clip_on=False)
            ax.plot([x] * len(values), values, ".", color=colour, markersize=2.5, alpha=0.6, clip_on=False)
            ax.plot([x], [values.mean()], marker, color=colour, markersize=5, clip_on=False, label=str(model))
    ax.set_xticks(range(shown.sizes["layer"]), [str(layer) for layer in shown.layer.values])
    ax.set_xlim(-0.5, shown.sizes["layer"] - 0.5)
    ax.set_ylim(0, max(100.0, 1.03 * float(shown[angle].max())) if shown[angle].size else 100.0)
    ax.set_ylabel(label(angles[angle]))
    return tidy(ax)


@drawing()
def paired_differences(differences: xarray.Dataset, ax: Axes, *, models: list[str] | None = None) -> Axes:
    """Draw for each model the differences to the reference: each pair, the mean, and its interval if there is one.

    Parameters
    ----------
    differences
        See `comparison_figure`.
    ax
        Where to draw.
    models
        All models in the order of the figure, for colours and markers; by default those of the differences.
    """
    names = [str(model) for model in differences.model.values]
    ax.axvline(0, color="0.4", linewidth=1, linestyle=":")
    for row, name in enumerate(names):
        colour, _, marker = _look((models or names).index(name) if name in (models or names) else row)
        own = differences.isel(model=row)
        pairs = own.difference.values[np.isfinite(own.difference.values)]
        ax.plot(pairs, np.full(len(pairs), row + 0.2), "|", color=colour, markersize=7, alpha=0.7)
        if math.isfinite(float(own.low)):
            ax.plot([float(own.low), float(own.high)], [row, row], color=colour, linewidth=2)
        ax.plot([float(own["mean"])], [row], marker, color=colour, markersize=6)
    # Names stand above their rows: beside them they would take the width of the panel.
    for row, name in enumerate(names):
        ax.text(0.0, row - 0.18, name, transform=ax.get_yaxis_transform(), fontsize=8, color="0.25", va="bottom")
    ax.set_yticks([])
    # The first on top.
    ax.set_ylim(len(names) - 0.5, -0.6)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.set_xlabel(label(differences.difference))
    tidy(ax).grid(axis="x", alpha=0.25, linewidth=0.6)
    ax.spines["left"].set_visible(False)
    return ax


def _legend(ax: Axes, models: list[str], *, caption: str) -> None:
    """One line stands for a model's curves, angles and difference; below it what bands and bars are."""
    ax.axis("off")
    handles = []
    for number, model in enumerate(models):
        colour, dashes, marker = _look(number)
        handles.append(Line2D([], [], color=colour, linestyle=dashes, marker=marker, markersize=5, label=model))
    ax.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(-0.1, 1.0),
        frameon=False,
        handlelength=3.4,
        fontsize=9,
        title=caption,
        title_fontsize=8,
        alignment="left",
    )


def _caption(curves: xarray.Dataset) -> str:
    count = curves.sizes["seed"]
    if count >= ENOUGH_SEEDS:
        return f"mean and 95 % interval of {count} seeds;\ndots and ticks: single seeds"
    return f"mean of {count} seeds; thin lines, dots,\nticks: single seeds" if count > 1 else "one seed"


def _mark_chance(ax: Axes, value: float) -> None:
    ax.axhline(value, color="0.4", linewidth=1, linestyle=":", zorder=0)
    # Within the panel at its right end, above the line.
    ax.text(0.99, value + 0.8, "chance", transform=ax.get_yaxis_transform(), color="0.35", fontsize=7.5, ha="right")


def _spread(ax: Axes, spent: np.ndarray) -> None:
    """Choose the scale of a cost: logarithmic where models differ by factors, with zero and no colliding ticks."""
    counted = spent[np.isfinite(spent) & (spent > 0)]
    if not len(counted):
        return
    least, most = float(counted.min()), float(counted.max())
    if most <= 10 * least:
        ax.set_xlim(0, most)
        return
    # Zero, where learning begins, gets half as much width as a decade.
    ax.set_xscale("symlog", linthresh=least, linscale=0.5)
    ax.set_xlim(0, most)
    first = math.ceil(math.log10(least * 1.5))
    decades = [10.0**power for power in range(first, math.floor(math.log10(most)) + 1)]
    # Where no decade fits, a round number does.
    ticks = decades if len(decades) > 1 else [*decades, _rounded(most)] if _rounded(most) not in decades else decades
    ax.xaxis.set_major_locator(FixedLocator([0.0, *ticks]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _power_text(value)))
    ax.xaxis.set_minor_locator(NullLocator())


def _rounded(number: float) -> float:
    """The largest number of one digit that is no larger."""
    unit = 10.0 ** math.floor(math.log10(number))
    return math.floor(number / unit) * unit


def _power_text(value: float) -> str:
    """A number of one digit as a multiple of a power of ten; plainly where that is short."""
    if value == 0 or 1e-2 <= value < 1e4:
        return f"{value:g}"
    power = math.floor(math.log10(value) + 1e-9)
    factor = round(value / 10.0**power)
    return f"$10^{{{power}}}$" if factor == 1 else f"${factor}\\times 10^{{{power}}}$"


def _look(number: int) -> tuple[str, Any, str]:
    """Colour, dashes and marker of a model."""
    return COLOURS[number % len(COLOURS)], _DASHES[number % len(_DASHES)], _MARKERS[number % len(_MARKERS)]
