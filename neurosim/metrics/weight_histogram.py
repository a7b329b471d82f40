"""Distribution of weights over time: which share of the synapses has which weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.border import COUNT, optional
from neurosim.border.arguments import NAME, NUMBER, several
from neurosim.errors import ArgumentError
from neurosim.metrics._spike_arguments import labelled, measuring

if TYPE_CHECKING:
    import xarray

UNIT = "1"
BETTER = "none"
# Beginnings of names of dimensions along which weights are recorded.
_OVER = ("time", "snapshot", "epoch")


@measuring(bins=COUNT, limits=optional(several(NUMBER)), over=optional(NAME))
def measure(
    weights: xarray.DataArray,
    *,
    bins: int = 50,
    limits: tuple[float, float] | None = None,
    over: str | None = None,
) -> xarray.DataArray:
    """Sort the synapses by weight, at each time that was recorded.

    Parameters
    ----------
    weights
        Recorded weights, or another variable of synapses: a dimension of time, all others are synapses (and trials,
        which are pooled). Those that are nan are left out.
    bins
        Number of bins of weight, the same at all times.
    limits
        Least and largest weight of the bins, in SI units; by default those of all times. Synapses beyond them count in
        no bin, and in the whole.
    over
        Dimension of time; found by its name where it begins with ``time``, ``snapshot`` or ``epoch``. Without any,
        the weights are those of one time.

    Returns
    -------
    xarray.DataArray
        ``(<over>, weight)``, shares from 0 to 1; ``weight`` is the middle of each bin, in the unit of the weights.

    Raises
    ------
    ArgumentError
        Arguments that do not fit; no synapses.

    Notes
    -----
    NumPy's ``histogram``: a bin holds its left edge and not its right one, but for the last.
    """
    dim = _dimension(weights, over)
    values = np.asarray(weights.transpose(dim, ...).values if dim else weights.values, dtype=float)
    values = values.reshape(weights.sizes[dim] if dim else 1, -1)
    finite = np.isfinite(values)
    if not finite.any():
        raise ArgumentError("weights", f"{values.size} values", "finite weights of at least one synapse")
    low, high = _limits(values[finite], limits)
    edges = np.linspace(low, high, bins + 1)
    synapses = np.stack([np.histogram(row[kept], edges)[0] for row, kept in zip(values, finite, strict=True)])
    number = finite.sum(axis=1, keepdims=True)
    shares = np.divide(synapses, number, out=np.full(synapses.shape, np.nan), where=number > 0)
    time = np.asarray(weights[dim].values) if dim in weights.coords else np.arange(len(values))
    shown = labelled(
        shares,
        (dim or "time", "weight"),
        {dim or "time": time, "weight": (edges[:-1] + edges[1:]) / 2},
        name="share",
        unit=UNIT,
        long_name="share of the synapses",
    )
    shown["weight"].attrs |= {
        "units": str(weights.attrs.get("units", "1")),
        "long_name": str(weights.name or "weight"),
        "bin": edges[1] - low,
    }
    if dim in weights.coords:
        shown[dim].attrs |= weights[dim].attrs
    return shown


def _dimension(weights: xarray.DataArray, over: str | None) -> str:
    names = [str(dim) for dim in weights.dims]
    if over is not None:
        if over not in names:
            raise ArgumentError("over", over, f"a dimension of the weights: {', '.join(names)}")
        return over
    return next((name for name in names if name.startswith(_OVER)), "")


def _limits(values: np.ndarray, limits: tuple[float, float] | None) -> tuple[float, float]:
    if limits is not None:
        if len(limits) != 2 or not limits[0] < limits[1]:
            raise ArgumentError("limits", limits, "the least and the largest weight, such as (0, 1e-9)")
        return float(limits[0]), float(limits[1])
    low, high = float(values.min()), float(values.max())
    if high - low > 1e-9 * max(abs(low), abs(high)):
        return low, high
    # All alike: bins around it, in its own order of size.
    reach = abs(low) / 2 or 0.5
    return low - reach, low + reach
