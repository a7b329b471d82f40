"""Curves over a dimension of their own, on logarithmic axes where they cover decades."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import xarray
from matplotlib.axes import Axes

from neurosim.border.arguments import having
from neurosim.plots._arguments import drawing
from neurosim.plots._style import COLOURS, label, tidy

# From one and a half decades on, axes are logarithmic.
_WIDE = 10**1.5
# Dimensions to average over.
_REPEATED = ("repetition", "example", "seed")
_VALUES = having("a variable of a Dataset of xarray", "dims", "coords")


@drawing(values=_VALUES)
def curve(values: xarray.DataArray, ax: Axes, *, name: str = "") -> Axes:
    """Draw a curve.

    Parameters
    ----------
    values
        Values of one dimension; its coordinate, if it has one, is the abscissa.
    ax
        Where to draw.
    name
        For the legend, to draw several into the same Axes.
    """
    (dim,) = values.dims
    abscissa = values[dim]
    looks: dict[str, Any] = {"color": COLOURS[len(ax.lines) % len(COLOURS)], "linewidth": 1.8, "label": name}
    ax.plot(abscissa, values, marker="o" if values.size <= 30 else "", markersize=3, **looks)
    if _covers_decades(abscissa):
        ax.set_xscale("log")
    if _covers_decades(values):
        ax.set_yscale("log")
    ax.set_xlabel(label(abscissa))
    ax.set_ylabel(label(values))
    if name:
        ax.legend(frameon=False)
    return tidy(ax)


@drawing(values=_VALUES)
def family(values: xarray.DataArray, ax: Axes) -> Axes:
    """Draw curves that differ by a label, such as one for each layer.

    Parameters
    ----------
    values
        Repetitions are averaged. Of what is left, a dimension that counts something is the abscissa, and there is a
        curve for each place along the others, at most so many as there are colours.
    ax
        Where to draw.
    """
    averaged = [dim for dim in _REPEATED if dim in values.dims and values.ndim > 1]
    # Without other dimensions, repetitions are drawn.
    labels = [dim for dim in values.dims if dim not in averaged and _labels(values, dim)]
    if len(averaged) + len(labels) == values.ndim:
        averaged = averaged[1:]
    curves = values.mean(averaged, keep_attrs=True) if averaged else values
    abscissa = next((dim for dim in curves.dims if dim not in labels), curves.dims[0])
    others = [dim for dim in curves.dims if dim != abscissa]
    if not others:
        return curve(curves, ax)
    lines = curves.stack(line=others).transpose("line", abscissa)
    for number in range(min(lines.sizes["line"], len(COLOURS))):
        # Drop the coordinates of other dimensions, which label the lines.
        line = xarray.DataArray(
            lines.values[number], {abscissa: curves[abscissa]}, [abscissa], curves.name, curves.attrs
        )
        curve(line, ax, name=_name(lines.line.values[number]))
    return ax


def _labels(values: xarray.DataArray, dim: Hashable) -> bool:
    """Whether a dimension holds labels instead of numbers."""
    return dim in values.coords and values[dim].dtype.kind not in "iuf"


def _name(place: object) -> str:
    return ", ".join(map(str, place)) if isinstance(place, tuple) else str(place)


def _covers_decades(array: xarray.DataArray) -> bool:
    if not np.issubdtype(array.dtype, np.number):
        return False
    finite = array.values[np.isfinite(array.values)]
    return bool(finite.size and finite.min() > 0 and finite.max() >= _WIDE * finite.min())
