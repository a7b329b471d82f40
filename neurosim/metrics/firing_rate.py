"""Spikes per second of every neuron."""

from __future__ import annotations

from neurosim.border import TIME, public
from neurosim.border.arguments import ARRAY, or_traced
from neurosim.metrics._arrays import namespace
from neurosim.untyped import Array

UNIT = "Hz"
BETTER = "none"


@public(spikes=ARRAY, dt=or_traced(TIME))
def measure(spikes: Array, dt: float) -> Array:
    """Count the spikes over time; unlike the other metrics this one compares nothing.

    Parameters
    ----------
    spikes
        Booleans ``(time, ...)``, such as ``(time, trial, neuron)``.
    dt
        Length of a time step: a number of seconds, or a quantity.

    Returns
    -------
    array
        ``(...)``, in hertz; nan without time steps.
    """
    xp, spikes = namespace(spikes)
    n_steps = spikes.shape[0]
    return xp.sum(spikes, axis=0) / (n_steps * dt if n_steps else xp.nan)
