"""Spikes per second of every neuron."""

from __future__ import annotations

from typing import Any

from neurosim.metrics._arrays import namespace

UNIT = "Hz"
BETTER = "none"


def measure(spikes: Any, dt: float) -> Any:
    """Count the spikes over time; unlike the other metrics this one compares nothing.

    Parameters
    ----------
    spikes
        Booleans ``(time, ...)``, such as ``(time, trial, neuron)``.
    dt
        Length of a time step, in seconds.

    Returns
    -------
    array
        ``(...)``, in hertz; nan without time steps.
    """
    xp, spikes = namespace(spikes)
    n_steps = spikes.shape[0]
    return xp.sum(spikes, axis=0) / (n_steps * dt if n_steps else xp.nan)
