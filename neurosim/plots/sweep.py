"""Figures of a sweep: a line with a band over seeds, a heat map, or a panel for each key."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurosim.plots._arguments import drawing
from neurosim.plots._style import COLOURS, label, tidy

# Values that span a larger ratio get a logarithmic axis.
_DECADE = 10
# Most panels of a figure.
_MOST_PANELS = 12
_COLUMNS = 4
# Numbers are written into the cells of heat maps up to this size.
_MOST_CELLS = 80
_UNITS = {"second": ("ms", 1e3), "volt": ("mV", 1e3), "amp": ("nA", 1e9)}


@drawing()
def sweep_figure(results: xarray.Dataset) -> Figure | None:
    """The figure of a sweep, chosen by its keys; ``None`` if no run has its metric.

    Parameters
    ----------
    results
        As `neurosim.sweep` returns it: ``metric`` over ``seed`` and either the keys of a grid or ``run``.
    """
    metric = results.metric
    if not metric.notnull().any():
        return None
    best = results.attrs.get("direction")
    names = short_names(results)
    if "run" not in metric.dims:
        keys = [str(dim) for dim in metric.dims if dim != "seed"]
        if len(keys) == 1:
            figure = Figure(figsize=(5.2, 3.6), layout="constrained")
            seed_band(metric, figure.subplots(), name=names[keys[0]])
            return _titled(figure, results)
        if len(keys) == 2:
            sizes = [metric.sizes[key] for key in keys]
            figure = Figure(figsize=(2.4 + 0.75 * sizes[1], 1.8 + 0.5 * sizes[0]), layout="constrained")
            heat_map(metric.mean("seed"), figure.subplots(), names=names, direction=best)
            return _titled(figure, results)
        metric = metric.stack(run=keys).reset_index("run")
    keys = [key for key in names if key in metric.coords][:_MOST_PANELS]
    columns = min(len(keys), _COLUMNS)
    rows = -(-len(keys) // columns)
    figure = Figure(figsize=(3.2 * columns + 0.6, 2.9 * rows + 0.3), layout="constrained")
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for number, ax in enumerate(panels.flat):
        if number >= len(keys):
            ax.set_visible(False)
            continue
        scatter(metric, keys[number], ax, name=names[keys[number]], direction=best)
        if number % columns:
            ax.set_ylabel("")
    return _titled(figure, results)


@drawing()
def seed_band(metric: xarray.DataArray, ax: Axes, *, name: str = "") -> Axes:
    """Draw the mean over the seeds against the one key, with the band from the least to the greatest seed.

    Parameters
    ----------
    metric
        Over a key and ``seed``.
    ax
        Where to draw.
    name
        Name of the key; by default its path.
    """
    key = next(str(dim) for dim in metric.dims if dim != "seed")
    ordered = metric.sortby(key) if _numeric(metric[key]) else metric
    places = _place(ordered[key], ax, name or key)
    mean = ordered.mean("seed")
    ax.plot(places, mean, "-o", color=COLOURS[0], linewidth=1.6, markersize=4)
    if ordered.sizes["seed"] > 1:
        low, high = ordered.min("seed"), ordered.max("seed")
        ax.fill_between(places, low, high, color=COLOURS[0], alpha=0.2, linewidth=0)
        for seed in ordered.seed.values:
            ax.plot(places, ordered.sel(seed=seed), ".", color=COLOURS[0], markersize=3, alpha=0.6)
    ax.set_ylabel(label(metric))
    return tidy(ax)


@drawing()
def heat_map(
    mean: xarray.DataArray, ax: Axes, *, names: Mapping[str, str] | None = None, direction: str | None = None
) -> Axes:
    """Draw a metric over two keys: the first downwards, the second to the right; missing cells stay grey.

    Parameters
    ----------
    mean
        Mean over the seeds, with two dims.
    ax
        Where to draw.
    names
        Short names of the dims.
    direction
        ``maximize`` or ``minimize`` frames the best cell.
    """
    down, right = map(str, mean.dims)
    values = mean.values
    ax.set_facecolor("0.85")
    image = ax.pcolormesh(np.ma.masked_invalid(values), cmap="viridis", edgecolors="white", linewidth=0.6)
    for axis, key in ((ax.xaxis, right), (ax.yaxis, down)):
        texts, unit = _texts(mean[key])
        axis.set_ticks(np.arange(len(texts)) + 0.5, texts)
        axis.set_tick_params(length=0)
        axis.set_label_text((names or {}).get(key, key) + (f" ({unit})" if unit else ""))
    if len("".join(_texts(mean[right])[0])) > 9 * values.shape[1]:
        ax.tick_params(axis="x", rotation=30)
    known = values[np.isfinite(values)]
    if values.size <= _MOST_CELLS and known.size:
        middle = (known.min() + known.max()) / 2
        digits = 1 if known.max() >= 10 else 3
        for (row, column), value in np.ndenumerate(values):
            if np.isfinite(value):
                colour = "black" if value > middle else "white"
                ax.text(column + 0.5, row + 0.5, f"{value:.{digits}f}", ha="center", va="center", color=colour, size=8)
    if direction is not None and known.size:
        flat = np.nanargmax(values) if direction == "maximize" else np.nanargmin(values)
        row, column = np.unravel_index(flat, values.shape)
        frame = [column, column + 1, column + 1, column, column], [row, row, row + 1, row + 1, row]
        ax.plot(*frame, color=COLOURS[1], linewidth=2.2, clip_on=False)
    ax.invert_yaxis()
    ax.spines[:].set_visible(False)
    assert ax.figure is not None
    ax.figure.colorbar(image, ax=ax, label=label(mean))
    return ax


@drawing()
def scatter(metric: xarray.DataArray, key: str, ax: Axes, *, name: str = "", direction: str | None = None) -> Axes:
    """Draw each configuration's mean over the seeds against one of its keys, from the least to the greatest seed.

    Parameters
    ----------
    metric
        Over ``run`` and ``seed``, with the coordinate `key`.
    key
        What to draw against.
    ax
        Where to draw.
    name
        Name of the key; by default its path.
    direction
        ``maximize`` or ``minimize`` marks the best configuration.
    """
    places = _place(metric[key], ax, name or key)
    mean, low, high = metric.mean("seed"), metric.min("seed"), metric.max("seed")
    if metric.sizes["seed"] > 1:
        ax.vlines(places, low, high, color=COLOURS[0], alpha=0.4, linewidth=1)
    ax.plot(places, mean, "o", color=COLOURS[0], markersize=4, alpha=0.8)
    if direction is not None and mean.notnull().any():
        best = (np.nanargmax if direction == "maximize" else np.nanargmin)(mean.values)
        ax.plot(places[best], mean.values[best], "o", color=COLOURS[1], markersize=7, markerfacecolor="none", mew=2)
    ax.set_ylabel(label(metric))
    return tidy(ax)


@drawing()
def short_names(results: xarray.Dataset) -> dict[str, str]:
    """For each key the last part of its path, or the whole where two end alike."""
    keys = [str(name) for name in results.metric.coords if name not in ("seed", "run")]
    ends = [key.rpartition(".")[2] for key in keys]
    return {key: (end if ends.count(end) == 1 else key).replace("_", " ") for key, end in zip(keys, ends, strict=True)}


def _place(values: xarray.DataArray, ax: Axes, name: str) -> np.ndarray:
    """Positions of values on the horizontal axis, which is labelled."""
    if _numeric(values):
        factor, unit = _scale(values)
        places = values.values.astype(float) * factor
        known = places[np.isfinite(places)]
        if known.size and known.min() > 0 and known.max() >= _DECADE * known.min():
            ax.set_xscale("log")
        ax.set_xlabel(f"{name} ({unit})" if unit else name)
        return places
    texts = [str(text) or "-" for text in values.values]
    distinct = list(dict.fromkeys(texts))
    # Long names are rotated and end at their tick.
    turned = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if len("".join(distinct)) > 24 else {}
    ax.set_xticks(range(len(distinct)), distinct, **turned)
    ax.set_xlim(-0.5, len(distinct) - 0.5)
    ax.set_xlabel(name)
    return np.array([distinct.index(text) for text in texts], dtype=float)


def _texts(values: xarray.DataArray) -> tuple[list[str], str]:
    """Readable values of a dim, and their unit."""
    if not _numeric(values):
        return [str(text) or "-" for text in values.values], ""
    factor, unit = _scale(values)
    return [f"{float(value) * factor:.4g}" for value in values.values], unit


def _scale(values: xarray.DataArray) -> tuple[float, str]:
    unit = values.attrs.get("units", "1")
    name, factor = _UNITS.get(unit, (unit, 1.0))
    return factor, "" if name == "1" else name


def _numeric(values: xarray.DataArray) -> bool:
    return values.dtype.kind in "if"


def _titled(figure: Figure, results: xarray.Dataset) -> Figure:
    if results.attrs.get("title"):
        figure.suptitle(results.attrs["title"])
    return figure
