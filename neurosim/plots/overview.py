"""One figure of a recording: spikes, then a few variables, then weights, one below the other."""

from __future__ import annotations

import textwrap
from pathlib import Path

import xarray
from matplotlib.figure import Figure

from neurosim.errors import DataError
from neurosim.plots._arguments import drawing
from neurosim.plots.figures import save_figure
from neurosim.plots.firing_rates import firing_rates
from neurosim.plots.recording import raster, traces
from neurosim.plots.weight_distribution import weight_distribution
from neurosim.recording.exchange import spikes_of, synapses_of

# Most steps in which single spikes are visible; longer recordings show rates beside them.
_MOST_STEPS, _MOST_PANELS = 20_000, 6
# Synapses beyond which their distribution says more than their courses.
_MANY = 200
# Bins of a rate over a long recording.
_BINS = 200
# Letters of a title that fit above the figure.
_TITLE = 72


@drawing()
def save_overview(recording: xarray.Dataset, path: Path, *, title: str = "") -> Path:
    """Draw the first trial of a recording into one file.

    Parameters
    ----------
    recording
        Result of `neurosim.simulate`; of a long one the first seconds are drawn.
    path
        The file, whose suffix says its format.
    title
        Above the figure.

    Raises
    ------
    DataError
        Nothing in it can be drawn.
    """
    from neurosim.plots.weights import sampled_courses, weight_courses

    synapses = synapses_of(recording)
    long = recording.sizes.get("time", 0) > _MOST_STEPS
    shown = recording.drop_vars(synapses).isel(time=slice(_MOST_STEPS))
    # Parts of what is there as a whole are for numbers; they would be drawn twice.
    shown = shown.drop_vars(
        [name for name in shown.data_vars if str(name).partition("[")[0] in shown and "[" in str(name)]
    )
    spikes = bool(spikes_of(shown))
    plain = ("time", "trial")
    courses = [str(n) for n, v in shown.data_vars.items() if v.dtype != bool and v.dims[:2] == plain and v.ndim == 3]
    sampled = [str(n) for n, v in shown.data_vars.items() if str(v.dims[0]).startswith("time_") and v.ndim > 2]
    panels = ([("raster", "")] if spikes else []) + [("traces", name) for name in courses]
    panels += [("rates", "")] if spikes and long else []
    panels += [("courses", name) for name in sampled]
    panels = (panels + [("weights", name) for name in synapses])[:_MOST_PANELS]
    if not panels:
        raise DataError("this recording has neither spikes nor variables over time nor weights, so nothing to draw")
    heights = [3.0 if kind == "raster" else 1.9 for kind, _ in panels]
    lines = textwrap.wrap(title, _TITLE)
    height = 0.6 + sum(heights) + 0.25 * max(0, len(lines) - 1)
    figure = Figure(figsize=(7.5, height), layout="constrained")
    if lines:
        figure.suptitle("\n".join(lines))
    axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for (kind, name), ax in zip(panels, axes, strict=True):
        if kind == "raster":
            raster(shown, ax)
        elif kind == "traces":
            traces(shown, ax, variable=name)
        elif kind == "rates":
            firing_rates(recording, ax, bin=float(recording.attrs["dt"]) * recording.sizes["time"] / _BINS)
        elif kind == "courses" and recording[name][0].size > _MANY:
            weight_distribution(recording, ax, variable=name)
        elif kind == "courses":
            sampled_courses(recording, ax, variable=name)
        else:
            weight_courses(recording, ax, variable=name)
    return save_figure(figure, path)
