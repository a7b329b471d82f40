"""Build the circuit that `simulate` runs, and warn of rules that do not act."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Phase, Population
from neurosim.errors import ArgumentError, CircuitError, NeurosimWarning
from neurosim.neurons._checks import check_unread
from neurosim.neurons._model import NeuronModel
from neurosim.recording.inputs import vary
from neurosim.rules import fixed
from neurosim.units import format_quantity, parse_quantity

#: The name of the only population when a bare neuron is simulated.
ALONE = "neuron"
_WITH_LEARNING = (
    "use neurosim.train for a model with a task, or BatchedEngine(circuit, setting).run(state, stimuli), in which "
    "rules act"
)


def circuit_of(model: NeuronModel | Circuit, duration: float | None, n: int, method: str | None) -> Circuit:
    """The circuit to run: of a bare neuron, or a circuit for a duration in seconds (``None``: through its phases).

    Raises
    ------
    ArgumentError
        An argument that is for bare neurons only.
    CircuitError
        There is neither a duration nor a phase.
    """
    text = None if duration is None else _duration(duration)
    if isinstance(model, NeuronModel):
        if text is None:
            raise CircuitError("a bare neuron needs a duration, e.g. simulate(neuron, '1 second')")
        check_unread(model)
        neuron = replace(model, method=method) if method is not None else model
        return Circuit(model.name, (Population(ALONE, n, neuron),), phases=(Phase("run", text),))
    if n != 1:
        raise ArgumentError("n", n, "no number of neurons with a circuit, whose populations have sizes")
    if method is not None:
        raise ArgumentError("method", method, "none with a circuit: give each neuron or population its own")
    if text is not None:
        first = model.phases[0] if model.phases else Phase("run", text)
        alone = replace(first, duration=text, learn=())
        # Nothing learns here, and a rule may read variables that only a later phase holds.
        pathways = tuple(replace(p, rule=fixed.RULE, parameters={}) if p.synapse.learns else p for p in model.pathways)
        return replace(model, pathways=pathways, phases=(alone,))
    if not model.phases:
        raise CircuitError(f"the circuit '{model.name}' has no phases; give a duration")
    return model


def _duration(seconds: float) -> str:
    """Text that reads back as the same number."""
    text = format_quantity(seconds, "second")
    return text if parse_quantity(text, "second") == seconds else f"{seconds!r} second"


def tell_of_frozen_weights(model: NeuronModel | Circuit, learn: bool | None) -> None:
    """Warn of rules that do not act, unless that is said to be meant."""
    if learn:
        raise ArgumentError("learn", learn, f"False, or nothing: {_WITH_LEARNING}")
    learning = [p.name for p in model.pathways if p.synapse.learns] if isinstance(model, Circuit) else []
    if learning and learn is None:
        names = ", ".join(learning[:6]) + (" ..." if len(learning) > 6 else "")
        warnings.warn(
            f"the rules of the pathways {names} do not act: simulate runs '{model.name}' with its weights as they are. "
            f"If that is meant, say learn=False; else {_WITH_LEARNING}",
            NeurosimWarning,
            stacklevel=4,
        )


def varying(circuit: Circuit, state: Mapping[str, np.ndarray], given: Collection[str]) -> Circuit:
    """The circuit without the flag ``shared`` on parameters that differ between neurons."""
    for name, array in state.items():
        population, _, parameter = name.rpartition(".")
        if array.ndim and population in circuit.population and name not in given:
            declared = {equation.name for equation in circuit.population[population].model.equation_set.of("parameter")}
            circuit = vary(circuit, population, parameter) if parameter in declared else circuit
    return circuit


def shortened(circuit: Circuit, steps: int, dt: float) -> Circuit:
    """A part of the circuit's only phase."""
    (phase,) = circuit.phases
    return replace(circuit, phases=(replace(phase, duration=f"{steps * dt!r} second"),))
