"""The phase plane of a forward and a feedback weight: flow, nullclines and fixed points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from neurosim.border.arguments import POSITIVE
from neurosim.plots._arguments import drawing
from neurosim.plots._style import COLOURS
from neurosim.stability.mirror import ScalarFlow

# Markers of fixed points by kind, filled if stable.
_MARKERS = {
    "stable node": {"marker": "o", "markerfacecolor": "black"},
    "saddle": {"marker": "X", "markerfacecolor": "white"},
    "unstable node": {"marker": "o", "markerfacecolor": "white"},
    "line of neutral points": {"marker": "D", "markerfacecolor": "0.6"},
    "marginal": {"marker": "s", "markerfacecolor": "0.6"},
}
# Arrows per side.
_ARROWS = 17


@drawing(duration=POSITIVE)
def phase_plane(
    flow: ScalarFlow,
    ax: Axes,
    *,
    reach: float = 2.0,
    starts: Sequence[tuple[float, float]] = (),
    duration: float = 20.0,
) -> Axes:
    """Draw the flow of one singular mode.

    Arrows have the flow's direction; the darker, the faster. Fixed points are filled where they are stable.

    Parameters
    ----------
    flow
        What to draw.
    ax
        Where to draw.
    reach
        Both weights from minus to plus this.
    starts
        Where trajectories begin.
    duration
        How long they are followed, in units of one over the flow's coefficients.
    """
    grid = np.linspace(-reach, reach, _ARROWS)
    w, b = np.meshgrid(grid, grid)
    change_w, change_b = flow.field(w, b)
    speed = np.hypot(change_w, change_b)
    with np.errstate(invalid="ignore", divide="ignore"):
        along = np.where(speed > 0, change_w / speed, 0.0), np.where(speed > 0, change_b / speed, 0.0)
    # The colour by rank: speeds differ by orders of magnitude.
    rank = np.argsort(np.argsort(speed.ravel())).reshape(speed.shape) / speed.size
    ax.quiver(w, b, *along, rank, cmap="Greys", clim=(-0.6, 1.4), pivot="mid", scale=26, width=0.004)
    fine = np.linspace(-reach, reach, 401)
    ax.plot(flow.nullcline(fine), fine, color=COLOURS[0], linewidth=1.8, label="forward weight stands still")
    ax.plot(fine, flow.nullcline(fine), "--", color=COLOURS[1], linewidth=1.8, label="feedback weight stands still")
    for number, start in enumerate(starts):
        course = flow.trajectory(start, np.linspace(0, duration, 400), reach=reach)
        ax.plot(*course.T, color=COLOURS[2], linewidth=1.4, label="" if number else "trajectories")
        ax.plot(*start, ".", color=COLOURS[2], markersize=7)
    named = set()
    for point in flow.fixed_points():
        if point.kind == "line of neutral points" and flow.null == 0:
            ax.axline((0, 0), tuple(point.directions[:, -1]), color="0.6", linewidth=7, alpha=0.45, zorder=1)
        look = {"color": "black", "markersize": 9, "linestyle": "none", "zorder": 5, **_MARKERS[point.kind]}
        ax.plot(point.forward, point.feedback, label="" if point.kind in named else point.kind, **look)
        named.add(point.kind)
    ax.set_xlim(-reach, reach)
    ax.set_ylim(-reach, reach)
    ax.set_aspect("equal")
    ax.set_xlabel("forward weight")
    ax.set_ylabel("feedback weight")
    ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.16), fontsize="small")
    ax.spines[["top", "right"]].set_visible(False)
    return ax
