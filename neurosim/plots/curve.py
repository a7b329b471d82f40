"""One curve over its own dimension, on logarithmic axes where it covers decades."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray
from matplotlib.axes import Axes

from neurosim.border.arguments import having
from neurosim.plots._arguments import drawing
from neurosim.plots._style import COLOURS, label, tidy

# From one and a half decades on, equal distances should mean equal ratios.
_WIDE = 10**1.5


@drawing(values=having("a variable of a Dataset of xarray", "dims", "coords"))
def curve(values: xarray.DataArray, ax: Axes, *, name: str = "") -> Axes:
    """Draw a curve.

    Parameters
    ----------
    values
        Of one dimension; its coordinate, if it has one, is the abscissa.
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


def _covers_decades(array: xarray.DataArray) -> bool:
    if not np.issubdtype(array.dtype, np.number):
        return False
    found = array.values[np.isfinite(array.values)]
    return bool(found.size and found.min() > 0 and found.max() >= _WIDE * found.min())
