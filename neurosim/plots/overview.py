"""One figure of a recording: spikes, then a few variables, then weights, one below the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurosim.errors import DataError
from neurosim.plots._arguments import drawing
from neurosim.plots._style import tidy
from neurosim.plots.figures import save_figure, titled
from neurosim.plots.recording import raster

_MOST_STEPS, _MOST_PANELS, _LINES = 20_000, 6, 5
_WIDTH = 7.5
# Below so many seconds, time is shown in milliseconds.
_SHORT = 2.0


@drawing()
def save_overview(recording: xarray.Dataset, path: Path, *, title: str = "") -> Path:
    """Draw the first trial of a recording into one file.

    Parameters
    ----------
    recording
        Of `neurosim.simulate`; of a long one the first seconds are drawn.
    path
        The file, whose suffix says its format.
    title
        Above the figure.

    Raises
    ------
    DataError
        Nothing in it can be drawn.
    """
    spikes = [str(name) for name, values in recording.data_vars.items() if values.dtype == bool]
    courses = [str(name) for name, values in recording.data_vars.items() if name not in spikes and _is_course(values)]
    panels = ([""] if spikes else []) + courses[: _MOST_PANELS - bool(spikes)]
    if not panels:
        raise DataError("this recording has neither spikes at every step nor courses over time, so nothing to draw")
    heights = [1.9 if name else 3.0 for name in panels]
    figure = Figure(figsize=(_WIDTH, 0.6 + sum(heights)), layout="constrained")
    titled(figure, title)
    axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for name, ax in zip(panels, axes, strict=True):
        if name:
            _draw_course(recording[name].isel(trial=0), ax, name)
        else:
            raster(recording[spikes].isel(time=slice(_MOST_STEPS)), ax)
    return save_figure(figure, path)


def _is_course(values: xarray.DataArray) -> bool:
    """Whether it is a variable of one trial after the other over time, its own or that of all."""
    return len(values.dims) > 1 and str(values.dims[0]).startswith("time") and values.dims[1] == "trial"


def _draw_course(values: xarray.DataArray, ax: Axes, name: str) -> None:
    """Draw some columns of a variable over its time, and their number if there are more."""
    time = values[values.dims[0]].values[:_MOST_STEPS]
    columns = values.values[:_MOST_STEPS].reshape(len(time), -1)
    shown = np.unique(np.linspace(0, columns.shape[1] - 1, _LINES).astype(int))
    long = bool(len(time) and time[-1] - time[0] >= _SHORT)
    ax.plot(time * (1.0 if long else 1e3), columns[:, shown], linewidth=1.0)
    ax.set_xlabel(f"time ({'s' if long else 'ms'})")
    unit = str(values.attrs.get("units", "1"))
    ax.set_ylabel(name if unit == "1" else f"{name} ({unit})")
    if len(shown) < columns.shape[1]:
        ax.set_title(f"{len(shown)} of {columns.shape[1]}", fontsize="small")
    tidy(ax)
