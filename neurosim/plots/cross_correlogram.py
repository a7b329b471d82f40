"""Cross-correlation histogram of spike trains."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray
from matplotlib.axes import Axes

from neurosim.border import optional, whole
from neurosim.border.arguments import several
from neurosim.errors import ArgumentError
from neurosim.metrics import cross_correlation
from neurosim.metrics._spike_arguments import seconds
from neurosim.metrics._spike_events import SpikeEvents
from neurosim.plots._spike_arguments import chosen_spikes, spike_drawing
from neurosim.plots._style import COLOURS, axes, readable_time, tidy


@spike_drawing(pair=optional(several(whole(0))))
def cross_correlogram(
    recording: xarray.Dataset | SpikeEvents,
    ax: Axes | None = None,
    *,
    population: str | None = None,
    target_population: str | None = None,
    pair: tuple[int, int] | None = None,
    bin: str | float = "1 ms",
    max_lag: str | float = "50 ms",
    normalise: Literal["counts", "coefficient"] = "counts",
    border_correction: bool = False,
) -> Axes:
    """Draw how many pairs of spikes lie so far apart; to the right the target spikes after the reference.

    Parameters
    ----------
    recording
        Result of `neurosim.simulate`, with spikes; or spikes of `neurosim.spike_events`.
    ax
        Where to draw; a new figure by default, which is ``ax.figure``.
    population, target_population
        The reference, and the population whose spikes are the target. Without the second the pairs are those of
        different neurons of the reference.
    pair
        Two neurons, the first of the reference and the second of the target (of the reference without one), in place
        of all.
    bin, max_lag, normalise, border_correction
        As for `neurosim.metrics.cross_correlation`.

    Raises
    ------
    ArgumentError, UnitError, DataError
        Arguments that do not fit, no spikes were recorded.
    """
    ax = axes(ax)
    if pair is not None and len(pair) != 2:
        raise ArgumentError("pair", pair, "the numbers of two neurons")
    reference = chosen_spikes(recording, population)
    other = chosen_spikes(recording, target_population) if target_population is not None else None
    named = (
        f"{reference.population} and {other.population}" if other is not None else f"pairs of {reference.population}"
    )
    if pair is not None:
        whose = reference if other is None else other
        named = f"{reference.population} {pair[0]} and {whose.population} {pair[1]}"
        reference, other = reference.of(neurons=[pair[0]]), whose.of(neurons=[pair[1]])
    correlation = cross_correlation.measure(
        reference, other, bin=bin, max_lag=max_lag, normalise=normalise, border_correction=border_correction
    )
    edges = np.append(correlation.lag.values, correlation.lag.values[-1] + seconds(bin)) - seconds(bin) / 2
    scale, unit = readable_time(edges)
    ax.stairs(correlation.values, edges * scale, fill=True, color=COLOURS[0])
    ax.axvline(0, color="0.4", linewidth=0.8, linestyle="--")
    ax.set_xlim(edges[0] * scale, edges[-1] * scale)
    ax.set_xlabel(f"lag of the target ({unit})")
    ax.set_ylabel(str(correlation.attrs["long_name"]))
    ax.set_title(named, fontsize="medium")
    return tidy(ax)
