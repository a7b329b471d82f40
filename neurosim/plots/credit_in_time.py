"""Credit through time: its length at each step, and what of it feedback delivers."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import xarray
from matplotlib.axes import Axes

from neurosim.border import optional
from neurosim.border.arguments import NAME
from neurosim.plots._arguments import drawing
from neurosim.plots._style import COLOURS, readable_time, tidy

#: The curves of the probe `credit_in_time` that it needs.
CURVES = frozenset({"total_norm", "immediate_norm", "update_angle_deg", "immediate_update_angle_deg"})
#: What is drawn: name of the curve, its words, and whether it is dashed.
_NORMS = (("total_norm", "total", False), ("immediate_norm", "immediate", True), ("signal_norm", "delivered", False))
_COSINES = (("signal_total_cosine", "total", False), ("signal_immediate_cosine", "immediate", True))


@drawing(layer=optional(NAME))
def credit_in_time(
    curves: xarray.Dataset, ax: Axes, *, show: Literal["norm", "cosine"] = "norm", layer: str | None = None
) -> Axes:
    """Draw the length of credit at each step, or the cosine of what feedback delivers with it.

    Parameters
    ----------
    curves
        Of the probe `credit_in_time`.
    ax
        Where to draw.
    show
        ``norm``: of total and immediate credit and of what is delivered. ``cosine``: of this with both.
    layer
        Which, by default the first.
    """
    chosen = curves.sel(layer=layer) if layer is not None else curves.isel(layer=0)
    factor, unit = readable_time(curves.time.values)
    for colour, (name, words, dashed) in enumerate(_NORMS if show == "norm" else _COSINES):
        if name in chosen and not bool(np.isnan(chosen[name]).all()):
            looks = {"color": COLOURS[colour], "linestyle": "--" if dashed else "-", "linewidth": 1.8}
            ax.plot(curves.time * factor, chosen[name], label=words, **looks)
    ax.set_xlabel(f"time ({unit})")
    ax.set_ylabel("length of credit (1)" if show == "norm" else "cosine of delivered and true credit (1)")
    if show == "cosine":
        ax.set_ylim(top=1.02)
    ax.legend(frameon=False)
    return tidy(ax)


@drawing()
def update_angles(curves: xarray.Dataset, ax: Axes) -> Axes:
    """Draw the angle of each layer's update to gradient descent, by presentations; dashed, that of immediate credit.

    Parameters
    ----------
    curves
        Of the probe `credit_in_time`.
    ax
        Where to draw.
    """
    presentations = curves.presentations.values
    # The beginning is shown where there is room on a logarithmic axis.
    places = np.where(presentations > 0, presentations, _before(presentations))
    for colour, layer in zip(COLOURS, curves.layer.values, strict=False):
        chosen = curves.sel(layer=layer)
        name = str(layer) if curves.sizes["layer"] > 1 else "update"
        ax.plot(places, chosen.update_angle_deg, "o-", color=colour, markersize=4, linewidth=1.8, label=name)
        reference = chosen.immediate_update_angle_deg
        ax.plot(places, reference, "--", color=colour, linewidth=1.2, label="immediate credit")
    if len(places) > 1:
        ax.set_xscale("log")
    ax.set_ylim(bottom=0)
    ax.set_xlabel("presentations (1)")
    ax.set_ylabel("angle to the gradient (degrees)")
    ax.legend(frameon=False)
    return tidy(ax)


def _before(presentations: np.ndarray) -> float:
    """A place left of the first mark."""
    later = presentations[presentations > 0]
    return float(later[0]) / math.sqrt(10) if len(later) else 0.0
