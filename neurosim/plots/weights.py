"""Feedback weights against the forward weights they should be the transpose of."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from neurosim.errors import DataError
from neurosim.metrics import angle
from neurosim.plots._style import COLOURS, tidy

# Points beyond which a cloud says no more.
_MOST = 4000


def weight_scatter(forward: np.ndarray, feedback: np.ndarray, ax: Axes, *, name: str = "") -> Axes:
    """Draw each feedback weight against the forward weight between the same two neurons.

    The line is where they are equal up to the scale that fits best; the title says the angle between them.

    Parameters
    ----------
    forward
        ``W`` ``(n_post, n_pre)``.
    feedback
        ``B`` ``(n_pre, n_post)``, in the opposite direction.
    ax
        Where to draw.
    name
        Of the pair, before the angle.

    Raises
    ------
    DataError
        Shapes that are not each other's transpose.
    """
    forward, feedback = np.asarray(forward, dtype=float), np.asarray(feedback, dtype=float)
    if forward.ndim != 2 or feedback.shape != forward.T.shape:
        raise DataError(f"feedback of shape {feedback.shape}, expected {forward.T.shape}, that of forward transposed")
    across, up = forward.T.ravel(), feedback.ravel()
    # Every so manieth: no random choice in a figure.
    chosen = slice(None, None, max(1, len(across) // _MOST))
    ax.axhline(0, color="0.85", linewidth=0.8)
    ax.axvline(0, color="0.85", linewidth=0.8)
    ax.plot(across[chosen], up[chosen], ".", color=COLOURS[0], markersize=3, alpha=0.5, markeredgewidth=0)
    power = float(across @ across)
    if power and np.any(up):
        slope = float(across @ up) / power
        reach = np.array([across.min(), across.max()])
        ax.plot(reach, slope * reach, color=COLOURS[1], linewidth=1.6, label=f"slope {slope:.2g}")
        ax.legend(frameon=False, loc="upper left", fontsize="small")
        shown = f"{float(angle.measure(across, up)):.1f} degrees"
        ax.set_title(", ".join(part for part in (name, shown) if part), fontsize="medium")
    elif name:
        ax.set_title(name, fontsize="medium")
    ax.set_xlabel("forward weight, transposed (1)")
    ax.set_ylabel("feedback weight (1)")
    return tidy(ax)
