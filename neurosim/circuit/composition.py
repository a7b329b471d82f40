"""The complete equations of each population of a circuit.

A neuron's own text, plus what the circuit adds: bound parameters, the readout's lines in the output
population, and a declaration for every variable that a phase holds. Both engines start from here.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from neurosim.circuit.wiring import Wiring
from neurosim.equations.dimensions import BUILTIN_NAMES, unit_of_expression, variables_of
from neurosim.equations.parse import Equation, EquationSet, parse_equations, unknown_names
from neurosim.errors import EquationError
from neurosim.neurons._model import NeuronModel
from neurosim.units import dimension_text

LOSS = "loss"
#: The loss summed over time, of circuits over time.
TOTAL_LOSS = "total_loss"
#: The change of the loss since the phase that held what the readout asks for, without cancellation.
LOSS_CHANGE = "loss_change"
#: Sums over the trials of a batch: scalars no neuron has, kept to show what it costs to use them.
BATCH_SUMS = {"batch_loss": LOSS, "batch_loss_change": LOSS_CHANGE}


@functools.lru_cache(maxsize=64)
def compose(circuit: Wiring) -> Mapping[str, NeuronModel]:
    """Each population's complete model.

    Raises
    ------
    EquationError, UnitError
        If a bound or held expression does not fit the neuron's equations.
    """
    models: dict[str, NeuronModel] = {}
    for population in circuit.populations:
        model = population.model
        added: list[Equation] = []
        changes: dict[str, Any] = {}
        if circuit.readout is not None and population.name == circuit.output_population:
            output = (circuit.output or "").split(".")[1]
            added += circuit.readout.equations(output, change=uses_change(circuit), over_time=circuit.over_time)
            if circuit.over_time:
                changes["method"] = _summing(population.name, model)
        for name, text in population.bind.items():
            unit = model.equation_set.by_name[name].unit
            added += parse_equations(f"{name} = {text} : {unit}").equations
        kept = {name: value for name, value in model.parameters.items() if name not in population.bind}
        added += _held(circuit, population.name, model.equation_set.with_(*added))
        try:
            models[population.name] = model.extended(*added, parameters=kept, **changes) if added else model
        except EquationError as error:
            if error.text is not None:
                raise
            # The error concerns the composed equations; the user's own are right.
            faults = ((f"populations.{population.name}.{key}", sentence) for key, sentence in error.faults)
            raise EquationError(f"population '{population.name}': {error.message}", faults=faults) from None
    return models


def _summing(population: str, model: NeuronModel) -> str:
    """The integration method of a loss over time: Euler's, which sums over steps."""
    if model.resolved_method in (None, "euler"):
        return "euler"
    fault = f"got '{model.resolved_method}', expected 'euler': what is read out over time is summed over steps"
    raise EquationError(
        f"population '{population}', method: {fault}", faults=((f"populations.{population}.method", fault),)
    )


@functools.lru_cache(maxsize=64)
def broadcast(circuit: Wiring) -> Mapping[str, str]:
    """Broadcast variables and their units: the loss, its change where used, and variables that phases hold.

    Switches are not among them: they are shared parameters of the neurons that have them.
    """
    known: dict[str, str] = {}
    if circuit.readout is not None:
        change = [LOSS_CHANGE] if uses_change(circuit) else []
        names = (LOSS, *change, *(name for name in BATCH_SUMS if name in _used(circuit)))
        known = dict.fromkeys(names, "Hz" if circuit.over_time else "1")
        known |= {TOTAL_LOSS: "1"} if circuit.over_time else {}
    for phase in circuit.phases:
        for held in phase.hold:
            if held.population is None:
                known.setdefault(held.statement.target, "1")
    return known


def uses_change(circuit: Wiring) -> bool:
    """Whether any phase or rule reads the change of the loss."""
    used = _used(circuit)
    return bool(used & {LOSS_CHANGE, *(name for name, summed in BATCH_SUMS.items() if summed == LOSS_CHANGE)})


def _used(circuit: Wiring) -> set[str]:
    """All names that phases and rules read."""
    held = {name for phase in circuit.phases for held in phase.hold for name in held.statement.names}
    return held | {name for pathway in circuit.pathways for name in pathway.synapse.names}


def reads_broadcast(circuit: Wiring) -> bool:
    """Whether any rule, phase or neuron reads a broadcast variable."""
    known = broadcast(circuit).keys()
    neurons = {name for population in circuit.populations for name in population.model.equation_set.by_name}
    return bool(known & (_used(circuit) | neurons))


def _held(circuit: Wiring, population: str, equations: EquationSet) -> list[Equation]:
    """A declaration for each variable that a phase holds, in the unit of what it holds, unless there is one."""
    declared: list[Equation] = []
    for held in (held for phase in circuit.phases for held in phase.hold if held.population == population):
        known = equations.with_(*declared)
        if held.statement.target not in known.by_name:
            variables = variables_of(known, broadcast(circuit))
            own, place = variables.keys() - BUILTIN_NAMES, held.statement.place
            unknown_names(held.statement.names - BUILTIN_NAMES, own, place, what=f"what '{population}' holds")
            dimension = unit_of_expression(held.statement.expression, variables, held.statement.place)
            declared.append(Equation("parameter", held.statement.target, None, dimension_text(dimension)))
    return declared


def losses_of(circuit: Wiring) -> Mapping[str, str]:
    """The losses that are sums over the output neurons, ``name -> qualified variable that is summed``."""
    shares = {LOSS: "loss_share", LOSS_CHANGE: "loss_change_share", TOTAL_LOSS: "spent"}
    known = broadcast(circuit) if circuit.readout is not None else dict[str, str]()
    return {name: f"{circuit.output_population}.{share}" for name, share in shares.items() if name in known}


def reported_loss(circuit: Wiring) -> str:
    """The broadcast variable whose value at the end of a phase is a trial's loss."""
    return TOTAL_LOSS if circuit.over_time else LOSS


def answer_of(circuit: Wiring) -> str:
    """The variable of the output whose value at the end of a phase is a trial's answer."""
    return f"{circuit.output_population}.{'answer' if circuit.over_time else 'y'}"


def of_one_presentation(circuit: Wiring) -> frozenset[str]:
    """Variables that begin anew with each presentation, also where state carries over: what the loss adds up."""
    if circuit.readout is None or not circuit.over_time:
        return frozenset()
    return frozenset(f"{circuit.output_population}.{name}" for name in ("spent", "answer"))


def means_of(circuit: Wiring) -> dict[str, str]:
    """All means over the neurons of a channel, ``population.variable -> text``."""
    return {f"{p.name}.{name}": text for p in circuit.populations for name, text in p.neuron.means.items()}


def sums_of(circuit: Wiring) -> dict[str, str]:
    """All sums over a population, ``population.variable -> text``: the circuit's and the readout's."""
    texts = {f"{p.name}.{name}": text for p in circuit.populations for name, text in p.sums.items()}
    if circuit.readout is not None:
        sums = dict(circuit.readout.pairwise)
        if uses_change(circuit):
            sums |= circuit.readout.change_pairwise
        texts |= {f"{circuit.output_population}.{name}": text for name, text in sums.items()}
    return texts
