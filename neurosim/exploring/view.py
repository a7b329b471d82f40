"""What is looked at of a neuron: its input, its one or two variables of interest, and how far they range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurosim.equations.inlined import names_within
from neurosim.errors import ArgumentError, NumericalError
from neurosim.neurons._model import NeuronModel
from neurosim.recording.simulate import simulate
from neurosim.suggestions import hint

#: Names of inputs, the usual first, and the largest that is shown by unit, where the neuron has no ``i_scale``.
_INPUTS = ("i_ext", "drive", "I", "i", "i_in", "input")
_LARGEST = {"1": 3.0, "amp": 1e-9, "amp/metre**2": 0.2, "volt/second": 20.0, "volt": 0.03}
_DURATION = 0.2


@dataclass(frozen=True)
class View:
    """What is looked at.

    Attributes
    ----------
    plane
        One or two state variables.
    current, largest
        The parameter that is the input, if there is one, and the largest that is shown, in SI units.
    """

    plane: tuple[str, ...]
    current: str | None
    largest: float


def view_of(neuron: NeuronModel, plane: tuple[str, ...] | None, current: str | None) -> View:
    """The given variables and input, checked, or those that the equations suggest."""
    units = {each.name: each.unit for each in neuron.equation_set.of("parameter")}
    known = neuron.state_variables
    if not known:
        raise ArgumentError("neuron", neuron.name, "a neuron with a variable that changes in time")
    if plane is not None and (not 1 <= len(set(plane)) == len(plane) <= 2 or not set(plane) <= set(known)):
        wrong = next((name for name in plane if name not in known), "")
        raise ArgumentError("plane", plane, f"one or two of {', '.join(known)}{hint(wrong, known)}")
    if current is not None and current not in units:
        raise ArgumentError("current", current, f"a parameter: {', '.join(units) or 'none'}{hint(current, units)}")
    if current is None:
        current = next((name for name in _INPUTS if name in units and name not in neuron.per_neuron), None)
    scale = neuron.parameter_values.get("i_scale")
    unit = units.get(current or "", "1")
    largest = 2.0 * scale if scale and units.get("i_scale") == unit else _LARGEST.get(unit, 1.0)
    return View(plane or _suggested(neuron), current, float(largest))


def _suggested(neuron: NeuronModel) -> tuple[str, ...]:
    """The variable of the threshold, or ``v``, or the first; and another that it changes and is changed by."""
    known = neuron.state_variables
    within = names_within([neuron.threshold], {}) if neuron.threshold else frozenset[str]()
    first = next((name for name in known if name in within), "v" if "v" in known else known[0])
    reads = {name: _read(neuron, name) for name in known}
    both = [name for name in known if name != first and name in reads[first] and first in reads[name]]
    # Of gates the last is the slow one that recovers: Hodgkin and Huxley's n.
    return (first, both[-1]) if both else (first,)


def _read(neuron: NeuronModel, name: str) -> set[str]:
    """State variables that a variable's change depends on, also through expressions."""
    equations, read_by_it, waiting = neuron.equation_set.by_name, set[str](), [name]
    seen = set[str]()
    while waiting:
        equation = equations.get(waiting.pop())
        if equation is None or not equation.expression or equation.name in seen:
            continue
        seen.add(equation.name)
        for each in names_within([equation.expression], {}):
            if each in neuron.state_variables:
                read_by_it.add(each)
            else:
                waiting.append(each)
    return read_by_it


def values_of(neuron: NeuronModel, inputs: Mapping[str, float]) -> dict[str, float]:
    """Parameters in SI units, those that differ between neurons at the given value or zero."""
    return {**neuron.parameter_values, **dict.fromkeys(neuron.per_neuron, 0.0), "t": 0.0, "dt": 1e-4, **inputs}


def quantities(neuron: NeuronModel, values: Mapping[str, float]) -> dict[str, str]:
    """Numbers in SI units as text with their units, as `neurosim.simulate` takes them."""
    return {name: quantity(neuron, name, value) for name, value in values.items()}


def quantity(neuron: NeuronModel, name: str, value: float) -> str:
    """One of them."""
    unit = neuron.equation_set.by_name[name].unit
    return f"{float(value)!r} {unit}" if unit != "1" else repr(float(value))


def spans_of(neuron: NeuronModel, view: View, inputs: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """How far each state variable ranges: where it begins, and where it goes without and with input.

    What diverges counts as far as it began.
    """
    reached: dict[str, list[float]] = {name: [neuron.initial_values.get(name, 0.0)] for name in neuron.state_variables}
    for share in (0.0, 0.5):
        given = {view.current: share * view.largest} if view.current else {}
        try:
            course = simulate(neuron, _DURATION, inputs=quantities(neuron, {**inputs, **given}), record=list(reached))
        except NumericalError:
            continue
        for name, values in reached.items():
            went = course[name].values
            values += [float(went.min()), float(went.max())]
    return {name: _widened(values) for name, values in reached.items()}


def _widened(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = 0.25 * (high - low) or 0.5 * abs(high) or 1.0
    return low - room, high + room


def starts_of(neuron: NeuronModel, view: View, spans: Mapping[str, tuple[float, float]]) -> np.ndarray:
    """Where to look for fixed points: a grid over the plane and as far again on each side, the rest as it begins.

    A neuron need not have been near all of its fixed points: the other well of two is on the far side.
    """
    names = neuron.state_variables
    begin = np.array([neuron.initial_values.get(name, 0.0) for name in names])
    ends = [(2 * spans[name][0] - spans[name][1], 2 * spans[name][1] - spans[name][0]) for name in view.plane]
    grids = [np.linspace(low, high, 13) for low, high in ends]
    mesh = np.stack([each.ravel() for each in np.meshgrid(*grids)], axis=-1)
    starts = np.tile(begin, (len(mesh), 1))
    for column, name in zip(mesh.T, view.plane, strict=True):
        starts[:, names.index(name)] = column
    return np.vstack([begin, starts])
