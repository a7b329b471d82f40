"""Faults in the texts that a circuit adds to those of its neurons, and in units between its parts."""

from __future__ import annotations

from collections.abc import Iterator

from neurosim.circuit.composition import broadcast, compose
from neurosim.circuit.description import Hold, Population
from neurosim.circuit.per_synapse import check
from neurosim.circuit.weight_units import weight_unit
from neurosim.circuit.weights import Initial
from neurosim.circuit.wiring import Wiring
from neurosim.equations.dimensions import (
    BUILTIN_NAMES,
    check_statement,
    dimension_of,
    shown_unit,
    unit_of_expression,
    variables_of,
)
from neurosim.equations.grammar import check_expression, names_in
from neurosim.equations.parse import EquationSet, parse_expression, unknown_names
from neurosim.equations.reserved import REFRACTORY
from neurosim.errors import NeurosimError


def text_faults(circuit: Wiring) -> list[str]:
    """Every fault, each as one sentence, of a circuit whose parts exist."""
    faults = [*_shadowed(circuit), *_ties(circuit)]
    for pathway in circuit.pathways:
        if not isinstance(start := pathway.start, Initial):
            try:
                check(
                    start,
                    weight_unit(circuit, pathway),
                    circuit.connectivity(pathway.name),
                    circuit.ends(pathway.name),
                )
            except NeurosimError as error:
                faults.append(f"pathway '{pathway.name}', initial: {error}")
    for phase in circuit.phases:
        for held in phase.hold:
            try:
                _check_hold(circuit, held)
            except NeurosimError as error:
                faults.append(f"phase '{phase.name}' holds '{held}': {error}")
    for population in circuit.populations:
        for name, text in population.sums.items():
            try:
                _check_sum(population, name, text)
            except NeurosimError as error:
                faults.append(f"population '{population.name}', the sum '{name}': {error}")
    return faults


def _shadowed(circuit: Wiring) -> Iterator[str]:
    """A neuron's variable with the name of what is broadcast: two meanings."""
    for name, population in ((n, p) for n in broadcast(circuit) for p in circuit.populations):
        equation = population.model.equation_set.by_name.get(name)
        if equation is None:
            continue
        own = name in population.model.parameters or equation.kind != "parameter" or "shared" not in equation.flags
        if own:
            yield (
                f"population '{population.name}' has a variable '{name}', which is also the name of a broadcast "
                f"variable; rename it, or declare '{name} : 1 (shared)' without a value to read the broadcast one"
            )


def _ties(circuit: Wiring) -> Iterator[str]:
    """Refuse tied weights whose two uses need different units."""
    for pathway in circuit.pathways:
        if pathway.tie is None:
            continue
        other = circuit.pathway[pathway.tie.pathway]
        here, there = weight_unit(circuit, pathway), weight_unit(circuit, other)
        if dimension_of(here) is not dimension_of(there):
            yield (
                f"pathway '{pathway.name}': its weights, '{pathway.target}' per '{pathway.source}', have unit "
                f"{shown_unit(dimension_of(here))}, and the weights of '{other.name}', to which it is tied, have unit "
                f"{shown_unit(dimension_of(there))}"
            )


def _check_hold(circuit: Wiring, held: Hold) -> None:
    """Refuse to hold an expression that has no value at the end of a phase, or another unit than its target."""
    if held.population is None:
        scalars = variables_of(EquationSet(()), broadcast(circuit))
        got = unit_of_expression(held.statement.expression, scalars, held.statement.place)
        if got is not dimension_of("1"):
            raise held.statement.place.unit_error(
                f"has unit {shown_unit(got)}, expected none; hold it in a variable of a population, which takes the "
                "unit of what it holds"
            )
        return
    fed = next((p.name for p in circuit.pathways if p.target == held.target and not p.at_spikes), None)
    if fed is not None:
        raise held.statement.place.error(
            f"'{held.target}' is the input that the pathway '{fed}' delivers at every instant; hold another parameter"
        )
    model = compose(circuit)[held.population]
    if model.refractory is None and (missing := sorted(held.statement.names & REFRACTORY)):
        raise held.statement.place.error(f"'{missing[0]}' needs a refractory period; give the neuron one")
    check_statement(held.statement, model.equation_set, what="assignment", extra=broadcast(circuit))


def _check_sum(population: Population, name: str, written: str) -> None:
    """Refuse a sum with a unit, or over variables that a neuron does not have."""
    text, place = parse_expression(written)
    # At an instant: no time is passed to sums.
    names = names_in(check_expression(text, place)) - (BUILTIN_NAMES - {"t", "dt"})
    variables = variables_of(population.model.equation_set)
    own = population.model.equation_set.by_name
    known = {f"{n}_{side}": variables[n] for n in own for side in ("pre", "post")}
    unknown_names(names, known, place, what=f"the sum '{name}'")
    got = unit_of_expression(text, known | {n: variables[n] for n in BUILTIN_NAMES}, place)
    if got is not dimension_of("1"):
        raise place.unit_error(f"has unit {shown_unit(got)}; expected none; divide by a quantity of that unit")
