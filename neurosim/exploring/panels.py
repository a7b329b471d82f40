"""The four panels of an exploration. What cannot be drawn says why in its place."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from xarray import DataArray

from neurosim.errors import NeurosimError, NumericalError
from neurosim.exploring.fixed_points import Equilibrium, fixed_points
from neurosim.exploring.view import View, quantities, quantity, spans_of, starts_of, values_of
from neurosim.neurons._model import NeuronModel
from neurosim.plots._style import COLOURS, readable, tidy
from neurosim.plots.fi_curve import fi_curve, frequencies
from neurosim.plots.phase_portrait import phase_portrait
from neurosim.recording.simulate import simulate

_DURATION = "200 ms"
_CURRENTS, _BRANCH = 21, 41
#: Factor to a readable unit, and its symbol.
_READABLE = {"volt": (1e3, "mV"), "amp": (1e9, "nA"), "siemens": (1e9, "nS")}


def figure_of(neuron: NeuronModel, view: View, inputs: Mapping[str, float]) -> Figure:
    """Trace, phase plane or line, f-I curve, and fixed points over the input.

    Parameters
    ----------
    neuron, view
        What is looked at.
    inputs
        Parameters in SI units.
    """
    figure = Figure(figsize=(11.0, 7.6), layout="constrained")
    axes = figure.subplots(2, 2)
    spans = spans_of(neuron, view, inputs)
    _panel(axes[0, 0], "Trace", lambda ax: _trace(neuron, view, inputs, ax))
    _panel(
        axes[0, 1], "Phase plane" if len(view.plane) > 1 else "Flow", lambda ax: _plane(neuron, view, inputs, spans, ax)
    )
    _panel(
        axes[1, 0], "f-I curve" if neuron.threshold else "Steady output", lambda ax: _curve(neuron, view, inputs, ax)
    )
    _panel(axes[1, 1], "Fixed points over the input", lambda ax: _branches(neuron, view, inputs, spans, ax))
    figure.suptitle(neuron.name)
    return figure


def _panel(ax: Axes, title: str, draw: Callable[[Axes], None]) -> None:
    try:
        draw(ax)
    except NumericalError as error:
        _say(ax, f"The neuron diverges: {error}")
    except NeurosimError as error:
        _say(ax, str(error))
    ax.set_title(title, fontsize="medium", loc="left")


def _say(ax: Axes, sentence: str) -> None:
    ax.clear()
    ax.set_axis_off()
    ax.text(0.0, 0.95, textwrap.fill(sentence, 62), va="top", fontsize="small", transform=ax.transAxes)


def _trace(neuron: NeuronModel, view: View, inputs: Mapping[str, float], ax: Axes) -> None:
    first = view.plane[0]
    record = [first, *(["spikes"] if neuron.threshold else [])]
    course = simulate(neuron, _DURATION, inputs=quantities(neuron, inputs), record=record)
    values, unit = readable(course[first], course[first].values[:, 0, 0])
    ax.plot(course.time * 1e3, values, color=COLOURS[0], linewidth=1.2)
    if neuron.threshold:
        times = course.time.values[course.spikes.values[:, 0, 0] > 0] * 1e3
        ax.plot(
            times, np.full(times.shape, 0.985), "|", color=COLOURS[1], transform=ax.get_xaxis_transform(), clip_on=False
        )
    ax.set_xlabel("time (ms)")
    ax.set_ylabel(f"{first} ({unit})" if unit else first)
    tidy(ax)


def _plane(
    neuron: NeuronModel,
    view: View,
    inputs: Mapping[str, float],
    spans: Mapping[str, tuple[float, float]],
    ax: Axes,
) -> None:
    shown: dict[str, Any] = {name: tuple(quantity(neuron, name, end) for end in spans[name]) for name in view.plane}
    given = quantities(neuron, inputs)
    starts = (
        [tuple(quantity(neuron, name, neuron.initial_values[name]) for name in view.plane)]
        if len(view.plane) == 2
        else []
    )
    points = _points(neuron, view, inputs, spans)
    try:
        phase_portrait(neuron, ax, spans=shown, inputs=given, starts=starts, duration="100 ms")
    except NumericalError as error:
        # A trajectory that diverges leaves the flow to be seen.
        ax.clear()
        phase_portrait(neuron, ax, spans=shown, inputs=given)
        ax.text(
            0.02,
            0.98,
            textwrap.fill(str(error), 60),
            va="top",
            fontsize="x-small",
            color=COLOURS[1],
            transform=ax.transAxes,
        )
    if len(view.plane) == 2:
        factors = [_factor(neuron, name)[0] for name in view.plane]
        for point in points:
            place = [[point.values[name] * factor] for name, factor in zip(view.plane, factors, strict=True)]
            ax.plot(
                *place, "o", color="black", markerfacecolor="black" if point.stable else "white", markersize=8, zorder=6
            )
        others = [name for name in neuron.state_variables if name not in view.plane]
        _note(ax, points, others)
    else:
        _note(ax, points, [])


def _note(ax: Axes, points: list[Equilibrium], others: list[str]) -> None:
    """The kinds of the fixed points beside the plot, and what the plane leaves out."""
    kinds = ", ".join(point.kind for point in points) or "none found below the threshold"
    text = f"fixed points: {kinds}" + (f"; arrows at the start of {', '.join(others)}" if others else "")
    ax.text(
        0.99,
        0.01,
        textwrap.fill(text, 56),
        ha="right",
        va="bottom",
        fontsize="x-small",
        color="0.25",
        transform=ax.transAxes,
        zorder=7,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5},
    )


def _points(
    neuron: NeuronModel, view: View, inputs: Mapping[str, float], spans: Mapping[str, tuple[float, float]]
) -> list[Equilibrium]:
    scales = {name: high - low for name, (low, high) in spans.items()}
    return fixed_points(neuron, values_of(neuron, inputs), starts_of(neuron, view, spans), scales)


def _curve(neuron: NeuronModel, view: View, inputs: Mapping[str, float], ax: Axes) -> None:
    if view.current is None:
        return _say(ax, "No parameter is taken for the input; name one: explore(neuron, current=...).")
    others = quantities(neuron, {name: value for name, value in inputs.items() if name != view.current})
    if neuron.threshold:
        currents = np.linspace(0.0, view.largest, _CURRENTS)
        fi_curve(frequencies(neuron, currents, variable=view.current, inputs=others, duration="500 ms"), ax)
        ax.set_xlabel(_axis(neuron, view.current)[1])
        factor = _factor(neuron, view.current)[0]
        for line in ax.lines:
            line.set_xdata(currents * factor)
        ax.relim()
        ax.autoscale_view()
        ax.axvline(inputs.get(view.current, 0.0) * factor, color="0.5", linestyle=":")
        return None
    output = neuron.ports.get("output", view.plane[0])
    currents = np.linspace(-view.largest, view.largest, _CURRENTS)
    given = {**others, view.current: DataArray(currents, dims=["neuron"], attrs={"units": _unit(neuron, view.current)})}
    course = simulate(neuron, _DURATION, n=_CURRENTS, inputs=given, record=[output])[output].values[:, 0]
    late = course[len(course) // 2 :]
    factor, shown = _axis(neuron, view.current)
    ax.fill_between(currents * factor, late.min(axis=0), late.max(axis=0), color=COLOURS[0], alpha=0.25, linewidth=0)
    ax.plot(currents * factor, late.mean(axis=0), color=COLOURS[0], marker="o", markersize=3)
    ax.set_xlabel(shown)
    ax.set_ylabel(f"{output}: mean, least and most, 100 to 200 ms")
    tidy(ax)
    return None


def _branches(
    neuron: NeuronModel,
    view: View,
    inputs: Mapping[str, float],
    spans: Mapping[str, tuple[float, float]],
    ax: Axes,
) -> None:
    if view.current is None:
        return _say(ax, "No parameter is taken for the input; name one: explore(neuron, current=...).")
    first = view.plane[0]
    factor, shown = _axis(neuron, view.current)
    scale, unit = _factor(neuron, first)
    rests = [
        (each * factor, point.values[first] * scale, point.stable)
        for each in np.linspace(0.0, view.largest, _BRANCH)
        for point in _points(neuron, view, {**inputs, view.current: float(each)}, spans)
    ]
    if not rests:
        return _say(ax, f"No fixed point below the threshold was found for any {view.current} shown.")
    for stable, colour, name in ((True, "black", "stable"), (False, "white", "unstable")):
        there = [(x, y) for x, y, each in rests if each is stable]
        if there:
            ax.plot(
                *zip(*there, strict=True),
                "o",
                color="black",
                markerfacecolor=colour,
                markersize=4,
                label=name,
                linestyle="none",
            )
    ax.axvline(inputs.get(view.current, 0.0) * factor, color="0.5", linestyle=":")
    ax.set_xlim(-0.03 * view.largest * factor, 1.03 * view.largest * factor)
    ax.set_xlabel(shown)
    ax.set_ylabel(f"{first} ({unit})" if unit else first)
    ax.legend(frameon=False, fontsize="small")
    tidy(ax)
    return None


def _factor(neuron: NeuronModel, name: str) -> tuple[float, str]:
    unit = neuron.equation_set.by_name[name].unit
    return _READABLE.get(unit, (1.0, "" if unit == "1" else unit))


def _unit(neuron: NeuronModel, name: str) -> str:
    return neuron.equation_set.by_name[name].unit


def _axis(neuron: NeuronModel, name: str) -> tuple[float, str]:
    factor, unit = _factor(neuron, name)
    return factor, f"{name} ({unit})" if unit else name
