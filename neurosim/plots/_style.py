"""The style of all figures: colours for colour-blind readers, and labels with units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

if TYPE_CHECKING:
    import xarray

# Okabe and Ito, Color Universal Design, 2008; without the yellow, which is too faint for lines on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
# Below this, time is shown in milliseconds.
_SHORT = 2.0
_SYMBOLS = {"volt": "V", "amp": "A", "siemens": "S", "1": ""}
_SHOWN = {"deg": "degrees", "1": ""}


def label(variable: xarray.DataArray) -> str:
    """Name and unit of a Dataset's variable, for an axis."""
    name = variable.attrs.get("long_name", variable.name)
    unit = variable.attrs.get("units", "")
    unit = _SHOWN.get(unit, unit)
    return f"{name} ({unit})" if unit else str(name)


def tidy(ax: Axes) -> Axes:
    """Remove the upper and right frame."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", alpha=0.25, linewidth=0.6)
    ax.set_axisbelow(True)
    return ax


def axes(ax: Axes | None) -> Axes:
    """The given Axes, or those of a new figure: ``ax.figure`` shows and saves it."""
    # No pyplot: its global state breaks notebooks and threads.
    return ax if ax is not None else Figure(figsize=(6.0, 3.4), layout="constrained").subplots()


def readable_time(time: np.ndarray) -> tuple[float, str]:
    """The factor of times in seconds, and the resulting unit."""
    return (1e3, "ms") if time[-1] - time[0] < _SHORT else (1.0, "s")


def readable(variable: xarray.DataArray, values: np.ndarray) -> tuple[np.ndarray, str]:
    """Values of a variable in the most readable unit, and that unit."""
    unit = str(variable.attrs.get("units", "1"))
    symbol = _SYMBOLS.get(unit)
    if not symbol:
        named = label(variable)
        return values, named.partition("(")[2].rstrip(")") if "(" in named else ""
    largest = float(np.nanmax(np.abs(values))) if values.size else 1.0
    for prefix, factor in (("", 1.0), ("m", 1e3), ("u", 1e6), ("n", 1e9), ("p", 1e12)):
        if largest * factor >= 1:
            return values * factor, ("µ" if prefix == "u" else prefix) + symbol
    return values, symbol
