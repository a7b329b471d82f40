"""The phase portrait of a neuron with one or two variables: flow, nullclines and fixed points."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from neurosim.border import TIME
from neurosim.border.arguments import MAPPING
from neurosim.equations.array_code import expression_function
from neurosim.errors import CircuitError
from neurosim.metrics._spike_arguments import seconds
from neurosim.neurons._model import NeuronModel
from neurosim.plots._arguments import drawing
from neurosim.plots._style import COLOURS, tidy
from neurosim.recording.simulate import simulate
from neurosim.units import parse_quantity
from neurosim.untyped import Array, UserValue

_ARROWS, _FINE = 17, 201
#: Readable units of potentials and currents, and their number per SI unit.
_SHOWN = {"volt": ("mV", 1e3), "amp": ("nA", 1e9), "siemens": ("nS", 1e9)}


@drawing(duration=TIME)
def phase_portrait(
    neuron: NeuronModel,
    ax: Axes,
    *,
    spans: Mapping[str, tuple[UserValue, UserValue]],
    inputs: Mapping[str, UserValue] | None = None,
    starts: Sequence[Sequence[UserValue]] = (),
    duration: str = "100 ms",
) -> Axes:
    """Draw how one variable of a neuron changes at each of its values, or two at each pair of values.

    For one variable, its rate of change; filled points attract, open ones repel. For two, arrows along the flow (the
    darker, the faster), the nullclines, and trajectories, with the resets of spikes, from `starts`.

    Parameters
    ----------
    neuron
        The model; further variables stand at their initial values, noise is left out.
    ax
        Where to draw.
    spans
        The one or two variables, first the one that goes across, each from where to where: quantities such as
        ``("-80 mV", "-40 mV")``, or numbers in SI units.
    inputs
        Parameters to set: ``{"i_ext": "0.5 nA"}``.
    starts
        Where trajectories begin: one value a variable.
    duration
        How long they are followed.

    Raises
    ------
    CircuitError
        Another number of variables, or one that the neuron does not have.
    UnitError
        A wrong unit.
    """
    known = neuron.state_variables
    if not 1 <= len(spans) <= 2 or not set(spans) <= set(known):
        raise CircuitError(f"spans: got {', '.join(spans) or 'nothing'}, expected one or two of {', '.join(known)}")
    names = tuple(spans)
    units = {name: neuron.equation_set.by_name[name].unit for name in neuron.equation_set.by_name}
    ranges = [tuple(parse_quantity(end, units[name]) for end in spans[name]) for name in names]
    fixed = {**neuron.parameter_values, **neuron.initial_values}
    if differing := sorted(neuron.per_neuron.keys() - {*(inputs or {}), *names}):
        raise CircuitError(
            f"'{differing[0]}' differs between neurons; give one value by inputs={{'{differing[0]}': ...}}"
        )
    fixed |= dict.fromkeys(neuron.per_neuron, 0.0)
    for name, value in (inputs or {}).items():
        if name not in fixed:
            raise CircuitError(f"inputs: '{name}' is no parameter of the neuron; known: {', '.join(sorted(fixed))}")
        fixed[name] = parse_quantity(value, units[name])
    if len(names) == 1:
        return _line(neuron, ax, names[0], ranges[0], fixed, units)
    fine = [np.linspace(each[0], each[1], _FINE) for each in ranges]
    across, up = np.meshgrid(*fine)
    change = [derivative(neuron, name, {**fixed, names[0]: across, names[1]: up}) for name in names]
    scales = [_SHOWN.get(units[name], ("", 1.0))[1] for name in names]
    _flow(neuron, ax, names, ranges, fixed, scales)
    handles = []
    for number, (name, values) in enumerate(zip(names, change, strict=True)):
        look = {"colors": [COLOURS[number]], "linestyles": ["-", "--"][number], "linewidths": 1.8}
        if values.min() < 0 < values.max():
            ax.contour(across * scales[0], up * scales[1], values, levels=[0.0], **look)
        handles.append(
            Line2D([], [], color=COLOURS[number], linestyle="--" if number else "-", label=f"d{name}/dt = 0")
        )
    for start in starts:
        begin = {name: parse_quantity(value, units[name]) for name, value in zip(names, start, strict=True)}
        state = {f"neuron.{name}": value for name, value in begin.items()}
        fires = neuron.threshold is not None
        record = [*names, *(["spikes"] if fires else [])]
        course = simulate(neuron, duration, inputs=inputs, state=state, record=record)
        path = [course[name].values[:, 0, 0] * scale for name, scale in zip(names, scales, strict=True)]
        if fires:
            # A reset is no part of the flow: the line ends at a spike and restarts after it.
            jumps = np.flatnonzero(course.spikes.values[:-1, 0, 0]) + 1
            path = [np.insert(each, jumps, np.nan) for each in path]
        ax.plot(*path, color=COLOURS[2], linewidth=1.3)
        ax.plot(path[0][0], path[1][0], "o", color=COLOURS[2], markersize=4)
    if len(starts):
        handles.append(Line2D([], [], color=COLOURS[2], label=f"trajectories, {seconds(duration) * 1e3:g} ms"))
    ax.set_xlim(*(end * scales[0] for end in ranges[0]))
    ax.set_ylim(*(end * scales[1] for end in ranges[1]))
    ax.set_xlabel(_label(names[0], units[names[0]]))
    ax.set_ylabel(_label(names[1], units[names[1]]))
    ax.legend(
        handles=handles, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3, fontsize="small"
    )
    ax.spines[["top", "right"]].set_visible(False)
    return ax


@drawing(values=MAPPING)
def derivative(neuron: NeuronModel, variable: str, values: Mapping[str, Array]) -> np.ndarray:
    """The rate of change of a variable, in SI units, with noise at its mean.

    Parameters
    ----------
    values
        Values of state variables and parameters, numbers or arrays of one shape.
    """
    known: dict[str, Any] = dict(values)
    equations = neuron.equation_set.by_name

    def value(name: str) -> Any:
        if name not in known:
            equation = equations.get(name)
            if name == "xi" or name.startswith("xi_"):
                known[name] = 0.0
            elif equation is not None and equation.kind == "subexpression":
                known[name] = computed(name)
            else:
                raise CircuitError(f"'{name}' has no value; give it in inputs")
        return known[name]

    def computed(name: str) -> Any:
        arguments, compiled = _compiled(equations[name].expression or "0")
        return compiled(**{argument: value(argument) for argument in arguments})

    shape = np.broadcast_shapes(*(np.shape(each) for each in values.values()))
    return np.broadcast_to(np.asarray(computed(variable), dtype=float), shape)


@functools.lru_cache(maxsize=256)
def _compiled(expression: str) -> tuple[tuple[str, ...], Callable[..., Any]]:
    """An expression's names, and what computes it: fixed points ask for the same ones again and again."""
    function = expression_function("change", expression)
    return function.arguments, function.compile(np)


