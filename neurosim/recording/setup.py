"""Build the circuit that `simulate` runs, and say which of its rules act."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.circuit.moments import acting, waits
from neurosim.errors import ArgumentError, CircuitError, NeurosimWarning
from neurosim.neurons._checks import check_unread
from neurosim.neurons._model import NeuronModel
from neurosim.recording.inputs import vary
from neurosim.rules import fixed
from neurosim.units import format_quantity, parse_quantity

#: The name of the only population when a bare neuron is simulated.
ALONE = "neuron"


def circuit_of(
    model: NeuronModel | Circuit, duration: float | None, n: int, method: str | None, *, learn: bool | None = None
) -> Circuit:
    """The circuit to run: of a bare neuron, or a circuit for a duration in seconds (``None``: through its phases).

    For a duration, it runs its first phase for so long. If it has no phases, all of its rules act.

    Parameters
    ----------
    learn
        Whether its rules are meant to act; ``False`` to keep them from it.

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
        learning = tuple(pathway.name for pathway in model.pathways if pathway.synapse.learns)
        first = model.phases[0] if model.phases else Phase("run", text, learn=learning)
        return _only_phase(model, replace(first, duration=text, learn=() if learn is False else first.learn))
    if not model.phases:
        raise CircuitError(f"the circuit '{model.name}' has no phases; give a duration")
    return model


def _duration(seconds: float) -> str:
    """Text that reads back as the same number."""
    text = format_quantity(seconds, "second")
    return text if parse_quantity(text, "second") == seconds else f"{seconds!r} second"


def _only_phase(model: Circuit, phase: Phase) -> Circuit:
    """The circuit with this phase alone."""
    try:
        return replace(model, phases=(phase,))
    except CircuitError:
        # A rule that does not act here may read what only another phase holds.
        idle = {p.name for p in model.pathways if p.synapse.learns and p.name not in phase.learn}
        pathways = (replace(p, rule=fixed.RULE, parameters={}) if p.name in idle else p for p in model.pathways)
        try:
            return replace(model, pathways=tuple(pathways), phases=(phase,))
        except CircuitError as error:
            raise CircuitError(
                f"{error}; with a duration only the phase '{phase.name}' runs: leave the duration out to run through "
                "all phases, or say learn=False"
            ) from None


def learning_pathways(model: NeuronModel | Circuit, circuit: Circuit, learn: bool | None) -> tuple[Pathway, ...]:
    """The pathways whose rules act in a simulation; warns if none acts and the caller did not ask for that.

    Parameters
    ----------
    model, circuit
        What the user gives, and what of it is run.
    learn
        What the user says: whether rules act; ``None`` for those that the phases name.

    Raises
    ------
    ArgumentError
        Rules are meant to act, and none does.
    """
    acts = acting(circuit, circuit.phases) if learn is not False else ()
    acts = tuple(pathway for pathway in acts if pathway.synapse.learns)
    if acts or learn is False:
        return acts
    known = [p.name for p in model.pathways if p.synapse.learns] if isinstance(model, Circuit) else []
    names = ", ".join(known[:6]) + (" ..." if len(known) > 6 else "")
    phases = ", ".join(f"'{phase.name}'" for phase in circuit.phases)
    if learn:
        has = f"the rules of {names} act in no phase that runs ({phases})" if known else "nothing here has a rule"
        raise ArgumentError("learn", learn, f"False, or nothing: {has}; a phase names its pathways in learn=(...)")
    if known:
        warnings.warn(
            f"the rules of the pathways {names} do not act: no phase that runs ({phases}) names them in learn=(...). "
            "If that is meant, say learn=False",
            NeurosimWarning,
            stacklevel=4,
        )
    return acts


def refuse_parts(pathways: Collection[Pathway]) -> None:
    """Refuse to run a part of a presentation in which a rule acts once, when all of it is over.

    Raises
    ------
    CircuitError
        With the pathway.
    """
    for pathway in pathways:
        if waits(pathway) or pathway.update_noise is not None:
            raise CircuitError(
                f"pathway '{pathway.name}' changes when its phase is over, which the part of a simulation that store= "
                "and restore= cut off is not; use a rule with timing='step', run it in one call, or say learn=False"
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
