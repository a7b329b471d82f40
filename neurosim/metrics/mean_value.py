"""Mean of a recorded variable over time, trials and neurons or synapses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from neurosim.metrics._spike_arguments import measuring

if TYPE_CHECKING:
    import xarray

UNIT = "signal"
BETTER = "none"
OF = "variable"


@measuring()
def measure(signal: xarray.DataArray) -> float:
    """Average all values that are numbers.

    Parameters
    ----------
    signal
        A recorded variable of neurons or synapses.

    Returns
    -------
    float
        In the unit of the variable (SI); nan without values.

    Raises
    ------
    ArgumentError
        The argument is not a recorded variable.
    """
    values = np.asarray(signal.values, dtype=float)
    return float(np.nanmean(values)) if np.isfinite(values).any() else math.nan
