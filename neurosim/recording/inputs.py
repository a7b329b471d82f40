"""Sort the inputs of a simulation into parameters, per-trial values and courses over time, in SI units."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Population
from neurosim.engines.over_time import told_to_fire
from neurosim.engines.stimuli import Stimulus
from neurosim.equations.parse import Equation, parse_equations
from neurosim.errors import ArgumentError, CircuitError
from neurosim.neurons._model import NeuronModel
from neurosim.recording.courses import InputSize, placed
from neurosim.recording.spike_times import spikes_given
from neurosim.suggestions import hint

#: The target of a readout. The circuit declares it, so it is no parameter of the neuron.
TARGET = "target"
#: Parameters that replace white noise, and draws of a threshold, where the user gives their numbers.
GIVEN_NOISE, GIVEN_UNIFORM = "given_noise", "given_uniform"
#: Inputs of neurons that spike when they are told.
SPIKES = "spikes"


@dataclass
class SortedInputs:
    """Inputs, sorted by how they vary.

    Attributes
    ----------
    state
        Qualified parameter -> scalar or ``(n,)``.
    stimuli
        Qualified parameter -> what differs between trials, or changes in time.
    """

    state: dict[str, np.ndarray] = field(default_factory=dict)
    stimuli: dict[str, Stimulus] = field(default_factory=dict)


def apply_inputs(
    circuit: Circuit, given: Mapping[str, Any], *, steps: int | None, trials: int, dt: float
) -> tuple[Circuit, SortedInputs]:
    """Set parameters of a circuit's neurons, and the target of its readout.

    Parameters
    ----------
    given
        ``population.parameter`` (or the bare parameter, in a circuit of one population) -> a quantity, an array
        ``(n,)`` or ``(trial, n)``, or a course, see `neurosim.over_time`. White noise
        ``xi`` takes standard normal numbers, ``rand`` those between 0 and 1 that a threshold draws.
        ``<output population>.target`` is what a readout wants. Neurons that spike when they are told take
        ``population.spikes``, see `neurosim.recording.spike_times`.
    steps
        Number of time steps, ``None`` without time.

    Returns
    -------
    tuple
        The circuit, with varying parameters no longer declared constant, and the sorted inputs.

    Raises
    ------
    CircuitError
        An unknown name or an array of a shape that does not fit, naming both.
    UnitError
        A wrong unit.
    """
    inputs, original = SortedInputs(), circuit
    places: dict[tuple[str, str], str] = {}
    for name, value in given.items():
        population, asked = _locate(original, name)
        told = told_to_fire(circuit.population[population].model) if asked == SPIKES else None
        parameter = asked if told is None else told
        if (population, parameter) in places:
            raise CircuitError(f"the inputs '{places[population, parameter]}' and '{name}' are the same parameter")
        places[population, parameter] = name
        extent = InputSize(steps, trials, circuit.population[population].size, dt)
        if told is not None:
            circuit = vary(circuit, population, told)
            inputs.stimuli[f"{population}.{told}"] = spikes_given(f"{population}.{SPIKES}", value, extent)
            continue
        noise = parameter == "xi" or parameter.startswith("xi_")
        unit = "1" if noise or parameter == "rand" else _unit(circuit, population, parameter)
        array = placed(f"{population}.{parameter}", value, unit, extent)
        if noise:
            circuit, parameter = _replace_noise(circuit, population, parameter)
            array = array / np.sqrt(dt)
        elif parameter == "rand":
            if np.any((array < 0) | (array > 1)):
                raise CircuitError(f"the input '{name}' stands for rand() and has to be between 0 and 1")
            circuit, parameter = _replace_draw(circuit, population)
        elif _is_target(circuit, population, parameter):
            # Engines take the target as a stimulus only.
            array = array if array.ndim > 1 else np.broadcast_to(array, (trials, extent.size))
        _refuse_switched(circuit, population, parameter, varying=array.ndim > 0)
        if array.ndim > 0 and not _is_target(circuit, population, parameter):
            circuit = vary(circuit, population, parameter)
        if array.ndim < 2 or _begins(original, population, parameter, array):
            inputs.state[f"{population}.{parameter}"] = array
        else:
            stimulus = Stimulus.from_steps(array) if array.ndim > 2 else Stimulus(array)
            inputs.stimuli[f"{population}.{parameter}"] = stimulus
    return circuit, inputs


def _locate(circuit: Circuit, name: Any) -> tuple[str, str]:
    if not isinstance(name, str):
        raise ArgumentError("inputs", name, "names of parameters, such as 'i_ext' or 'hidden1.i_ext'")
    population, dot, parameter = name.rpartition(".")
    if not dot:
        if len(circuit.populations) != 1:
            known = ", ".join(circuit.population)
            raise CircuitError(f"the input '{name}' should be 'population.{name}'; populations: {known}")
        population = circuit.populations[0].name
    if population in circuit.pathway:
        raise CircuitError(f"the input '{name}' is of a pathway; give weights and parameters of rules by state=")
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
    allowed += [SPIKES] if told_to_fire(model) is not None else []
    allowed += [TARGET] if _is_target(circuit, population, TARGET) else []
    if parameter not in allowed:
        raise CircuitError(
            f"'{parameter}' is no parameter of '{population}' that could be set{_hint(model, parameter, allowed)}; "
            f"known: {', '.join(allowed) or 'none'}"
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


def _begins(circuit: Circuit, population: str, parameter: str, array: np.ndarray) -> bool:
    """Whether an input is the initial value of a parameter that the reset changes."""
    model = circuit.population[population].model
    if parameter not in model.assigned:
        return False
    if array.ndim > 2:
        raise CircuitError(
            f"the input '{population}.{parameter}' changes in time, and so does the reset of neuron '{model.name}' "
            "assign it; give where it begins, a number or an array without time, or let the reset assign another"
        )
    return True


def _hint(model: NeuronModel, name: str, allowed: list[str]) -> str:
    if name == SPIKES:
        return ": spikes are given to neurons that have no other threshold than a truth value, as 'spike_source'"
    if name in model.state_variables:
        return f": give its start by state={{'{name}': ...}}"
    if name in model.equation_set.by_name:
        return ": the equations compute it"
    return hint(name, allowed)


def _is_target(circuit: Circuit, population: str, parameter: str) -> bool:
    return circuit.readout is not None and population == circuit.output_population and parameter == TARGET


def _unit(circuit: Circuit, population: str, parameter: str) -> str:
    if _is_target(circuit, population, parameter):
        return "1"
    return circuit.population[population].model.equation_set.by_name[parameter].unit


def _refuse_switched(circuit: Circuit, population: str, parameter: str, *, varying: bool) -> None:
    """Refuse inputs for switches, which phases set and would silently override."""
    by = [phase.name for phase in circuit.phases if parameter in phase.switches]
    equation = circuit.population[population].model.equation_set.by_name.get(parameter)
    if by and equation is not None and "shared" in equation.flags and (varying or len(by) == len(circuit.phases)):
        raise CircuitError(
            f"'{population}.{parameter}' is a switch that the phases {', '.join(by)} set; change their switches instead"
        )


def vary(circuit: Circuit, population: str, parameter: str) -> Circuit:
    """Remove the flags ``shared`` and ``constant`` from parameters that vary between neurons or in time."""
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
    """Replace white noise by a parameter, so that both engines use the given numbers."""
    owner = circuit.population[population]
    model = owner.neuron
    name = GIVEN_NOISE + noise.removeprefix("xi")
    if not any(noise in equation.names for equation in model.equation_set.of("differential")):
        lines = re.sub(rf"\b{noise}\b", name, owner.equations) + f"\n{name} : second**-0.5"
        changed = replace(owner, equations=lines, method=owner.model.resolved_method)
        return _with_population(circuit, changed), name
    replaced = [
        replace(e, expression=re.sub(rf"\b{noise}\b", name, e.expression))
        for e in model.equation_set.of("differential")
        if e.expression is not None and noise in e.names
    ]
    declared = Equation("parameter", name, None, "second**-0.5")
    # Keep the method, which was chosen for the noise.
    changed = model.extended(*replaced, declared, method=model.resolved_method)
    return _with_neuron(circuit, population, changed), name


def _vary_in_lines(circuit: Circuit, population: str, parameter: str) -> Circuit:
    """The same for a parameter in the lines that the circuit adds."""
    owner = circuit.population[population]
    unit = owner.model.equation_set.by_name[parameter].unit
    declared = parse_equations(owner.equations).with_(Equation("parameter", parameter, None, unit))
    kept = {name: value for name, value in owner.parameters.items() if name != parameter}
    changed = replace(owner, equations=str(declared), parameters=kept, method=owner.model.resolved_method)
    return _with_population(circuit, changed)


def _replace_draw(circuit: Circuit, population: str) -> tuple[Circuit, str]:
    """Replace the random draws of a threshold by a parameter."""
    owner = circuit.population[population]
    model, declared = owner.neuron, Equation("parameter", GIVEN_UNIFORM, None, "1")
    threshold = (owner.model.threshold or "").replace("rand()", GIVEN_UNIFORM)
    if owner.threshold is not None:
        lines = f"{owner.equations}\n{declared}"
        changed = replace(owner, equations=lines, threshold=threshold, method=owner.model.resolved_method)
        return _with_population(circuit, changed), GIVEN_UNIFORM
    changed = model.extended(declared, threshold=threshold, method=model.resolved_method)
    return _with_neuron(circuit, population, changed), GIVEN_UNIFORM


def _with_neuron(circuit: Circuit, population: str, neuron: NeuronModel) -> Circuit:
    return _with_population(circuit, replace(circuit.population[population], neuron=neuron))


def _with_population(circuit: Circuit, changed: Population) -> Circuit:
    return replace(circuit, populations=tuple(changed if p.name == changed.name else p for p in circuit.populations))
