"""What users pass as inputs -> parameters, per-trial values and courses over time, in SI units."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from neurosim.circuit.description import Circuit, Population
from neurosim.equations.parse import Equation, parse_equations
from neurosim.errors import CircuitError, UnitError
from neurosim.neurons._model import NeuronModel
from neurosim.units.arrays import array_in_si

#: What a readout compares the output with; the circuit declares it, so that it is none of the neuron's own parameters.
TARGET = "target"
#: What stands in for white noise, and for the draws of a threshold, whose numbers are given.
GIVEN_NOISE, GIVEN_UNIFORM = "given_noise", "given_uniform"


@dataclass
class Inputs:
    """Inputs, sorted by how they vary.

    Attributes
    ----------
    state
        Qualified parameter -> scalar or one number a neuron.
    stimuli
        Qualified parameter -> ``(trial, n)`` or ``(step, trial, n)``.
    """

    state: dict[str, np.ndarray] = field(default_factory=dict)
    stimuli: dict[str, np.ndarray] = field(default_factory=dict)


def apply_inputs(
    circuit: Circuit, given: Mapping[str, Any], *, steps: int, trials: int, dt: float
) -> tuple[Circuit, Inputs]:
    """Set parameters of a circuit's neurons, and the target of its readout.

    Parameters
    ----------
    given
        ``population.parameter`` (or the bare parameter, in a circuit of one population) -> a quantity, or an
        array of shape ``(n,)``, ``(trial, n)``, ``(step,)``, ``(step, n)`` or ``(step, trial, n)``. White noise
        ``xi`` takes standard normal numbers over time, ``rand`` those between 0 and 1 that a threshold draws.
        ``<output population>.target`` is what a readout wants.

    Returns
    -------
    tuple
        The circuit, in which what varies is no longer declared constant, and the sorted inputs.

    Raises
    ------
    CircuitError
        An unknown name or an array of a shape that does not fit, naming both.
    UnitError
        A wrong unit.
    """
    found = Inputs()
    for name, value in given.items():
        population, parameter = _locate(circuit, name)
        if parameter == "xi" or parameter.startswith("xi_"):
            circuit, parameter = _replace_noise(circuit, population, parameter)
            array = np.asarray(value, dtype=float) / np.sqrt(dt)
        elif parameter == "rand":
            circuit, parameter = _replace_draw(circuit, population)
            array = np.asarray(value, dtype=float)
        elif _is_target(circuit, population, parameter):
            array = _target(value, population, circuit.population[population].size, trials)
        else:
            array = _in_si(circuit, population, parameter, value)
        if array.ndim > 0 and not _is_target(circuit, population, parameter):
            circuit = _declare_varying(circuit, population, parameter)
        qualified = f"{population}.{parameter}"
        _sort(found, qualified, array, circuit.population[population].size, steps=steps, trials=trials)
    return circuit, found


def _locate(circuit: Circuit, name: str) -> tuple[str, str]:
    population, dot, parameter = name.rpartition(".")
    if not dot:
        if len(circuit.populations) != 1:
            known = ", ".join(circuit.population)
            raise CircuitError(f"the input '{name}' should be 'population.{name}'; populations: {known}")
        population = circuit.populations[0].name
    if population not in circuit.population:
        raise CircuitError(
            f"the input '{name}' is for a population '{population}'; known: {', '.join(circuit.population)}"
        )
    model = circuit.population[population].model
    allowed = [equation.name for equation in model.equation_set.of("parameter")]
    allowed += sorted(
        {n for e in model.equation_set.of("differential") for n in e.names if n == "xi" or n.startswith("xi_")}
    )
    allowed += ["rand"] if "rand()" in (model.threshold or "") else []
    allowed += [TARGET] if _is_target(circuit, population, TARGET) else []
    if parameter not in allowed:
        raise CircuitError(
            f"'{parameter}' is no parameter of '{population}' that could be set; known: {', '.join(allowed)}"
        )
    bound = circuit.population[population].bind
    if parameter in bound:
        raise CircuitError(f"'{population}.{parameter}' is bound to '{bound[parameter]}' here and cannot be set")
    feeding = [p.name for p in circuit.pathways if p.target == f"{population}.{parameter}" and not p.at_spikes]
    if feeding:
        raise CircuitError(
            f"'{population}.{parameter}' is what the pathway '{feeding[0]}' delivers; set another parameter, "
            "or leave the pathway out"
        )
    return population, parameter


def _is_target(circuit: Circuit, population: str, parameter: str) -> bool:
    return circuit.readout is not None and population == circuit.output_population and parameter == TARGET


def _target(value: Any, population: str, size: int, trials: int) -> np.ndarray:
    """A target as an array with an axis of trials: engines know it as a stimulus alone."""
    try:
        array = array_in_si(value, "1")
    except UnitError as error:
        raise UnitError(f"the input '{population}.{TARGET}': {error}") from None
    return np.broadcast_to(array, (trials, size)) if array.shape in ((), (size,)) else array


def _in_si(circuit: Circuit, population: str, parameter: str, value: Any) -> np.ndarray:
    unit = circuit.population[population].model.equation_set.by_name[parameter].unit
    try:
        return array_in_si(value, unit)
    except UnitError as error:
        raise UnitError(f"the input '{population}.{parameter}': {error}") from None


def _declare_varying(circuit: Circuit, population: str, parameter: str) -> Circuit:
    """A parameter that differs between neurons or in time is neither shared nor constant."""
    if parameter not in circuit.population[population].neuron.equation_set.by_name:
        return _vary_in_lines(circuit, population, parameter)
    model = circuit.population[population].neuron
    unit = model.equation_set.by_name[parameter].unit
    kept = {name: value for name, value in model.parameters.items() if name != parameter}
    varying = model.extended(
        Equation("parameter", parameter, None, unit), parameters=kept, method=model.resolved_method
    )
    return _with_neuron(circuit, population, varying)


def _replace_noise(circuit: Circuit, population: str, noise: str) -> tuple[Circuit, str]:
    """Put a parameter where white noise stood, so that both engines see the given numbers."""
    found = circuit.population[population]
    model = found.neuron
    name = GIVEN_NOISE + noise.removeprefix("xi")
    if not any(noise in equation.names for equation in model.equation_set.of("differential")):
        lines = re.sub(rf"\b{noise}\b", name, found.equations) + f"\n{name} : second**-0.5"
        changed = replace(found, equations=lines, method=found.model.resolved_method)
        return _with_population(circuit, changed), name
    replaced = [
        replace(e, expression=re.sub(rf"\b{noise}\b", name, e.expression))
        for e in model.equation_set.of("differential")
        if e.expression is not None and noise in e.names
    ]
    declared = Equation("parameter", name, None, "second**-0.5")
    # The method was chosen for the noise; keep it.
    changed = model.extended(*replaced, declared, method=model.resolved_method)
    return _with_neuron(circuit, population, changed), name


def _vary_in_lines(circuit: Circuit, population: str, parameter: str) -> Circuit:
    """The same for a parameter in the lines that the circuit adds."""
    found = circuit.population[population]
    unit = found.model.equation_set.by_name[parameter].unit
    declared = parse_equations(found.equations).with_(Equation("parameter", parameter, None, unit))
    kept = {name: value for name, value in found.parameters.items() if name != parameter}
    changed = replace(found, equations=str(declared), parameters=kept, method=found.model.resolved_method)
    return _with_population(circuit, changed)


def _replace_draw(circuit: Circuit, population: str) -> tuple[Circuit, str]:
    """Put a parameter where a threshold draws a number."""
    model = circuit.population[population].neuron
    declared = Equation("parameter", GIVEN_UNIFORM, None, "1")
    threshold = (model.threshold or "").replace("rand()", GIVEN_UNIFORM)
    changed = model.extended(declared, threshold=threshold, method=model.resolved_method)
    return _with_neuron(circuit, population, changed), GIVEN_UNIFORM


def _with_neuron(circuit: Circuit, population: str, neuron: NeuronModel) -> Circuit:
    return _with_population(circuit, replace(circuit.population[population], neuron=neuron))


def _with_population(circuit: Circuit, changed: Population) -> Circuit:
    return replace(circuit, populations=tuple(changed if p.name == changed.name else p for p in circuit.populations))


def _sort(found: Inputs, name: str, array: np.ndarray, size: int, *, steps: int, trials: int) -> None:
    shape = array.shape
    if array.ndim == 0 or (shape == (size,) and shape != (steps,)):
        found.state[name] = array
    elif shape == (trials, size) and shape[0] != steps:
        found.stimuli[name] = array
    elif shape in (
        (steps,),
        (steps, size),
        (steps, 1),
        (steps, trials, size),
        (steps, 1, size),
        (steps, trials, 1),
    ):
        full = array[:, None, None] if array.ndim == 1 else array[:, None, :] if array.ndim == 2 else array
        found.stimuli[name] = np.broadcast_to(full, (steps, trials, size))
    else:
        raise CircuitError(
            f"the input '{name}' has shape {shape}; expected a number, ({size},) for each neuron, ({trials}, {size}) "
            f"for each trial, or {steps} time steps first: ({steps},), ({steps}, {size}) or ({steps}, {trials}, {size})"
        )