def _line(
    neuron: NeuronModel,
    ax: Axes,
    name: str,
    span: tuple[float, ...],
    fixed: Mapping[str, Array],
    units: Mapping[str, str],
) -> Axes:
    """Draw the rate of change of one variable."""
    scale = _SHOWN.get(units[name], ("", 1.0))[1]
    values = np.linspace(span[0], span[1], 1001)
    change = derivative(neuron, name, {**fixed, name: values})
    ax.axhline(0, color="0.4", linewidth=1, linestyle=":")
    # Per millisecond, the scale on which potentials move.
    ax.plot(values * scale, change * scale * 1e-3, color=COLOURS[0], linewidth=1.8)
    for place in np.flatnonzero(np.diff(np.sign(change)) != 0):
        low, high = change[place], change[place + 1]
        if low == high:
            continue
        where = values[place] - low * (values[place + 1] - values[place]) / (high - low)
        ax.plot(where * scale, 0, "o", color="black", markersize=7, markerfacecolor="black" if low > high else "white")
    ax.set_xlabel(_label(name, units[name]))
    shown = _SHOWN.get(units[name], ("", 1.0))[0]
    ax.set_ylabel(f"d{name}/dt ({shown}/ms)" if shown else f"d{name}/dt (1/ms)")
    ax.set_xlim(*(end * scale for end in span))
    return tidy(ax)


def _flow(
    neuron: NeuronModel,
    ax: Axes,
    names: Sequence[str],
    ranges: Sequence[tuple[float, ...]],
    fixed: Mapping[str, Array],
    scales: Sequence[float],
) -> None:
    """Arrows, one length, in the directions that the axes show."""
    inner = [np.linspace(low, high, _ARROWS + 2)[1:-1] for low, high in ranges]
    across, up = np.meshgrid(*inner)
    # In fractions of the axes per second, so that directions are those on paper.
    along = [
        derivative(neuron, name, {**fixed, names[0]: across, names[1]: up}) / (high - low)
        for name, (low, high) in zip(names, ranges, strict=True)
    ]
    speed = np.hypot(*along)
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = [np.where(speed > 0, each / speed, 0.0) for each in along]
    rank = np.argsort(np.argsort(speed.ravel())).reshape(speed.shape) / speed.size
    look: dict[str, Any] = {"cmap": "Greys", "clim": (-0.6, 1.4), "pivot": "mid", "scale": 26, "width": 0.004}
    ax.quiver(across * scales[0], up * scales[1], *unit, rank, **look)


def _label(name: str, unit: str) -> str:
    shown = _SHOWN.get(unit, (unit if unit != "1" else "", 1.0))[0]
    return f"{name} ({shown})" if shown else name
