"""Population codes of signed scalars with spiking neurons: rate curves and decoding weights.

Half of the neurons fire more when the scalar rises, half when it falls; thresholds and largest rates differ from
neuron to neuron. Gains and background currents follow from the inverse of the rate curve, weights to read the scalar
from least squares over it: nothing is fitted to a simulation. Eliasmith & Anderson (2003), Neural Engineering, MIT
Press, chapters 2 and 4; the rate curve in Gerstner, Kistler, Naud & Paninski (2014), Neuronal Dynamics, section 1.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.errors import ConfigError
from neurosim.stability._arguments import checked_code

# Points between -1 and 1 at which decoders are fitted by least squares.
_POINTS = 201


@dataclass(frozen=True)
class FiringCurve:
    """The rate of a leaky integrate-and-fire neuron by its current, for a threshold 1 above rest and reset.

    Attributes
    ----------
    tau_m, tau_ref
        Time constant of the membrane and refractory period, in seconds.
    dt
        Time step in seconds. In steps an interval is half of one shorter: a threshold is noticed half a step late on
        average, but the first step of the refractory period is that of the spike itself.
    """

    tau_m: float
    tau_ref: float
    dt: float = 0.0

    @property
    def _pause(self) -> float:
        return self.tau_ref - self.dt / 2

    def rate(self, current: np.ndarray) -> np.ndarray:
        """Spikes per second, of the shape of `current`; none up to a current of 1."""
        above = np.maximum(np.asarray(current, dtype=float) - 1.0, 1e-12)
        rate = 1 / (self._pause + self.tau_m * np.log1p(1 / above))
        return np.where(np.asarray(current) > 1.0, rate, 0.0)

    def current(self, rate: np.ndarray) -> np.ndarray:
        """The current at which a neuron fires at this many spikes per second, above 0.

        Raises
        ------
        ConfigError
            A rate that the refractory period does not allow.
        """
        interval = 1 / np.asarray(rate, dtype=float) - self._pause
        if not (interval > 0).all():
            raise ConfigError(
                f"rates: got {np.max(rate):g} Hz, expected less than the {1 / self._pause:g} Hz that the refractory "
                "period allows"
            )
        return 1 / -np.expm1(-interval / self.tau_m)


@dataclass(frozen=True)
class PopulationCode:
    """Neurons that carry a scalar between -1 and 1: their current is ``gain*scalar + background``.

    Attributes
    ----------
    curve
        Rate curve of each of them.
    gain, background
        (n,); the gain is positive in the first half of the neurons and negative in the others.
    """

    curve: FiringCurve
    gain: np.ndarray
    background: np.ndarray

    def rates(self, scalar: np.ndarray) -> np.ndarray:
        """Spikes per second at constant scalars, (..., n) for (...)."""
        return self.curve.rate(np.asarray(scalar)[..., None] * self.gain + self.background)

    def decoder(self, tau: float) -> np.ndarray:
        """The weights by which rates give the scalar, (n,), in seconds.

        They minimise the squared error over scalars between -1 and 1, with the variance that spikes leave after a
        filter of time constant `tau` (`spike_variance`) as the ridge, and are then scaled so that what is read rises
        with slope one: a common shrinkage would be carried into what a loop computes.

        Parameters
        ----------
        tau
            In seconds.
        """
        scalar = np.linspace(-1, 1, _POINTS)
        rates = self.rates(scalar)
        noise = np.diag(spike_variance(rates, tau).mean(axis=0))
        weights = np.linalg.lstsq(rates.T @ rates / _POINTS + noise, rates.T @ scalar / _POINTS, rcond=None)[0]
        return weights * np.sum(scalar**2) / np.sum(scalar * (rates @ weights))


@checked_code()
def population_code(
    generator: np.random.Generator,
    neurons: int,
    curve: FiringCurve,
    *,
    rates: tuple[float, float],
    thresholds: tuple[float, float] = (-0.9, 0.9),
) -> PopulationCode:
    """Draw a population of neurons, half with positive and half with negative gain.

    Parameters
    ----------
    generator
        Draws thresholds and rates.
    neurons
        How many; even.
    curve
        Rate curve of each of them.
    rates
        Between which their largest rate is drawn, in spikes per second: that at a scalar of 1, or -1.
    thresholds
        Between which the scalar is drawn from which on they fire, times the sign of their gain; between -1 and 1.

    Raises
    ------
    ConfigError
        An odd number of neurons, or thresholds or rates out of range.
    """
    if neurons < 2 or neurons % 2:
        raise ConfigError(f"neurons: got {neurons}, expected an even number, half of which fire for either sign")
    if not -1 <= thresholds[0] <= thresholds[1] < 1:
        raise ConfigError(f"thresholds: got {thresholds}, expected two numbers from -1 to below 1, the lower first")
    if not 0 < rates[0] <= rates[1]:
        raise ConfigError(f"rates: got {rates}, expected two numbers above 0 Hz, the lower first")
    threshold = generator.uniform(*thresholds, neurons)
    slope = (curve.current(generator.uniform(*rates, neurons)) - 1) / (1 - threshold)
    sign = np.where(np.arange(neurons) < neurons // 2, 1.0, -1.0)
    return PopulationCode(curve, sign * slope, 1 - slope * threshold)


@checked_code()
def spike_variance(rate: np.ndarray, tau: float) -> np.ndarray:
    """The variance of a periodic spike train behind an exponential filter of area one, at a random time.

    ``f/(2 tau) coth(1/(2 f tau)) - f^2`` for f spikes per second; a Poisson train would have ``f/(2 tau)``.

    Parameters
    ----------
    rate
        Spikes per second.
    tau
        Time constant of the filter, in seconds.
    """
    f = np.asarray(rate, dtype=float)
    count = np.maximum(f * tau, 1e-3)  # below that the hyperbolic cotangent is one
    variance = f / (2 * tau) / np.tanh(1 / (2 * count)) - f**2
    return np.maximum(variance, 0.0)
