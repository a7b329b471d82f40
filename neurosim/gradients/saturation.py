"""Which rate neurons are silent or saturated, from what they do in a batch of trials."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Population
from neurosim.equations.array_code import expression_function

#: A neuron is saturated where its slope is below this share of that at rest.
FLAT = 0.05
#: The numbers that `shares` gives.
SATURATION_NUMBERS = ("silent_share", "saturated_share")


def variables_of(circuit: Circuit, layer: str) -> tuple[str, str] | None:
    """The rate of a layer and its slope, as variables; none if the slope is no expression of one state variable."""
    population = circuit.population[layer]
    ports = population.neuron.ports
    if "gain" not in ports or "output" not in ports or _at_rest(population) is None:
        return None
    return f"{layer}.{ports['output']}", f"{layer}.{ports['gain']}"


def shares(circuit: Circuit, layer: str, ends: Mapping[str, np.ndarray]) -> dict[str, float]:
    """The share of a layer's neurons without a rate in any trial, and that of rates whose slope is flat.

    Parameters
    ----------
    ends
        What `variables_of` are at the end of a phase, ``(trial, n)`` each.
    """
    names = variables_of(circuit, layer)
    rest = _at_rest(circuit.population[layer])
    if names is None or not rest or any(name not in ends for name in names):
        return dict.fromkeys(SATURATION_NUMBERS, math.nan)
    rate, slope = (np.asarray(ends[name]) for name in names)
    silent = np.all((rate == 0) & (slope == 0), axis=0)
    flat = (np.abs(slope) < FLAT * rest) & (rate != 0)
    return {"silent_share": float(np.mean(silent)), "saturated_share": float(np.mean(flat))}


def _at_rest(population: Population) -> float | None:
    """The slope at a potential of zero; none if it depends on more than that, or is the same everywhere."""
    equations = population.neuron.equation_set.by_name
    name = population.neuron.ports.get("gain", "")
    text = equations[name].expression if name in equations else None
    while text is not None and text in equations:
        text = equations[text].expression
    if text is None:
        return None
    function = expression_function("slope", text)
    if len(function.arguments) != 1 or function.arguments[0] not in population.neuron.state_variables:
        return None
    return float(np.abs(function.compile(np)(**{function.arguments[0]: np.float64(0.0)})))
