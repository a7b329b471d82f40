"""Weights: feedback against the forward ones they should be the transpose of, and their course in training."""

from __future__ import annotations

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from neurosim.errors import DataError
from neurosim.metrics import angle
from neurosim.plots._arguments import drawing
from neurosim.plots._style import COLOURS, readable, readable_time, tidy
from neurosim.recording.exchange import SNAPSHOT, synapses_of

# Most points of a cloud.
_MOST = 4000
# Most lines that the eye can follow.
_LINES = 30


@drawing()
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
        Name of the pair, before the angle.

    Raises
    ------
    DataError
        Shapes that are not each other's transpose.
    """
    forward, feedback = np.asarray(forward, dtype=float), np.asarray(feedback, dtype=float)
    if forward.ndim != 2 or feedback.shape != forward.T.shape:
        raise DataError(f"feedback of shape {feedback.shape}, expected {forward.T.shape}, that of forward transposed")
    across, up = forward.T.ravel(), feedback.ravel()
    # A regular subset, since figures draw nothing at random.
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
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.set_xlabel("forward weight, transposed (1)")
    ax.set_ylabel("feedback weight (1)")
    return tidy(ax)


@drawing()
def sampled_courses(recording: xarray.Dataset, ax: Axes, *, variable: str, trial: int = 0) -> Axes:
    """Draw a variable of some synapses or neurons that was recorded at intervals, and the mean of all.

    Parameters
    ----------
    recording
        Result of `neurosim.simulate`.
    ax
        Where to draw.
    variable
        Its name in the recording, such as ``EE.w``; its first dimension is a time of its own.
    trial
        Which trial.

    Raises
    ------
    DataError
        Nothing of this name was recorded at intervals.
    """
    if variable not in recording or not str(recording[variable].dims[0]).startswith("time_"):
        raise DataError(f"'{variable}' was not recorded at intervals; there are {', '.join(map(str, recording))}")
    courses = recording[variable].isel(trial=trial)
    scale, unit = readable_time(courses[courses.dims[0]].values)
    shown, values_unit = readable(
        recording[variable], np.asarray(courses.values.reshape(len(courses), -1), dtype=float)
    )
    time, count = courses[courses.dims[0]].values * scale, shown.shape[1]
    chosen = np.unique(np.linspace(0, count - 1, min(_LINES, count)).round().astype(int))
    lines = ax.plot(time, shown[:, chosen], color="0.6", linewidth=0.7)
    if lines:
        lines[0].set_label(f"{len(chosen)} of {count}" if count > len(chosen) else "each")
        ax.plot(time, shown.mean(axis=1), color=COLOURS[0], linewidth=2.0, label="mean")
        ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize="small")
    ax.set_xlabel(f"time ({unit})")
    ax.set_ylabel(f"{variable} ({values_unit})" if values_unit else variable)
    return tidy(ax)


@drawing()
def weight_courses(recording: xarray.Dataset, ax: Axes, *, variable: str) -> Axes:
    """Draw some synapses of a pathway over the epochs of training, and the root mean square of all.

    Parameters
    ----------
    recording
        Recording of a run, with weights.
    ax
        Where to draw.
    variable
        Its name in the recording: ``B1.w``.

    Raises
    ------
    DataError
        No weights of this name were recorded.
    """
    known = synapses_of(recording)
    if variable not in known:
        raise DataError(f"'{variable}' is no recorded weight; there are {', '.join(known) or 'none'}")
    epochs = recording[SNAPSHOT].values
    values = recording[variable].values.reshape(len(epochs), -1)
    count = values.shape[1]
    # Evenly spaced: no random choice in a figure.
    chosen = np.unique(np.linspace(0, count - 1, min(_LINES, count)).round().astype(int))
    lines = ax.plot(epochs, values[:, chosen], color="0.6", linewidth=0.7)
    lines[0].set_label(f"{len(chosen)} of {count} synapses" if count > len(chosen) else "synapses")
    square = np.sqrt(np.mean(np.square(values, dtype=np.float64), axis=1))
    ax.plot(epochs, square, color=COLOURS[0], linewidth=2.0, marker="o", markersize=3, label="root mean square of all")
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.set_xlabel("epoch")
    ax.set_ylabel(f"{variable} (1)")
    # Drawn above the lines, so that it stays visible.
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), fontsize="small")
    return tidy(ax)
