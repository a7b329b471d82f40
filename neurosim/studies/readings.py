"""Readings: where to find one number in a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, NonNegativeInt

from neurosim.errors import DataError
from neurosim.suggestions import did_you_mean

if TYPE_CHECKING:
    import xarray


Over = Literal["last", "min", "max", "mean", "slope", "first_below", "first_above"]


class Reading(BaseModel):
    """The place of a number in a run.

    Attributes
    ----------
    model, variants, overrides
        The run: stem of a model file, variants, settings as ``section.key=value``.
    name
        Dotted path in ``summary.json``; of a simulated circuit ``numbers.<name>``.
    history, layer
        A variable of ``metrics.zarr``, and its layer.
    epoch
        One epoch, or the mean over a range.
    over
        The ``last``, ``min``, ``max`` or ``mean`` of the measured values; their ``slope`` over presentations in double
        logarithmic axes; the number of presentations until a value is first at most ``level`` (``first_below``)
        or at least ``level`` (``first_above``), infinite if it never is.
    level
        Threshold of ``first_below`` and ``first_above``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = ""
    variants: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    name: str | None = None
    history: str | None = None
    layer: str | None = None
    epoch: NonNegativeInt | tuple[NonNegativeInt, NonNegativeInt] | None = None
    over: Over | None = None
    level: float | None = None

    def __str__(self) -> str:
        if self.name is not None:
            return self.name
        where = f"{self.history} of {self.layer}" if self.layer else str(self.history)
        if isinstance(self.epoch, tuple):
            return f"{where}, epochs {self.epoch[0]} to {self.epoch[1]}"
        how = f"epoch {self.epoch}" if self.over is None else self.over.replace("_", " ")
        return f"{where}, {how}" + (f" {self.level:g}" if self.level is not None else "")


def complaints(reading: Reading) -> list[tuple[str, str]]:
    """Faults of keys that do not go together: key and sentence."""
    faults = []
    if (reading.name is None) == (reading.history is None):
        faults.append(("name", "expected either name, a path in summary.json, or history, a variable of metrics.zarr"))
        return faults
    if reading.name is not None:
        extra = [key for key in ("layer", "epoch", "over", "level") if getattr(reading, key) is not None]
        return [(key, "goes with history, got it with name") for key in extra]
    if (reading.epoch is None) == (reading.over is None):
        faults.append(("epoch", "expected either epoch or over"))
    if isinstance(reading.epoch, tuple) and reading.epoch[0] > reading.epoch[1]:
        faults.append(("epoch", f"got {list(reading.epoch)}, expected the first epoch before the last"))
    wants_level = reading.over in ("first_below", "first_above")
    if wants_level != (reading.level is not None):
        faults.append(("level", "expected with over = 'first_below' or 'first_above', and only there"))
    return faults


def read(reading: Reading, summary: Mapping[str, Any], history: xarray.Dataset) -> float:
    """Read the number from a run.

    Raises
    ------
    DataError
        The run does not have it.
    """
    if reading.name is not None:
        return _from_summary(reading.name, summary)
    if reading.history not in history:
        hint = did_you_mean(str(reading.history), list(map(str, history)))
        raise DataError(f"the run has no curve '{reading.history}'; {hint}")
    values = history[reading.history]
    if reading.layer is not None:
        if "layer" not in values.dims or reading.layer not in values.layer:
            raise DataError(f"'{reading.history}' has no layer '{reading.layer}'")
        values = values.sel(layer=reading.layer)
    if values.ndim != 1:
        raise DataError(f"'{reading.history}' has the dims {', '.join(map(str, values.dims))}, expected one")
    return _at_epoch(reading, values) if reading.over is None else over(values, reading.over, reading.level)


def over(values: xarray.DataArray, how: Over, level: float | None = None) -> float:
    """Summarise a curve in one number, ignoring NaN.

    Parameters
    ----------
    values
        One-dimensional, with the coordinate ``presentations`` or one of its own dimension.
    how, level
        See `Reading`.

    Returns
    -------
    float
        NaN if nothing was measured, or, for a slope, if a value is not positive.
    """
    abscissa = values["presentations"] if "presentations" in values.coords else values[values.dims[0]]
    known = np.isfinite(values.values)
    x, y = abscissa.values[known].astype(float), values.values[known].astype(float)
    if how == "slope":
        return slope(x, y)
    if how in ("first_below", "first_above"):
        assert level is not None
        reached = x[(y <= level) if how == "first_below" else (y >= level)]
        return float(reached[0]) if reached.size else (math.inf if x.size else math.nan)
    if not y.size:
        return math.nan
    return float({"last": lambda: y[-1], "min": y.min, "max": y.max, "mean": y.mean}[how]())


def slope(x: np.ndarray, y: np.ndarray) -> float:
    """The slope of log y against log x, by least squares.

    The curve is first interpolated at as many points, equally spaced in log x. Points equally spaced in x would
    crowd at the end and decide the slope.
    """
    x, y = x[x > 0], y[x > 0]
    if len(np.unique(x)) < 2 or (y <= 0).any():
        return math.nan
    log_x, log_y = np.log(x), np.log(y)
    grid = np.linspace(log_x[0], log_x[-1], len(x))
    return float(np.polyfit(grid, np.interp(grid, log_x, log_y), 1)[0])


def _at_epoch(reading: Reading, values: xarray.DataArray) -> float:
    if "epoch" not in values.dims:
        raise DataError(f"'{reading.history}' has the dim {values.dims[0]}, expected epoch")
    first, last = reading.epoch if isinstance(reading.epoch, tuple) else (reading.epoch, reading.epoch)
    chosen = values.values[(values.epoch >= first) & (values.epoch <= last)]
    chosen = chosen[np.isfinite(chosen)]
    if not chosen.size:
        raise DataError(f"'{reading.history}' was not measured in epoch {first}" + (f" to {last}" * (first != last)))
    return float(chosen.mean())


def _from_summary(name: str, summary: Mapping[str, Any]) -> float:
    value: Any = summary
    # Names of a probe's numbers contain dots: probe.hidden1.cosine.
    for step in name.split(".", maxsplit=1) if name.startswith(("probe.", "numbers.")) else name.split("."):
        if not isinstance(value, Mapping) or step not in value:
            known = list(map(str, value)) if isinstance(value, Mapping) else []
            raise DataError(f"the summary has no '{name}'; {did_you_mean(step, known)}")
        value = value[step]
    # Null stands for NaN.
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DataError(f"'{name}' of the summary is no number")
    return float(value)
