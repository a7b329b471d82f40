"""The complex plane of a dynamic inversion: eigenvalues of forward times feedback weights, and where loops settle."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from neurosim.errors import ConfigError
from neurosim.plots._arguments import drawing
from neurosim.plots._style import COLOURS
from neurosim.stability.inversion_steps import Order, step_radii
from neurosim.stability.single_loop import single_loop_bound

# Grid points per side for the stability of steps, and points on a boundary.
_GRID, _FINE = 161, 400


@drawing()
def loop_plane(
    eigenvalues: np.ndarray,
    ax: Axes,
    *,
    leak: float,
    stages: int = 1,
    dt: float | None = None,
    tau_u: float = 1.0,
    tau_x: float = 1.0,
    order: Order = "controller_first",
    reach: float | None = None,
) -> Axes:
    """Draw eigenvalues, the boundary of stability in continuous time and, for a time step, the region of stable steps.

    A loop settles if all its eigenvalues lie on the shaded side of the boundary: for one layer the parabola
    ``leak - p = tau_u*tau_x*q^2/(tau_u + leak*tau_x)^2``, for a single loop over several a closed curve.

    Parameters
    ----------
    eigenvalues
        Eigenvalues of W B, or of W_L ... W_2 B for a single loop, (n,).
    ax
        Where to draw.
    leak, tau_u, tau_x
        As in `neurosim.stability.inversion.loop_matrix`.
    stages
        Hidden layers in the loop.
    dt, order
        The time step, if steps are to be shown, and what it advances first. Eigenvalues are then filled if they settle
        in steps, otherwise if they settle in continuous time.
    reach
        The real part from minus to half of this, the imaginary part from minus to plus half of it; by default what the
        eigenvalues, or without them the boundary, need.

    Raises
    ------
    ConfigError
        A reach that is not above zero.
    """
    mu = np.asarray(eigenvalues, dtype=np.complex128).ravel()
    if reach is None:
        largest = max(np.abs(mu.real).max(initial=0), 2 * np.abs(mu.imag).max(initial=0), leak)
        reach = 1.25 * float(largest) or 1.0
    if not reach > 0:
        raise ConfigError(f"reach: got {reach}, expected a number above 0")
    p, q = np.meshgrid(np.linspace(-reach, reach / 2, _GRID), np.linspace(-0.5 * reach, 0.5 * reach, _GRID))

    def bound(angle: np.ndarray) -> np.ndarray:
        return single_loop_bound(stages, leak, tau_u=tau_u, tau_x=tau_x, angle=angle)

    far = 4 * reach
    angle = np.linspace(-np.pi, np.pi, 2 * _FINE + 1)
    edge = np.minimum(bound(angle), far)
    boundary = edge * np.cos(angle), edge * np.sin(angle)
    ax.fill(
        edge * np.cos(angle),
        edge * np.sin(angle),
        color=COLOURS[0],
        alpha=0.12,
        linewidth=0,
        label="settles in continuous time",
    )
    ax.plot(*boundary, color=COLOURS[0], linewidth=1.4)
    if dt is not None:
        radii = step_radii((p + 1j * q).ravel(), leak, dt, stages=stages, tau_u=tau_u, tau_x=tau_x, order=order)
        ax.contour(p, q, radii.reshape(p.shape), levels=[1.0], colors=[COLOURS[1]], linestyles="--", linewidths=1.6)
        ax.add_line(Line2D([], [], color=COLOURS[1], linestyle="--", label=f"settles within, in steps of {dt:.3g}"))
    if dt is None:
        inside, where = np.abs(mu) < bound(np.angle(mu)), ""
    else:
        inside, where = step_radii(mu, leak, dt, stages=stages, tau_u=tau_u, tau_x=tau_x, order=order) < 1, " in steps"
    names = (inside, "black", "eigenvalues"), (~inside, "white", f"eigenvalues that do not settle{where}")
    for chosen, face, name in names:
        if chosen.any():
            look = {"markerfacecolor": face, "markeredgecolor": "black", "markersize": 5, "label": name}
            ax.plot(mu.real[chosen], mu.imag[chosen], "o", zorder=5, **look)
    ax.axhline(0, color="0.75", linewidth=0.8, zorder=0)
    ax.axvline(0, color="0.75", linewidth=0.8, zorder=0)
    ax.set_xlim(-reach, reach / 2)
    ax.set_ylim(-0.5 * reach, 0.5 * reach)
    ax.set_aspect("equal")
    ax.set_xlabel("real part")
    ax.set_ylabel("imaginary part")
    ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.22), fontsize="small")
    ax.spines[["top", "right"]].set_visible(False)
    return ax
