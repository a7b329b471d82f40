"""The style of all figures: colours for colour-blind readers, and labels with units."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

# Okabe and Ito, Color Universal Design, 2008; without the yellow, which is too faint for lines on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_SHOWN = {"deg": "degrees", "1": ""}


def label(variable: Any) -> str:
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
