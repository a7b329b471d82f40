"""Error of dynamic inversion with spiking neurons, by neurons and by time, beside the loop without spikes."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import xarray
from matplotlib.axes import Axes

from neurosim.plots._arguments import drawing
from neurosim.plots._style import COLOURS, label, tidy

#: The curves of the probe `spiking_inversion` that it needs.
CURVES = frozenset({"error", "angle_deg", "rate_error", "static_error"})
# Most curves in one panel, spread over the whole range.
_MOST = 5


@drawing()
def inversion_error(
    curves: xarray.Dataset, ax: Axes, *, over: Literal["neurons", "settling"], measure: str = "error"
) -> Axes:
    """Draw the mean over draws, each draw as a dot, and the loop without spikes as a black line.

    Parameters
    ----------
    curves
        Curves of the probe `spiking_inversion`.
    ax
        Where to draw.
    over
        The abscissa; there is a curve for each of some values of the other.
    measure
        ``error`` or ``angle_deg``.
    """
    other = "settling" if over == "neurons" else "neurons"
    places = np.unique(np.linspace(0, curves.sizes[other] - 1, min(_MOST, curves.sizes[other])).round().astype(int))
    for colour, place in zip(COLOURS, places, strict=False):
        chosen = curves[measure].isel({other: int(place)})
        name = f"{curves[other].values[place]:g} {'ms' if other == 'settling' else 'neurons'}"
        ax.plot(curves[over], chosen.mean("draw"), color=colour, linewidth=1.8, label=name)
        for draw in chosen.transpose("draw", over):
            ax.plot(curves[over], draw, "o", color=colour, markersize=2.5, alpha=0.5)
        if over == "neurons":
            without = float(curves[_without(measure)].isel(settling=int(place)).mean("draw"))
            ax.axhline(without, color=colour, linestyle="--", linewidth=1.0)
    _references(curves, ax, over, measure)
    ax.set_yscale("log")
    if over == "neurons":
        # Without spikes the error shrinks with time without limit; the axis shows what spikes add.
        lowest = min(
            float(curves[measure].min()), float(curves["static_error"].min()) if measure == "error" else np.inf
        )
        ax.set_xscale("log")
        ax.set_ylim(bottom=0.5 * lowest)
    ax.set_xlabel(label(curves[over]))
    ax.set_ylabel(label(curves[measure]))
    ax.legend(frameon=False, fontsize="small")
    return tidy(ax)


def _without(measure: str) -> str:
    return f"rate_{measure}"


def _references(curves: xarray.Dataset, ax: Axes, over: str, measure: str) -> None:
    dashed: dict[str, Any] = {"color": "black", "linestyle": "--"}
    if over == "settling":
        ax.plot(curves.settling, curves[_without(measure)].mean("draw"), label="no spikes", linewidth=1.4, **dashed)
        return
    ax.plot([], [], label="no spikes", linewidth=1.0, **dashed)
    if measure == "error":
        static = curves["static_error"].mean("draw")
        ax.plot(curves.neurons, static, color="black", linestyle=":", linewidth=1.4, label="rates, settled")
