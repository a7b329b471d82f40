"""Firing rate over time, smoothed by a kernel: spikes per second and neuron."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from neurosim.errors import ArgumentError
from neurosim.metrics._spike_arguments import labelled, measuring, seconds, trains
from neurosim.metrics._spike_events import SpikeEvents, bin_count, counts

if TYPE_CHECKING:
    import xarray

UNIT = "Hz"
BETTER = "none"
# Standard deviations at which a kernel ends.
_CUTOFF = 5.0


@measuring()
def measure(
    spikes: SpikeEvents,
    *,
    sigma: str | float = "10 ms",
    kernel: Literal["gaussian", "rectangular", "exponential"] = "gaussian",
    sampling: str | float = "1 ms",
    per: Literal["population", "neuron"] = "population",
) -> xarray.DataArray:
    """Replace each spike by a kernel of area one.

    Parameters
    ----------
    spikes
        Result of `neurosim.spike_events`.
    sigma
        Standard deviation of the kernel: a quantity, or seconds. The half width of ``rectangular`` is
        ``sqrt(3)*sigma``, the time constant of ``exponential`` is ``sigma``.
    kernel
        ``gaussian`` and ``rectangular`` look both ways; ``exponential`` looks back only, as a synapse does.
    sampling
        Interval between the values.
    per
        ``population`` averages over neurons, those without a spike included; ``neuron`` gives the rate of each.

    Returns
    -------
    xarray.DataArray
        ``(time, trial)`` or ``(time, trial, neuron)``, in hertz, ``time`` in seconds.

    Raises
    ------
    ArgumentError, UnitError
        Arguments that do not fit; a sampling interval longer than `sigma` or than the recording.

    Notes
    -----
    Elephant's ``instantaneous_rate`` with a kernel of the same name and ``center_kernel=False``, cut at five standard
    deviations and without border correction: near the ends of the recording rates fall off over `sigma`. The values
    of the kernel are scaled so that a spike counts exactly once; Elephant's differ by the error of sampling, 6e-7 of a
    Gaussian and ``sampling/(2*sigma)`` of an exponential.
    """
    from scipy.signal import fftconvolve

    width, step = seconds(sigma), seconds(sampling)
    if step > width * (1 + 1e-9):
        raise ArgumentError("sampling", sampling, f"at most sigma, {width:g} s, so that the kernel keeps its form")
    count = bin_count(spikes, step, name="sampling")
    spike_counts = counts(spikes, step, count, begin=spikes.begin, per=per).astype(float)
    values = _kernel(kernel, width, step)
    smooth = fftconvolve(spike_counts.reshape(count, -1), values[:, None], mode="same", axes=0)
    # The transform leaves rounding errors on both sides of zero.
    smooth = np.maximum(smooth, 0.0).reshape(spike_counts.shape)
    neurons = len(spikes.neurons) if per == "population" else 1
    dims, coords = trains(spikes, per)
    return labelled(
        smooth / neurons,
        ("time", *dims),
        {"time": spikes.begin + step * np.arange(count), **coords},
        name="rate",
        unit=UNIT,
        long_name="firing rate",
        kernel=kernel,
        sigma=width,
    )


def _kernel(kernel: str, sigma: float, step: float) -> np.ndarray:
    """A kernel at multiples of a step, an odd number of values around zero, in hertz, of area one."""
    half = math.ceil(_CUTOFF * sigma / step * (1 - 1e-12))
    time = step * np.arange(-half, half + 1) / sigma
    if kernel == "gaussian":
        values = np.exp(-0.5 * time**2)
    elif kernel == "rectangular":
        values = (np.abs(time) < math.sqrt(3)).astype(float)
    else:
        values = np.where(time >= 0, np.exp(-np.maximum(time, 0)), 0.0)
    return values / (values.sum() * step)
