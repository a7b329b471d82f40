"""Distribution of the weights of a pathway over time."""

from __future__ import annotations

import numpy as np
import xarray
from matplotlib.axes import Axes

from neurosim.border import optional
from neurosim.border.arguments import NUMBER, RECORDING, several
from neurosim.errors import DataError
from neurosim.metrics import weight_histogram
from neurosim.plots._spike_arguments import spike_drawing
from neurosim.plots._style import COLOURS, axes, readable, readable_time, tidy


@spike_drawing(recording=RECORDING, limits=optional(several(NUMBER)))
def weight_distribution(
    recording: xarray.Dataset,
    ax: Axes | None = None,
    *,
    variable: str,
    bins: int = 50,
    limits: tuple[float, float] | None = None,
) -> Axes:
    """Draw which share of the synapses has which weight: over time as colours, of one time as a histogram.

    Parameters
    ----------
    recording
        Result of `neurosim.simulate` or of a run, with weights.
    ax
        Where to draw; a new figure by default, which is ``ax.figure``.
    variable
        Name of the weights in the recording, such as ``EE.w``.
    bins, limits
        As for `neurosim.metrics.weight_histogram`.

    Raises
    ------
    ArgumentError, DataError
        Arguments that do not fit, the weights were not recorded.
    """
    ax = axes(ax)
    if variable not in recording:
        raise DataError(f"'{variable}' was not recorded; there are {', '.join(map(str, recording.data_vars))}")
    histogram = weight_histogram.measure(recording[variable], bins=bins, limits=limits)
    width = float(histogram.weight.attrs["bin"])
    edges = np.append(histogram.weight.values - width / 2, histogram.weight.values[-1] + width / 2)
    shown, unit = readable(histogram.weight, edges)
    weight_label = f"{variable} ({unit})" if unit else variable
    if len(histogram) == 1:
        ax.stairs(histogram.values[0], shown, fill=True, color=COLOURS[0])
        ax.set_xlabel(weight_label)
        ax.set_ylabel("share of the synapses (1)")
        return tidy(ax)
    across, label = _over(histogram[histogram.dims[0]])
    mesh = ax.pcolormesh(across, shown, histogram.values.T, cmap="viridis", vmin=0, rasterized=True)
    ax.figure.colorbar(mesh, ax=ax, label="share of the synapses (1)")
    ax.set_xlabel(label)
    ax.set_ylabel(weight_label)
    tidy(ax).grid(visible=False)
    return ax


def _over(dim: xarray.DataArray) -> tuple[np.ndarray, str]:
    """Edges between the times of weights, and the label of their axis."""
    values, name = np.asarray(dim.values, dtype=float), str(dim.name)
    middle = (values[1:] + values[:-1]) / 2
    edges = np.concatenate([[values[0] - (middle[0] - values[0])], middle, [2 * values[-1] - middle[-1]]])
    if name.startswith("time") and dim.attrs.get("units", "s") in ("s", "second"):
        scale, unit = readable_time(values)
        return edges * scale, f"time ({unit})"
    return edges, "epoch" if name in ("snapshot", "epoch") else name
