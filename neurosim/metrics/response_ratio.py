"""Ratio of two responses of a variable, such as of the fifth to the first postsynaptic potential."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.border import MOMENT, TIME
from neurosim.errors import ArgumentError
from neurosim.metrics._spike_arguments import measuring, seconds

if TYPE_CHECKING:
    import xarray

UNIT = "1"
BETTER = "none"
OF = "variable"


@measuring(earlier=MOMENT, later=MOMENT, window=TIME)
def measure(
    signal: xarray.DataArray, *, earlier: str | float, later: str | float, window: str | float = "20 ms"
) -> np.ndarray:
    """Divide the later response by the earlier; each is the greatest change from its beginning within a window.

    Parameters
    ----------
    signal
        A recorded variable ``(time, ...)``.
    earlier, later
        When the responses begin: quantities, or seconds. What is left of earlier ones then is subtracted.
    window
        How long after its beginning a response can reach its peak.

    Returns
    -------
    numpy.ndarray
        ``(...)``; nan where the earlier response is zero.

    Raises
    ------
    ArgumentError, UnitError
        Arguments that do not fit; a response outside the recording.
    """
    one, other = (_response(signal, name, seconds(at), seconds(window)) for name, at in _named(earlier, later))
    return np.divide(other, one, out=np.full(one.shape, np.nan), where=one != 0)


def _named(earlier: str | float, later: str | float) -> tuple[tuple[str, str | float], ...]:
    return ("earlier", earlier), ("later", later)


def _response(signal: xarray.DataArray, name: str, begin: float, window: float) -> np.ndarray:
    time = np.asarray(signal[signal.dims[0]].values, dtype=float)
    step = float(np.median(np.diff(time))) if len(time) > 1 else 0.0
    # A moment this close to a sample is at it.
    place = np.flatnonzero((time > begin - 0.5 * step) & (time < begin + window + 0.5 * step))
    if len(place) < 2 or begin < time[0] - 0.5 * step:
        raise ArgumentError(name, f"{begin:g} s", f"a time within the recording, {time[0]:g} s to {time[-1]:g} s")
    change = np.asarray(signal.values[place], dtype=float) - np.asarray(signal.values[place[0]], dtype=float)
    return np.take_along_axis(change, np.abs(change).argmax(axis=0)[None], axis=0)[0]
