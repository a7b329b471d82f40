"""The f-I curve of a neuron: its firing rate at each of several constant input currents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray
from matplotlib.axes import Axes

from neurosim.border import COUNT, ENGINE, MOMENT, SEED, TIME, optional, public
from neurosim.border.arguments import AXES, MAPPING, NAME, having
from neurosim.errors import ArgumentError
from neurosim.metrics._spike_arguments import seconds
from neurosim.neurons._model import NeuronModel
from neurosim.plots._arguments import drawing
from neurosim.plots._style import COLOURS, axes, readable, tidy
from neurosim.recording.events import spike_events
from neurosim.recording.simulate import simulate
from neurosim.suggestions import hint
from neurosim.units import array_in_si
from neurosim.untyped import UserValue


def _neuron(name: str, value: UserValue) -> NeuronModel:
    if not isinstance(value, NeuronModel) or value.threshold is None:
        raise ArgumentError(name, value, "a NeuronModel with a threshold, so that it spikes")
    return value


@public(
    neuron=_neuron,
    variable=NAME,
    duration=TIME,
    settle=MOMENT,
    trials=COUNT,
    inputs=optional(MAPPING),
    engine=ENGINE,
    dt=TIME,
    seed=SEED,
)
def frequencies(
    neuron: NeuronModel,
    currents: Sequence[UserValue] | np.ndarray,
    *,
    variable: str = "i_ext",
    duration: str | float = "1 second",
    settle: str | float = "100 ms",
    trials: int = 1,
    inputs: Mapping[str, UserValue] | None = None,
    engine: str = "batched",
    dt: str | float = "0.1 ms",
    seed: int = 0,
) -> xarray.DataArray:
    """Simulate a neuron at all currents at once, one neuron for each, and count its spikes.

    Parameters
    ----------
    neuron
        The model, with a threshold.
    currents
        Values of the input: quantities such as ``["0.1 nA", "0.2 nA"]``, or numbers in SI units.
    variable
        The parameter that they are given to.
    duration, settle
        How long is simulated, and how much of the beginning does not count.
    trials
        Number of independent trials, for neurons with noise.
    inputs, engine, dt, seed
        As for `neurosim.simulate`.

    Returns
    -------
    xarray.DataArray
        ``(current, trial)``, in hertz: spikes after `settle`, divided by the time that is left.

    Raises
    ------
    ArgumentError, UnitError
        Arguments that do not fit.
    NumericalError
        The neuron stops being finite.

    Notes
    -----
    Elephant's ``mean_firing_rate`` from `settle` on.
    """
    length, begin = seconds(duration), seconds(settle)
    if not 0 <= begin < length:
        raise ArgumentError("settle", settle, f"a time from 0 to before the end, {length:g} s")
    parameters = {equation.name: equation.unit for equation in neuron.equation_set.of("parameter")}
    if variable not in parameters:
        known = ", ".join(parameters) or "none"
        expected = f"a parameter of the neuron: {known}{hint(variable, tuple(parameters))}"
        raise ArgumentError("variable", variable, expected)
    values = np.atleast_1d(array_in_si(currents, parameters[variable]))
    if values.ndim != 1 or not values.size:
        raise ArgumentError("currents", currents, "a list of values, one at least")
    if variable in (inputs or {}):
        raise ArgumentError("inputs", inputs, f"other parameters than '{variable}', which the currents set")
    given = {**(inputs or {}), variable: xarray.DataArray(values, dims=["neuron"])}
    recording = simulate(
        neuron,
        length,
        n=len(values),
        trials=trials,
        inputs=given,
        record=["spikes"],
        engine=engine,
        dt=dt,
        seed=seed,
    )
    spikes = spike_events(recording)
    # Rounding of times does not decide of a spike at the edge.
    late = spikes.time >= begin - 1e-9 * length
    place = spikes.neuron_place[late] * trials + spikes.trial_place[late]
    spike_counts = np.bincount(place, minlength=len(values) * trials).reshape(len(values), trials)
    unit = parameters[variable]
    return xarray.DataArray(
        spike_counts / (spikes.end - begin),
        {"current": ("current", values, {"units": unit, "long_name": variable}), "trial": spikes.trials},
        ["current", "trial"],
        "rate",
        {"units": "Hz", "long_name": "firing rate", "model": neuron.name},
    )


@drawing(curve=having("a curve of neurosim.plots.fi_curve.frequencies", "dims", "coords"), ax=optional(AXES))
def fi_curve(curve: xarray.DataArray, ax: Axes | None = None, *, name: str = "") -> Axes:
    """Draw a firing rate over current; with several trials their mean, and bars of a standard deviation.

    Parameters
    ----------
    curve
        Result of `frequencies`.
    ax
        Where to draw; a new figure by default, which is ``ax.figure``.
    name
        For the legend, to draw several into the same Axes.

    Raises
    ------
    ArgumentError
        It is no such curve.
    """
    if set(curve.dims) != {"current", "trial"} or "current" not in curve.coords:
        raise ArgumentError("curve", f"the dimensions {curve.dims}", "a curve of neurosim.plots.fi_curve.frequencies")
    ax = axes(ax)
    current, unit = readable(curve.current, curve.current.values)
    rates = curve.transpose("current", "trial").values
    order = np.argsort(current)
    looks: dict[str, Any] = {"color": COLOURS[len(ax.lines) % len(COLOURS)], "linewidth": 1.8, "label": name}
    ax.plot(current[order], rates.mean(axis=1)[order], marker="o", markersize=3, **looks)
    if rates.shape[1] > 1:
        ax.vlines(
            current,
            rates.mean(axis=1) - rates.std(axis=1, ddof=1),
            rates.mean(axis=1) + rates.std(axis=1, ddof=1),
            color=looks["color"],
            linewidth=1.0,
        )
    shown = str(curve.current.attrs.get("long_name", "current"))
    ax.set_xlabel(f"{shown} ({unit})" if unit else shown)
    ax.set_ylabel("firing rate (Hz)")
    if name:
        ax.legend(frameon=False)
    return tidy(ax)
